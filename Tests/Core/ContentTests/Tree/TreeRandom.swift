import FoundationEssentials
import TestSupport

/// A seeded stream of random numbers (SplitMix64). The seed comes from FLEET_SEED, or is fixed; every property test
/// prints it.
struct TreeRandom: RandomNumberGenerator {
    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    /// A stream of its own for the test `name`, so that a new test moves no other.
    init(test name: String) {
        let text = ProcessInfo.processInfo.environment["FLEET_SEED"]
        let seed = text.flatMap { UInt64($0) } ?? 20_260_101
        print("\(name): FLEET_SEED=\(seed)")
        random = SplitMix64(seed: name.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    mutating func next() -> UInt64 {
        random.next()
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
