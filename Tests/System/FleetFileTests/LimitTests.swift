import FleetFile
import FleetModel
import Testing
import TestSupport

@Suite("Hostile files end in a message, never in a trap or in endless work")
struct LimitTests {
    /// Letters that mean something to YAML.
    private static let special = Array("{}[]:,-#&*!|>'\"%@`\n\t ~<".utf8)

    private func message(_ text: [UInt8]) -> String {
        do throws(FleetFileErrors) {
            _ = try FleetFile.parse(text, file: "f")
            return "accepted"
        } catch {
            return error.description
        }
    }

    @Test("A file above 1 MiB is refused by its length alone")
    func length() {
        let text = Array("#".utf8) + [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
        #expect(message(text) == "f:1:1: the file has 1048577 bytes, more than 1048576, make it shorter")
    }

    @Test("More than 100,000 values are refused")
    func nodes() {
        let text = Array("a: [\(String(repeating: "b,", count: 100_000))]".utf8)
        #expect(message(text).hasSuffix("more than 100000 values, make the file shorter"))
    }

    @Test("Brackets without end stop at 32 levels")
    func depth() {
        #expect(message([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)).contains("more than 32 levels deep"))
        #expect(message([UInt8](repeating: UInt8(ascii: "{"), count: 1 << 20)).contains("more than 32 levels deep"))
        let stairs = (0..<200).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(message(Array(stairs.utf8)).contains("more than 32 levels deep"))
    }

    @Test("At most 100 mistakes are listed, sorted by place")
    func manyMistakes() throws {
        let text = (0..<500).map { "key\($0): 1\n" }.joined()
        do throws(FleetFileErrors) {
            _ = try FleetFile.parse(Array(text.utf8), file: "f")
            Issue.record("accepted")
        } catch {
            #expect(error.mistakes.count == 100)
            let lines = error.mistakes.map(\.line)
            #expect(lines == lines.sorted())
        }
    }

    @Test("Damaged copies of a right file never trap")
    func damage() throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/lab.yaml"))
        var random = SplitMix64(test: "damaged files", fallback: 0x5eed_0003)
        var refused = 0
        for _ in 0..<3_000 {
            var copy = text
            for _ in 0..<(1 + random.next() % 4) {
                let place = Int(random.next() % UInt64(copy.count))
                switch random.next() % 4 {
                case 0: copy[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: copy.remove(at: place)
                case 2: copy.insert(Self.special.randomElement(using: &random) ?? 0, at: place)
                default: copy.removeLast(min(copy.count - 1, Int(random.next() % 64)))
                }
            }
            if message(copy) != "accepted" { refused += 1 }
        }
        #expect(refused > 1_000)
    }
}
