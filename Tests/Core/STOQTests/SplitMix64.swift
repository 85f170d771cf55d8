import Glibc

/// A small generator with a seed, so that a failure can be run again.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// From FLEET_SEED, or a fixed one; printed, so that every run can be repeated.
    static func fromEnvironment(_ purpose: String) -> SplitMix64 {
        let seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_121
        print("\(purpose): FLEET_SEED=\(seed)")
        return SplitMix64(seed: seed)
    }
}
