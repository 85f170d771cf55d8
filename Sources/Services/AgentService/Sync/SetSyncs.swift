import Content
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

    private let settings: LiveSettings
    private let store: Store
    private let endpoint: STOQEndpoint
    private let trust: TrustedRepository
    private let activity: AgentActivity
    private let pool: BlockingPool
    private let clock: WallClock
    private let tender: TreeTender
    private let swarms: Swarms
    private let hooks: HostHooks
    private let receipts: ReceiptExchange
    private let logger: Logger

    private let orders = Mutex(SyncOrders())
    private let ordered = Signal()

    init(
        settings: LiveSettings, store: Store, endpoint: STOQEndpoint, trust: TrustedRepository,
        activity: AgentActivity,
        pool: BlockingPool, clock: WallClock, tender: TreeTender, swarms: Swarms, hooks: HostHooks,
        receipts: ReceiptExchange,
        logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.endpoint = endpoint
        self.trust = trust
        self.activity = activity
        self.pool = pool
        self.clock = clock
        self.tender = tender
        self.swarms = swarms
        self.hooks = hooks
        self.receipts = receipts
        self.logger = logger
    }

    /// Takes the lines of a plan, and the sets for which it has nothing to do. A line that asks for what is running anyway
    /// does not disturb it.
    func follow(_ lines: [PlanLine], idle: [String] = []) {
        let isNews = orders.withLock { orders in
            let changes = orders.follow(lines, idle: idle, of: settings.name)
            // Told at once, so that nobody takes the old state for the outcome of this plan.
            for set in changes.refused {
                logger.error(
                    "a line of a plan was refused",
                    metadata: [
                        "error":
                            "\(TerminalText.escape(Array(set.utf8).prefix(64))) is no name of a set, or one of too many"
                    ])
            }
            for set in changes.ordered { activity.update(set) { $0.activity = .syncing } }
            return !changes.isEmpty
        }
        if isNews { ordered.raise() }
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            var running: Set<String> = []
            while !Task.isCancelled {
                let seen = ordered.count
                for set in orders.withLock({ $0.sets }) where running.insert(set).inserted {
                    group.addTask { await self.run(set) }
                }
                await ordered.wait(after: seen)
            }
            group.cancelAll()
        }
    }

    /// Follows the orders for one set, for as long as the agent runs: each until it succeeds, fails for good, or another
    /// order comes.
    private func run(_ set: String) async {
        var pause = Self.firstPause
        var last: UInt64?
        while !Task.isCancelled {
            let seen = ordered.count
            guard let order = begin(set) else {
                await ordered.wait(after: seen)
                continue
            }
            if order.number != last { pause = Self.firstPause }
            last = order.number
            guard await attempt(order, set) == .failed else { continue }
            // Each mirror waits a little differently, so that they do not all ask again at once.
            await wait(pause * Double.random(in: 0.7...1.0), whileCurrent: order, set)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// The order to attempt now; if there is none, the set is said to be idle.
    private func begin(_ set: String) -> SyncOrders.Order? {
        orders.withLock { orders in
            let order = orders.begin(set)
            let isShown = activity.set(set).activity == .syncing
            if order != nil, !isShown {
                activity.update(set) { $0.activity = .syncing }
            } else if order == nil, isShown {
                activity.update(set) { state in
                    state.activity = .idle
                    state.progress = nil
                }
            }
            return order
        }
    }

    /// Waits for `pause`, or until `order` is not what is wanted any more.
    private func wait(_ pause: Duration, whileCurrent order: SyncOrders.Order, _ set: String) async {
        let end = ContinuousClock.now + pause
        while !Task.isCancelled {
            let seen = ordered.count
            let left = end - .now
            guard left > .zero, orders.withLock({ $0.isCurrent(order, set) }) else { return }
            // Orders of other sets wake it too: they do not shorten its pause.
            await ordered.wait(after: seen, atMost: left)
        }
    }

    /// One attempt, stopped when another order comes; how it ended.
    private func attempt(_ order: SyncOrders.Order, _ set: String) async -> SyncOrders.Outcome {
        let sync = SetSync(
            line: order.line, host: settings.name, store: store,
            sources: SourcePool(sources: swarms.ranked(order.line), endpoint: endpoint), swarms: swarms,
            receipts: receipts, hooks: hooks, trust: trust,
            limits: settings.trust, activity: activity, pool: pool, clock: clock, logger: logger)
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
                    guard self.orders.withLock({ $0.isCurrent(order, set) }) else { return nil }
                    await self.ordered.wait(after: seen)
                }
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        let ending = result ?? .failure(CancellationError())
        if case .failure(let failure) = ending, !(failure is CancellationError) {
            logger.error(
                "a sync failed",
                metadata: ["set": "\(set)", "sequence": "\(order.line.sequence ?? 0)", "error": "\(failure)"])
            await sync.runHooks(.postFailure, reason: "\(failure)")
        }
        return orders.withLock { orders in
            let outcome = Self.outcome(ending)
            note(ending, order, set, isReplaced: !orders.isCurrent(order, set) && orders.wanted(set) != nil)
            orders.end(order, set, outcome)
            return outcome
        }
    }

    private static func isFinal(_ error: any Error) -> Bool {
        (error as? SyncError)?.isFinal ?? (error as? StoreError)?.isFinal ?? false
    }

    private static func outcome(_ result: Result<SyncSummary, any Error>) -> SyncOrders.Outcome {
        switch result {
        case .success: .done
        case .failure(let error): error is CancellationError ? .stopped : isFinal(error) ? .done : .failed
        }
    }

    /// Tells how an attempt ended. With `isReplaced` another order waits already, and nobody may take the set for idle.
    private func note(
        _ result: Result<SyncSummary, any Error>, _ order: SyncOrders.Order, _ set: String, isReplaced: Bool
    ) {
        switch result {
        case .success(let summary):
            tender.tend(set, TreePolicy(order.line))
            // Somebody may be waiting for just that.
            activity.update(set, isUrgent: true) { state in
                state = AgentActivity.SetState()
                if isReplaced { state.activity = .syncing }
                state.lastSync = summary
            }
        case .failure(let error):
            if error is CancellationError { return }
            activity.update(set, isUrgent: true) { state in
                state.activity = isReplaced ? .syncing : .idle
                state.progress = nil
                state.lastFailure = "\(error)"
                state.failedAttempts += 1
                state.isFailureFinal = Self.isFinal(error)
                state.lastSync = SyncSummary(
                    sequence: order.line.sequence ?? 0, seconds: 0, failure: "\(error)")
            }
        }
    }
}
