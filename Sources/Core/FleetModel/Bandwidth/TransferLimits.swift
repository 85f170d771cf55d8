/// How much a host may send to and receive from other hosts, in bytes a second.
///
/// Nil: as much as it can. 0: nothing, transfers pause. What is small and urgent (greetings, commands, credit) is never
/// held up by it.
package struct TransferLimits: Codable, Sendable, Hashable {
    /// What it may send.
    package var up: UInt64?
    /// What it may receive.
    package var down: UInt64?

    /// No limit in either direction.
    package static let none = TransferLimits()

    /// Makes the value from its parts; nothing is checked.
    package init(up: UInt64? = nil, down: UInt64? = nil) {
        self.up = up
        self.down = down
    }

    /// The lower of both in each direction: who limits can only narrow.
    package func narrowed(by other: TransferLimits) -> TransferLimits {
        TransferLimits(up: Self.lower(up, other.up), down: Self.lower(down, other.down))
    }

    private static func lower(_ first: UInt64?, _ second: UInt64?) -> UInt64? {
        guard let first else { return second }
        return min(first, second ?? first)
    }
}
