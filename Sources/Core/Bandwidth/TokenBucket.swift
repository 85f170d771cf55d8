/// A rate of bytes a second with a burst: what may go now, as a function of the time.
///
/// Over any stretch of time no more goes through it than the rate times that stretch, and one burst.
package struct TokenBucket: Hashable, Sendable {
    /// Beyond this a rate is no limit on any machine.
    package static let rateCeiling: UInt64 = 1 << 40
    /// What came late is worth no more than so much time: a timer may be late, or a machine stand still.
    private static let burstPerSecond: UInt64 = 50
    /// A debt is never larger, whatever goes past the bucket.
    private static let debtLimit = 1 << 40
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000
    /// No step of time is longer; a bucket is full by then.
    private static let longestStep: UInt64 = 1 << 43

    /// Bytes a second.
    package private(set) var rate: UInt64
    /// What may go at once: 20 ms of the rate, and one frame.
    package private(set) var burst: Int
    /// What may go now; negative after bytes that asked nobody.
    package private(set) var level: Int
    /// Parts of a byte, in bytes times nanoseconds.
    private var rest: UInt64 = 0
    private var updatedAt: UInt64

    /// A full bucket of `rate` bytes a second, at the time `now` in nanoseconds.
    package init(rate: UInt64, now: UInt64) {
        self.rate = min(rate, Self.rateCeiling)
        burst = Self.burst(of: self.rate)
        level = burst
        updatedAt = now
    }

    /// How long the frames should be that go through a bucket of `rate`: short ones where a long one takes long.
    package static func frameBytes(at rate: UInt64) -> Int { rate < 4_000_000 ? 16 << 10 : 64 << 10 }

    private static func burst(of rate: UInt64) -> Int {
        // Both: a bucket that is full when a frame has come together loses what comes until somebody takes it.
        rate == 0 ? 0 : Int(rate / burstPerSecond) + frameBytes(at: rate)
    }

    /// Another rate from now on; a debt stays, and what may go at once is no more than the new burst.
    package mutating func setRate(_ rate: UInt64, now: UInt64) {
        refill(now: now)
        self.rate = min(rate, Self.rateCeiling)
        burst = Self.burst(of: self.rate)
        level = min(level, burst)
        rest = 0
    }

    /// Adds what the time since the last call has brought. Time that goes back counts as none.
    package mutating func refill(now: UInt64) {
        guard now > updatedAt else { return }
        let step = min(now - updatedAt, Self.longestStep)
        updatedAt = now
        let (high, low) = rate.multipliedFullWidth(by: step)
        let (sum, carry) = low.addingReportingOverflow(rest)
        // The rate is below 2^40 and the step at most 2^43, so the high half is far below the divisor.
        let (whole, left) = Self.nanosecondsPerSecond.dividingFullWidth((high + (carry ? 1 : 0), sum))
        rest = left
        level = min(burst, level + Int(clamping: whole))
        if level == burst { rest = 0 }
    }

    /// Takes `bytes`, whether they are there or not.
    package mutating func take(_ bytes: Int) {
        level = max(level - bytes, -Self.debtLimit)
    }

    /// Gives back bytes that were taken and did not go.
    package mutating func giveBack(_ bytes: Int) {
        level = min(burst, level + bytes)
    }

    /// When `bytes` will be there, in nanoseconds; nil: never at this rate.
    package func time(of bytes: Int) -> UInt64? {
        guard rate > 0 else { return nil }
        let wanted = min(bytes, burst)
        guard level < wanted else { return updatedAt }
        let (nanoseconds, isOver) = UInt64(wanted - level).multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
        if isOver { return nil }
        let (time, isLate) = updatedAt.addingReportingOverflow(nanoseconds / rate + 1)
        return isLate ? nil : time
    }
}
