import Glibc

/// The seeded generator of all property tests; the same seed gives the same run on every machine.
package struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    /// The stream of `seed`.
    package init(seed: UInt64) {
        state = seed
    }

    /// Takes the seed from FLEET_SEED, or `fallback`, and prints it, so that a failure can be repeated.
    package init(test: String, fallback: UInt64) {
        let seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? fallback
        print("\(test): FLEET_SEED=\(seed)")
        self.init(seed: seed)
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` random bytes: numbers of the generator as little-endian words.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var index = 0
            while index < count {
                var word = next()
                for _ in 0..<min(8, count - index) {
                    buffer[index] = UInt8(truncatingIfNeeded: word)
                    word >>= 8
                    index += 1
                }
            }
            filled = count
        }
    }

    /// A length whose magnitude is random too, so that short ones are as frequent as long ones.
    package mutating func length(below bits: Int) -> Int {
        Int.random(in: 0..<(1 << Int.random(in: 1...bits, using: &self)), using: &self)
    }
}
