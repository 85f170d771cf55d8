import FleetModel
import Logging
import Trust

/// On the keeper's host: signs a new timestamp ever so often, so that what is there goes on counting as the newest.
struct TimestampRenewal: Sendable {
    private static let problemCode = "timestamp-not-signed"
    /// After a renewal that failed.
    private static let retryPause = Duration.seconds(30)

    let trust: TrustedRepository
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger

    /// Works until the task is cancelled; on other hosts there is nothing to do.
    func run() async {
        guard trust.isKeeper else { return }
        let interval = Duration.seconds(MetadataLifetimes().timestampRenewal)
        while !Task.isCancelled {
            let isDone = await renew()
            try? await Task.sleep(for: isDone ? interval : Self.retryPause)
        }
    }

    private func renew() async -> Bool {
        do {
            try await pool.run { [trust] in try trust.renew() }
            activity.settle(Self.problemCode)
            return true
        } catch {
            logger.error("no new timestamp could be signed", metadata: ["error": "\(error)"])
            activity.raise(
                Problem(
                    code: Self.problemCode, message: "this host signs no new timestamps: \(error)",
                    hint: "fleetctl trust show"), now: clock.now())
            return false
        }
    }
}
