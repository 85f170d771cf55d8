import Bandwidth
import FleetModel
import Glibc
import Logging
import STOQTransport
import Synchronization

/// Keeps the limits of the endpoint as agent.yaml, fleet.yaml, the time of the week and an operator's command say.
///
/// What comes from the coordinator can only narrow: the ceilings of agent.yaml hold whatever it says.
final class BandwidthControl: Sendable {
    private struct State {
        var policy = BandwidthPolicy()
        var command: Command?
        var inForce = TransferLimits.none
        var measured: (at: ContinuousClock.Instant, received: UInt64, sent: UInt64)?
        var rates: (sending: UInt64, receiving: UInt64) = (0, 0)
        var yielding = YieldControl(abovePercent: nil)
    }

    /// Limits that an operator has commanded in place of those of fleet.yaml.
    struct Command: Equatable {
        var limits: TransferLimits
        /// Seconds since 1970 by this host's clock; nil: until another command.
        var until: Int64?
    }

    /// The clock may be set, and time zones change their hours: it looks at least so often.
    private static let secondsPerMinute: Int64 = 60
    /// Rates over less than this say little.
    private static let shortestMeasure = Duration.milliseconds(500)

    private let ceilings: TransferLimits
    private let endpoint: STOQEndpoint
    private let clock: WallClock
    private let logger: Logger
    private let state = Mutex(State())
    private let news = Signal()

    init(ceilings: TransferLimits, endpoint: STOQEndpoint, clock: WallClock, logger: Logger) {
        self.ceilings = ceilings
        self.endpoint = endpoint
        self.clock = clock
        self.logger = logger
        apply()
    }

    /// What the coordinator says of bandwidth, or said before a restart; nil: nothing.
    func take(_ policy: BandwidthPolicy?) {
        let policy = (policy ?? BandwidthPolicy()).bounded
        let isNew = state.withLock { state in
            defer { state.policy = policy }
            return state.policy != policy
        }
        if isNew { news.raise() }
    }

    /// An operator's command; nil: fleet.yaml holds again.
    func take(command: Command?) {
        let isNew = state.withLock { state in
            defer { state.command = command }
            return state.command != command
        }
        if isNew { news.raise() }
    }

    /// Above which percentage of time that programs wait for the disk this host receives less; nil: never.
    func take(yieldAbove percent: Int?) { state.withLock { $0.yielding.abovePercent = percent } }

    /// Whether there is such a mark.
    var isYielding: Bool { state.withLock { $0.yielding.abovePercent != nil } }

    /// Bytes that this host has received.
    var received: UInt64 { endpoint.traffic.received }

    /// Takes a measurement, see `YieldControl`.
    func yield(to pressure: Double?, receiving: UInt64) {
        let isNew = state.withLock { state in
            let before = state.yielding.limit
            state.yielding.measured(pressure: pressure, receiving: receiving)
            return state.yielding.limit != before
        }
        if isNew { apply() }
    }

    /// Applies what is new, and what a new minute or the end of a command brings, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let seen = news.count
            apply()
            if let pause = secondsUntilNext() {
                await news.wait(after: seen, atMost: .seconds(pause))
            } else {
                await news.wait(after: seen)
            }
        }
    }

    /// What the next report says; rates are those since the last one.
    func report() -> BandwidthReport? {
        let traffic = endpoint.traffic
        return state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.measured, now - last.at >= Self.shortestMeasure {
                let seconds = (now - last.at) / .seconds(1)
                state.rates = (
                    Self.rate(traffic.sent - last.sent, seconds), Self.rate(traffic.received - last.received, seconds)
                )
            }
            if state.measured.map({ now - $0.at >= Self.shortestMeasure }) ?? true {
                state.measured = (now, traffic.received, traffic.sent)
            }
            if state.inForce == .none, state.rates == (0, 0) { return nil }
            return BandwidthReport(
                limits: state.inForce, sending: state.rates.sending, receiving: state.rates.receiving)
        }
    }

    /// In thousands: what only polls and greets is at rest, and its report stays the same.
    private static func rate(_ bytes: UInt64, _ seconds: Double) -> UInt64 {
        UInt64(Double(bytes) / seconds / 1_000) * 1_000
    }

    private func apply() {
        let now = clock.now()
        let (limits, weights, isNew) = state.withLock { state in
            if let until = state.command?.until, until <= now { state.command = nil }
            let (day, minute) = Self.localTime(now)
            let wanted = state.command?.limits ?? state.policy.profile.limits(day: day, minute: minute)
            let limits = wanted.narrowed(by: ceilings).narrowed(by: TransferLimits(down: state.yielding.limit))
            defer { state.inForce = limits }
            return (limits, state.policy.weights, limits != state.inForce)
        }
        endpoint.setLimits(up: limits.up, down: limits.down, weights: weights)
        guard isNew else { return }
        logger.info(
            "bandwidth limits", metadata: ["up": "\(Self.text(limits.up))", "down": "\(Self.text(limits.down))"])
    }

    private static func text(_ rate: UInt64?) -> String {
        rate.map { Quantity.describe(bytes: $0) + "/s" } ?? "none"
    }

    /// When there may be other limits without news; nil: never.
    private func secondsUntilNext() -> Int64? {
        let now = clock.now()
        return state.withLock { state in
            if let until = state.command?.until { return max(1, min(until - now, Self.secondsPerMinute)) }
            // One rule that always holds needs no clock.
            guard state.policy.profile.isTimed else { return nil }
            return Self.secondsPerMinute - now % Self.secondsPerMinute
        }
    }

    /// The day of the week (0 is Monday) and the minute of the day at this host's place.
    private static func localTime(_ now: Int64) -> (day: Int, minute: Int) {
        var seconds = time_t(now)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return ((Int(parts.tm_wday) + 6) % 7, Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}
