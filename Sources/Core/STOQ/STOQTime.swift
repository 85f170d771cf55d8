/// A point of the monotonic time that a machine is told; only differences mean something.
package struct STOQTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since some start that is the same for all times of one machine.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The time `duration` later; the end of time if that is beyond it. A negative duration counts as none.
    package func advanced(by duration: Duration) -> STOQTime {
        let (sum, isOver) = nanoseconds.addingReportingOverflow(Self.nanoseconds(of: duration))
        return STOQTime(nanoseconds: isOver ? .max : sum)
    }

    /// How much time went by since `earlier`; none if that is later.
    package func elapsed(since earlier: STOQTime) -> Duration {
        guard nanoseconds > earlier.nanoseconds else { return .zero }
        return .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
    }

    private static func nanoseconds(of duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, isOver) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if isOver { return .max }
        let (sum, isSumOver) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return isSumOver ? .max : sum
    }
}
