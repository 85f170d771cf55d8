import FoundationEssentials
import Glibc

/// Inputs of the chunking tests that anyone can make again: docs/formats/chunking.md describes them for its vectors.
struct ChunkingInput: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// Takes the seed from FLEET_SEED, or `fallback`, and prints it, so that a failure can be repeated.
    init(test: String, fallback: UInt64) {
        let seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? fallback
        print("\(test): FLEET_SEED=\(seed)")
        self.init(seed: seed)
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` random bytes: numbers of the generator as little-endian words.
    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: next().littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
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
