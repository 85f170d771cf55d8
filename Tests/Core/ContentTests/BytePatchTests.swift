import Content
import TestSupport
import Testing

@Suite struct BytePatchTests {
    private func encoded(_ patch: BytePatch) -> [UInt8] {
        var writer = ByteWriter()
        patch.encode(to: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8], limit: Int = 1 << 20) throws -> BytePatch {
        var reader = ByteReader(bytes)
        let patch = try BytePatch(decoding: &reader, limit: limit)
        try reader.expectEnd()
        return patch
    }

    /// `bytes` after some random edits: parts replaced, put in, taken out, moved.
    private func edited(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let start = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.replaceSubrange(start..<end, with: random.bytes(end - start))
            case 1: bytes.insert(contentsOf: random.bytes(Int.random(in: 0...40, using: &random)), at: start)
            case 2: bytes.removeSubrange(start..<end)
            default:
                let part = Array(bytes[start..<end])
                bytes.removeSubrange(start..<end)
                bytes.insert(contentsOf: part, at: Int.random(in: 0...bytes.count, using: &random))
            }
        }
        return bytes
    }

    @Test func `whatever was edited, the patch makes it from the base`() throws {
        var random = SplitMix64(test: "byte patches", fallback: 5)
        for _ in 0..<2_000 {
            let base = random.bytes(Int.random(in: 0...600, using: &random))
            let target = edited(base, &random)
            let patch = BytePatch(from: base, to: target)
            #expect(try patch.apply(to: base) == target)
            #expect(try decoded(encoded(patch)) == patch)
            #expect(patch.targetByteCount == target.count)
        }
    }

    @Test func `a changed number costs some bytes, an equal value next to none`() throws {
        var random = SplitMix64(seed: 1)
        let base = random.bytes(1_000)
        var target = base
        target.replaceSubrange(500..<504, with: [1, 2, 3, 4])
        #expect(encoded(BytePatch(from: base, to: target)).count < 20)
        #expect(encoded(BytePatch(from: base, to: base)).count < 8)
        #expect(encoded(BytePatch(from: [], to: base)).count < 1_010)
    }

    @Test func `bytes that are no patch are refused`() throws {
        // A target above the limit, no bytes in a step, more than the target has, a run before the base, an end too early.
        let wrong: [[UInt8]] = [[11], [4, 0, 0], [4, 10, 0], [4, 8, 1], [4], [4, 8], [4, 9, 1, 2]]
        for bytes in wrong {
            #expect(throws: CodecError.self, "\(bytes)") { try decoded(bytes, limit: 10) }
        }
        // A run far beyond everything: no overflow.
        var writer = ByteWriter()
        writer.varint(4)
        writer.varint(8)
        writer.signedVarint(.max)
        #expect(throws: CodecError.self) { try decoded(writer.bytes) }
        #expect(try decoded([4, 9, 1, 2, 3, 4]).apply(to: []) == [1, 2, 3, 4])
    }

    @Test func `a patch of another base is refused when it reaches beyond it`() throws {
        let base = [UInt8](repeating: 7, count: 64)
        let patch = BytePatch(from: base, to: base)
        #expect(throws: CodecError.self) { try patch.apply(to: Array(base.dropLast())) }
    }
}
