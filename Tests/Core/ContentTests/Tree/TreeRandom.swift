import FoundationEssentials

/// A seeded stream of random numbers (SplitMix64). The seed comes from FLEET_SEED, or is fixed; every property test
/// prints it.
struct TreeRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// A stream of its own for the test `name`, so that a new test moves no other.
    init(test name: String) {
        let text = ProcessInfo.processInfo.environment["FLEET_SEED"]
        let seed = text.flatMap { UInt64($0) } ?? 20_260_101
        print("\(name): FLEET_SEED=\(seed)")
        state = name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number from 0 to `limit` - 1.
    mutating func below(_ limit: Int) -> Int {
        Int.random(in: 0..<limit, using: &self)
    }

    /// True once in `times` times.
    mutating func once(in times: Int) -> Bool {
        below(times) == 0
    }
}
