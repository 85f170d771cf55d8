/// Changes inputs the way a fuzzer does, from a seed, so that every run can be repeated.
package struct FuzzMutator {
    private static let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
    private var state: UInt64

    /// Makes the same changes for the same `seed`.
    package init(seed: UInt64) {
        state = seed
    }

    private mutating func next(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(limit, 1)))
    }

    /// One of `cases`, or nothing at all, with one to four changes; some take bytes of another of them.
    package mutating func mutate(_ cases: [[UInt8]], byteLimit: Int) -> [UInt8] {
        var bytes = cases.isEmpty ? [] : cases[next(cases.count)]
        for _ in 0...next(4) {
            let place = next(bytes.count)
            switch next(8) {
            case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(next(8))
            case 1 where !bytes.isEmpty: bytes[place] = Self.interesting[next(Self.interesting.count)]
            case 2 where !bytes.isEmpty: bytes[place] = UInt8(next(256))
            case 3 where !bytes.isEmpty: bytes.removeSubrange(place..<min(place + 1 + next(8), bytes.count))
            case 4 where !bytes.isEmpty: bytes.removeSubrange(place...)
            case 5: bytes.insert(contentsOf: (0...next(8)).map { _ in UInt8(next(256)) }, at: place)
            case 6 where !bytes.isEmpty:
                let end = min(place + 1 + next(64), bytes.count)
                bytes.insert(contentsOf: bytes[place..<end], at: next(bytes.count))
            default:
                guard !cases.isEmpty else { continue }
                let other = cases[next(cases.count)]
                bytes = Array(bytes.prefix(place)) + other.dropFirst(next(other.count))
            }
        }
        return Array(bytes.prefix(byteLimit))
    }
}
