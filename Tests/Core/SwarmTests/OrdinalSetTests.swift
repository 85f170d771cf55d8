import Content
import Swarm
import Testing
import TestSupport

@Suite struct OrdinalSetTests {
    @Test("does what a plain set does")
    func againstSet() throws {
        var generator = SplitMix64(test: "ordinal sets", fallback: 20_261_129)
        for _ in 0..<60 {
            var (set, plain) = (OrdinalSet(), Set<UInt32>())
            let span = UInt32(1) << UInt32.random(in: 4...18, using: &generator)
            for _ in 0..<40 {
                let range = Self.range(below: span, &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    set.insert(range)
                    plain.formUnion(range)
                case 1:
                    set.remove(range)
                    plain.subtract(range)
                case 2:
                    set.insert(range.lowerBound)
                    plain.insert(range.lowerBound)
                default:
                    let other = Self.range(below: span, &generator)
                    set.formUnion(OrdinalSet(other))
                    plain.formUnion(other)
                }
                #expect(set.count == plain.count && set.isEmpty == plain.isEmpty)
            }
            let sorted = plain.sorted()
            #expect(set.ranges.flatMap { Array($0) } == sorted)
            #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            #expect(OrdinalSet(sorted.shuffled(using: &generator)) == set)
            let (cut, probe) = (Self.range(below: span, &generator), Self.range(below: span, &generator).lowerBound)
            #expect(set.subtracting(OrdinalSet(cut)) == OrdinalSet(plain.subtracting(cut)))
            #expect(set.contains(probe) == plain.contains(probe))
            #expect(try OrdinalSet(decoding: set.encode(), limit: span) == set)
        }
    }

    private static func range(below span: UInt32, _ generator: inout SplitMix64) -> Range<UInt32> {
        let first = UInt32.random(in: 0..<span, using: &generator)
        return first..<min(span, first + UInt32(generator.length(below: 17)) + 1)
    }

    /// The values of Tests/Fixtures/formats/ordinal-set-vectors.py.
    private static let vectors: [(String, [UInt32])] = [
        ("empty", []), ("one", [7]), ("range", Array(10..<300)), ("two-runs", Array(0..<100) + Array(65_500..<65_600)),
        ("squares", (1..<500).map { $0 * $0 }),
        (
            "four-blocks",
            Array(5..<70) + [70_000, 70_002] + Array(131_072..<131_112) + [200_000, 300_000]
        ),
        ("full-block", Array(0..<65_536)), ("three-plain", [1, 5, 65_539]),
    ]

    @Test("reads and writes the bytes of pyroaring", arguments: vectors)
    func pyroaring(name: String, values: [UInt32]) throws {
        let bytes = try FormatFixture("ordinal-set.txt").bytes(name)
        let set = OrdinalSet(values)
        #expect(try OrdinalSet(decoding: bytes, limit: 1 << 20) == set)
        #expect(set.encode() == bytes)
    }

    @Test("a million chunks with a thousand missing are at most 4 KiB")
    func size() throws {
        var generator = SplitMix64(test: "size", fallback: 20_261_129)
        var set = OrdinalSet(0..<1_000_000)
        while set.count > 999_000 {
            let ordinal = UInt32.random(in: 0..<1_000_000, using: &generator)
            set.remove(ordinal..<ordinal + 1)
        }
        let want = SwarmMessage.want(OrdinalSet(0..<1_000_000).subtracting(set)).encode()
        let hello = SwarmMessage.hello(SwarmHello(complete: 0, have: set))
        print("1,000 of a million missing: hello \(hello.encode().count) bytes, want \(want.count) bytes")
        #expect(hello.encode().count <= 4_096 && want.count <= 4_096)
        #expect(try SwarmMessage(decoding: hello.encode(), size: 1_000_000) == hello)
    }

    @Test("any bytes are an error, or a set that is written and read again")
    func hostileBytes() throws {
        var generator = SplitMix64(test: "hostile ordinal sets", fallback: 20_261_129)
        let good = try Self.vectors.map { try FormatFixture("ordinal-set.txt").bytes($0.0) }
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = round % 4 == 0 ? generator.bytes(generator.length(below: 8)) : good[round % good.count]
            for _ in 0..<generator.length(below: 3) where !bytes.isEmpty {
                let at = Int.random(in: 0..<min(bytes.count, 64), using: &generator)
                bytes[at] = UInt8.random(in: 0...255, using: &generator)
            }
            if round % 5 == 0 { bytes.removeLast(min(bytes.count, generator.length(below: 4))) }
            let limit = UInt32(generator.length(below: 21))
            guard let set = try? OrdinalSet(decoding: bytes, limit: limit) else { continue }
            accepted += 1
            #expect(set.ranges.last?.upperBound ?? 0 <= limit)
            #expect(try OrdinalSet(decoding: set.encode(), limit: limit) == set)
        }
        #expect(accepted > 500)
    }

    @Test("what says more than it has, or has it in another order, is refused")
    func refused() throws {
        let file = try FormatFixture("ordinal-set.txt")
        let (runs, plain) = (try file.bytes("two-runs"), try file.bytes("three-plain"))
        var cases: [[UInt8]] = [[], Array(runs.dropLast()), runs + [0]]
        for (bytes, at, value) in [
            (runs, 2, UInt8(0xFF)), (plain, 4, 0xFF), (plain, 8, 9), (plain, 10, 2), (runs, 7, 0x99),
        ] {
            cases.append(bytes)
            cases[cases.count - 1][at] = value
        }
        for bytes in cases {
            #expect(throws: CodecError.self, "\(bytes)") { try OrdinalSet(decoding: bytes, limit: 1 << 20) }
        }
        // The last of two-runs is 65,599.
        #expect(throws: CodecError.self) { try OrdinalSet(decoding: runs, limit: 65_599) }
        #expect(throws: Never.self) { try OrdinalSet(decoding: runs, limit: 65_600) }
    }
}
