import FleetModel
import Logging
import STOQTransport
import Store
import Synchronization
import Trust

/// Runs the syncs that plans ask for: one at a time for each set, tried again until it succeeds or a newer plan asks
/// for something else.
final class SetSyncs: Sendable {
    private static let firstPause = Duration.milliseconds(500)
    /// Short enough that a mirror is in step again within 30 s after a long fault of the network went away.
    private static let longestPause = Duration.seconds(10)

    private let settings: AgentSettings
    private let store: Store
    private let endpoint: STOQEndpoint
    private let policy: ReleasePolicy
    private let activity: AgentActivity
    private let pool: BlockingPool
    private let clock: WallClock
    private let tender: TreeTender
    private let logger: Logger

    /// The newest line for each set, and the number that tells it from an older one.
    private struct Order {
        var line: PlanLine
        var number: UInt64
    }

    private let orders = Mutex<[String: Order]>([:])
    private let ordered = Signal()

    init(
        settings: AgentSettings, store: Store, endpoint: STOQEndpoint, policy: ReleasePolicy, activity: AgentActivity,
        pool: BlockingPool, clock: WallClock, tender: TreeTender, logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.endpoint = endpoint
        self.policy = policy
        self.activity = activity
        self.pool = pool
        self.clock = clock
        self.tender = tender
        self.logger = logger
    }

    /// Takes the lines of a plan. A line that asks for what is running anyway does not disturb it.
    func follow(_ lines: [PlanLine]) {
        for line in lines where line.mirror == settings.name {
            let isNew = orders.withLock { orders in
                let old = orders[line.set]
                guard line.action != .none else {
                    orders[line.set] = nil
                    return old != nil
                }
                if let old, activity.set(line.set).activity == .syncing, old.line.release == line.release,
                    old.line.sources == line.sources
                {
                    return false
                }
                orders[line.set] = Order(line: line, number: (old?.number ?? 0) + 1)
                // Told at once, so that nobody takes the old state for the outcome of this plan.
                activity.update(line.set) { $0.activity = .syncing }
                return true
            }
            if isNew { ordered.raise() }
        }
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            var running: Set<String> = []
            while !Task.isCancelled {
                let seen = ordered.count
                for set in orders.withLock({ $0.keys.sorted() }) where running.insert(set).inserted {
                    group.addTask { await self.run(set) }
                }
                await ordered.wait(after: seen)
            }
            group.cancelAll()
        }
    }

    /// Follows the orders for one set, for as long as the agent runs.
    private func run(_ set: String) async {
        var done: UInt64?
        while !Task.isCancelled {
            let seen = ordered.count
            guard let order = orders.withLock({ $0[set] }), order.number != done else {
                if activity.set(set).activity == .syncing {
                    activity.update(set) { state in
                        state.activity = .idle
                        state.progress = nil
                    }
                }
                await ordered.wait(after: seen)
                continue
            }
            if await carryOut(order, set) { done = order.number }
        }
    }

    /// Tries until it succeeds, fails for good, or another order came. True if there is nothing left to try.
    private func carryOut(_ order: Order, _ set: String) async -> Bool {
        var pause = Self.firstPause
        while !Task.isCancelled {
            let seen = ordered.count
            activity.update(set) { $0.activity = .syncing }
            guard let failure = await attempt(order, set) else { return true }
            let isFinal = (failure as? SyncError)?.isFinal ?? (failure as? StoreError)?.isFinal ?? false
            logger.error(
                "a sync failed",
                metadata: ["set": "\(set)", "sequence": "\(order.line.sequence ?? 0)", "error": "\(failure)"])
            if isFinal { return true }
            // Each mirror waits a little differently, so that they do not all ask again at once.
            await ordered.wait(after: seen, atMost: pause * Double.random(in: 0.7...1.0))
            pause = min(pause * 2, Self.longestPause)
            if orders.withLock({ $0[set]?.number }) != order.number { return false }
        }
        return false
    }

    /// One attempt, stopped when another order comes; what it failed with, nil if it succeeded.
    private func attempt(_ order: Order, _ set: String) async -> (any Error)? {
        let sync = SetSync(
            line: order.line, host: settings.name, store: store,
            sources: SourcePool(sources: order.line.sources, endpoint: endpoint), policy: policy, activity: activity,
            pool: pool, clock: clock, logger: logger)
        let result = await withTaskGroup(of: Result<SyncSummary, any Error>?.self) { group in
            group.addTask {
                do {
                    return .success(try await sync.run())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    let seen = self.ordered.count
                    if self.orders.withLock({ $0[set]?.number }) != order.number { return nil }
                    await self.ordered.wait(after: seen)
                }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return note(result ?? .failure(CancellationError()), order, set)
    }

    private func note(_ result: Result<SyncSummary, any Error>, _ order: Order, _ set: String) -> (any Error)? {
        switch result {
        case .success(let summary):
            tender.tend(set, TreePolicy(order.line))
            activity.update(set) { state in
                state = AgentActivity.SetState()
                state.lastSync = summary
            }
            return nil
        case .failure(let error):
            if error is CancellationError { return error }
            activity.update(set) { state in
                state.activity = .idle
                state.progress = nil
                state.lastFailure = "\(error)"
                state.failedAttempts += 1
                state.isFailureFinal =
                    (error as? SyncError)?.isFinal ?? (error as? StoreError)?.isFinal ?? false
                state.lastSync = SyncSummary(
                    sequence: order.line.sequence ?? 0, seconds: 0, failure: "\(error)")
            }
            return error
        }
    }
}
