import FleetModel
import Logging
import Store

/// Collects in the background what the store needs no longer: once after the start, which also ends what a kill had
/// stopped, then whenever a release is not kept any longer, or the disk is above its high-water mark.
struct BackgroundCollection: Sendable {
    /// Until the first pass: a start has better things to do.
    private static let firstPause = Duration.seconds(20)
    /// Between two looks at whether there is anything to collect.
    private static let pause = Duration.seconds(60)

    let store: Store
    let settings: LiveSettings
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger

    /// Collects until the task is cancelled.
    func run() async {
        var isFirst = true
        while !Task.isCancelled {
            try? await Task.sleep(for: isFirst ? Self.firstPause : Self.pause)
            if Task.isCancelled { return }
            if await collect(isFirst: isFirst) { isFirst = false }
        }
    }

    /// One look, and a pass if there is something to do; whether it was finished.
    private func collect(isFirst: Bool) async -> Bool {
        do {
            let (store, limits) = (store, settings.disk)
            let outcome = try await pool.run { () -> CollectionOutcome? in
                let isFull = try limits.isAboveHighWater(store.usage())
                guard try isFirst || store.releasesToCollect(keepsOnlyServed: isFull) > 0 else { return nil }
                return try store.collect(
                    CollectionOptions(keepsOnlyServed: isFull, findsLitter: isFirst, isGentle: !isFull))
            }
            guard let outcome else { return true }
            if outcome.files + outcome.releases + outcome.litterFiles > 0 {
                logger.info(
                    "collected",
                    metadata: [
                        "releases": "\(outcome.releases)", "blobs": "\(outcome.blobs)", "bytes": "\(outcome.bytes)",
                        "litter": "\(outcome.litterFiles)",
                    ])
            }
            return outcome.isComplete
        } catch let error as StoreError where error.isBusy {
            return false
        } catch {
            logger.error("a collection failed", metadata: ["error": "\(error)"])
            activity.raise(
                Problem(
                    code: "not-collected", mirror: settings.name,
                    message: "\(settings.name) could not collect: \(error)",
                    hint: "fleetctl collect \(settings.name)"),
                now: clock.now())
            return false
        }
    }
}
