import Glibc

/// The seeded generator of all property tests here; the same seed gives the same run.
struct SplitMix64: RandomNumberGenerator {
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

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: next().littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// A length whose magnitude is random too, so that short ones are as frequent as long ones.
    mutating func length(below bits: Int) -> Int {
        Int.random(in: 0..<(1 << Int.random(in: 1...bits, using: &self)), using: &self)
    }
}
