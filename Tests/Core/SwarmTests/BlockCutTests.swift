import Swarm
import Testing
import TestSupport

@Suite struct BlockCutTests {
    private func lengths(_ count: Int, _ generator: inout SplitMix64) -> [UInt32] {
        (0..<count).map { _ in UInt32(generator.length(below: 20)) + 1 }
    }

    @Test("blocks cover the log, are small, and never cross a group")
    func covers() {
        var generator = SplitMix64(test: "block cuts", fallback: 20_261_129)
        for _ in 0..<50 {
            let lengths = lengths(generator.length(below: 12), &generator)
            let cut = BlockCut(base: 0, lengths: lengths)
            #expect((0..<cut.count).flatMap { Array(cut.ordinals(of: $0)) } == Array(0..<UInt32(lengths.count)))
            for block in 0..<cut.count {
                let ordinals = cut.ordinals(of: block)
                #expect(ordinals.allSatisfy { cut.block(of: $0) == block })
                #expect(ordinals.count == 1 || ordinals.reduce(0) { $0 + Int(lengths[Int($1)]) } <= BlockCut.byteLimit)
                #expect(ordinals.first.map { $0 / BlockCut.groupSize } == ordinals.last.map { $0 / BlockCut.groupSize })
            }
            #expect(cut.block(of: UInt32(lengths.count)) == nil)
        }
    }

    @Test("hosts that cut from different bases on agree where both cut")
    func agrees() {
        var generator = SplitMix64(test: "bases", fallback: 20_261_129)
        let lengths = lengths(2_000, &generator)
        let whole = BlockCut(base: 0, lengths: lengths)
        for base in stride(from: 0, to: 2_000, by: Int(BlockCut.groupSize)) {
            let part = BlockCut(base: UInt32(base), lengths: lengths[base...])
            let mine = (0..<part.count).map { part.ordinals(of: $0) }
            let others = (0..<whole.count).map { whole.ordinals(of: $0) }.filter { $0.lowerBound >= UInt32(base) }
            #expect(mine == others)
            #expect(base == 0 || part.block(of: UInt32(base) - 1) == nil)
        }
    }

    @Test("a log that grows keeps its blocks, save those of its last group")
    func growth() {
        var generator = SplitMix64(test: "growth", fallback: 20_261_129)
        let lengths = lengths(1_500, &generator)
        for size in [1, 127, 128, 129, 700, 1_499] {
            let before = BlockCut(base: 0, lengths: lengths[..<size])
            let after = BlockCut(base: 0, lengths: lengths)
            let last = UInt32(size - 1) / BlockCut.groupSize * BlockCut.groupSize
            for block in 0..<before.count where before.ordinals(of: block).lowerBound < last {
                #expect(after.ordinals(of: block) == before.ordinals(of: block))
            }
        }
    }

    @Test("the blocks that touch a range")
    func touching() {
        let cut = BlockCut(base: 128, lengths: Array(repeating: 100 << 10, count: 10))
        #expect(
            (0..<cut.count).map { cut.ordinals(of: $0) } == [128..<130, 130..<132, 132..<134, 134..<136, 136..<138])
        #expect(cut.blocks(touching: 0..<1_000) == 0..<5)
        #expect(cut.blocks(touching: 129..<131) == 0..<2)
        #expect(cut.blocks(touching: 132..<133) == 2..<3)
        #expect(cut.blocks(touching: 0..<128).isEmpty && cut.blocks(touching: 138..<140).isEmpty)
        #expect(cut.blocks(touching: 130..<130).isEmpty)
    }
}
