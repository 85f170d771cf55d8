import FoundationEssentials
import Glibc
import TestSupport

/// Inputs of the chunking tests that anyone can make again: docs/formats/chunking.md describes them for its vectors.
struct ChunkingInput: RandomNumberGenerator {
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    /// Takes the seed from FLEET_SEED, or `fallback`, and prints it, so that a failure can be repeated.
    init(test: String, fallback: UInt64) {
        let seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? fallback
        print("\(test): FLEET_SEED=\(seed)")
        self.init(seed: seed)
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        random.next()
    }

    /// `count` random bytes: numbers of the generator as little-endian words.
    mutating func bytes(_ count: Int) -> [UInt8] {
        random.bytes(count)
    }

    /// A real text: the Apache License 2.0, 11,358 bytes.
    static func text() throws -> [UInt8] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        return [UInt8](try Data(contentsOf: URL(filePath: "/" + folder + "/Fixtures/chunking-text.txt")))
    }

    /// `count` bytes of that text again and again, where every line begins with the number of the repetition, from 0,
    /// and a space: like a log or a package list, regular but nowhere equal.
    static func numberedText(_ count: Int) throws -> [UInt8] {
        let lines = try text().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 20_000)
        var number = 0
        while bytes.count < count {
            for line in lines { bytes += Array("\(number) ".utf8) + line + [UInt8(ascii: "\n")] }
            number += 1
        }
        return Array(bytes.prefix(count))
    }
}
