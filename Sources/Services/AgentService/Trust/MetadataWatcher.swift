import FleetAPI
import FleetModel
import Logging
import STOQTransport
import Store
import Synchronization
import Trust
import UpdateFramework

/// Keeps the fleet's metadata of this host as new as that of its neighbours: runs a ``MetadataWatch``, tells neighbours
/// and the coordinator of what is new here, and says when nothing is fresh any more.
final class MetadataWatcher: Sendable {
    /// How often a neighbour is called; each agent at its own pace, so that a fleet does not call in step.
    private static let callInterval = Duration.seconds(60)
    private static let pace = 0.75...1.0
    private static let freshnessCode = "freshness-expired"
    private static let roleCode = "role-expired"

    private let trust: TrustedRepository
    private let store: Store
    private let endpoint: STOQEndpoint
    private let client: CoordinatorClient
    private let exchange: MetadataExchange
    private let activity: AgentActivity
    private let pool: BlockingPool
    private let clock: WallClock
    private let logger: Logger

    private let events = EventQueue<MetadataWatch.Event>()
    private let neighbours = Mutex<[Neighbour]>([])
    private let yanks = Mutex(YankSearch())
    private let began = ContinuousClock.now

    init(
        trust: TrustedRepository, store: Store, endpoint: STOQEndpoint, client: CoordinatorClient,
        activity: AgentActivity, pool: BlockingPool, clock: WallClock, logger: Logger
    ) {
        self.trust = trust
        self.store = store
        self.endpoint = endpoint
        self.client = client
        exchange = MetadataExchange(trust: trust, store: store, pool: pool)
        self.activity = activity
        self.pool = pool
        self.clock = clock
        self.logger = logger
    }

    /// A peer greeted.
    func greeted(version: UInt64, by name: String) {
        events.add(.greeted(neighbour: name, version: version)) { event in
            guard case .greeted(name, _) = event else { return false }
            return true
        }
    }

    /// The coordinator answered a poll.
    func pollAnswered(_ answer: AssignmentsAnswer) {
        if let neighbourhood = answer.neighbourhood { appointed(neighbourhood) }
        if let version = answer.timestampVersion { events.add(.hinted(version)) }
    }

    /// Whom to know, by the coordinator's word, or from before a restart.
    func appointed(_ neighbourhood: Neighbourhood) {
        neighbours.withLock { $0 = neighbourhood.bounded.neighbours }
        events.add(.appointed(neighbourhood))
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.tellOthers() }
            await self.work(&group)
            group.cancelAll()
        }
    }

    private func work(_ group: inout DiscardingTaskGroup) async {
        var watch = MetadataWatch(
            callInterval: Self.callInterval * Double.random(in: Self.pace), turn: .random(in: 0...0xFFFF), now: now)
        while !Task.isCancelled {
            let seen = events.news.count
            let taken = events.takeAll()
            // Who greets has something new: maybe the list that nobody had.
            if let peer = greeter(in: taken), yanks.withLock({ $0.greeted(by: peer) }) {
                group.addTask { await self.takeYanks(first: peer) }
            }
            for event in [.holds(version)] + taken + [.passed] {
                for action in watch.handle(event, now: now) {
                    group.addTask { await self.run(action) }
                }
            }
            await checkFreshness()
            await events.news.wait(after: seen, atMost: max(.seconds(1), watch.nextCall - now))
        }
    }

    private var now: Duration { ContinuousClock.now - began }

    private var version: UInt64 { UInt64(max(0, trust.versions[.timestamp])) }

    // MARK: - Actions

    private func run(_ action: MetadataWatch.Action) async {
        switch action {
        case .call(let neighbour):
            do {
                _ = try await connection(to: neighbour)
            } catch {
                logger.debug(
                    "a neighbour cannot be called", metadata: ["peer": "\(neighbour.name)", "error": "\(error)"])
            }
            await takeYanks(first: neighbour)
        case .fetch(let neighbour):
            do {
                try await exchange.update(from: connection(to: neighbour))
                await takeYanks(first: neighbour)
                events.add(.fetched(neighbour: neighbour.name))
            } catch {
                // An expired timestamp is nobody's lie: it is told as what it is.
                let isOld = (error as? UpdateError)?.label == "expired"
                logger.log(
                    level: error is UpdateError && !isOld ? .warning : .info, "no metadata from a neighbour",
                    metadata: ["peer": "\(neighbour.name)", "error": "\(error)"])
                events.add(.failed(neighbour: neighbour.name))
            }
        }
    }

    /// Asks for lists of yanked paths that are signed and not in force here, until they are or nobody has them.
    private func takeYanks(first: Neighbour) async {
        yanks.withLock { $0.begin() }
        var next: Neighbour? = first
        while let neighbour = next {
            let isMissing = await areYanksMissing(afterAsking: neighbour)
            next = yanks.withLock { $0.asked(isMissing: isMissing) }
        }
    }

    /// Asks one neighbour after the other, this one first: who passes metadata on need not carry every set. Whether
    /// anything is missing then.
    private func areYanksMissing(afterAsking first: Neighbour) async -> Bool {
        let others = neighbours.withLock { $0 }.filter { $0 != first }
        for neighbour in [first] + others {
            do {
                guard try await exchange.lacksYanks() else { return false }
                try await exchange.takeYanks(from: connection(to: neighbour))
            } catch {
                logger.info(
                    "no list of yanked paths from a neighbour",
                    metadata: ["peer": "\(neighbour.name)", "error": "\(error)"])
            }
        }
        return (try? await exchange.lacksYanks()) != false
    }

    /// A neighbour that greeted.
    private func greeter(in events: [MetadataWatch.Event]) -> Neighbour? {
        let names = events.compactMap { event -> String? in
            guard case .greeted(let name, _) = event else { return nil }
            return name
        }
        return neighbours.withLock { $0 }.first { names.contains($0.name) }
    }

    private func connection(to neighbour: Neighbour) async throws -> STOQConnection {
        try await endpoint.connection(
            to: neighbour.name, role: nil, host: neighbour.address.host, port: neighbour.address.port)
    }

    // MARK: - News of our own

    /// Greets peers again whenever there is something new here, and hands it to the coordinator if this host made it.
    private func tellOthers() async {
        while !Task.isCancelled {
            let seen = trust.changed.count
            if trust.repository != nil {
                await endpoint.announce()
                if trust.isKeeper { await submit() }
            }
            events.news.raise()
            await trust.changed.wait(after: seen)
        }
    }

    private func submit() async {
        do {
            _ = try await client.submit(metadata: trust.documents(newerThan: MetadataVersions()).encode())
        } catch {
            logger.debug("the coordinator was not given the metadata", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Freshness

    /// Says since when nothing is fresh, until something is: what is served stays served, and nothing new is taken.
    private func checkFreshness() async {
        guard let repository = trust.repository else { return }
        let now = trust.now
        tell(
            repository.freshUntil <= now
                ? Problem(
                    code: Self.freshnessCode,
                    message:
                        "freshness expired since \(repository.freshUntil): the last verified releases are served on, "
                        + "and no newer ones are taken",
                    hint: "is the keeper's agent running, and is the clock right? fleetctl trust show") : nil,
            code: Self.freshnessCode)
        let carried = Set((try? await pool.run { [store] in try store.sets() }) ?? [])
        let expired = repository.sets.first { set in
            carried.contains(set) && repository.freshUntil > now
                && (repository.failures[set] != nil || repository.freshUntil(ofSet: set) <= now)
        }
        tell(
            expired.map {
                Problem(
                    code: Self.roleCode, set: $0,
                    message: "what the keys of \($0) signed has expired: no new release of it is taken",
                    hint: "publish it again: fleetctl publish \($0)")
            }, code: Self.roleCode)
    }

    private func tell(_ problem: Problem?, code: String) {
        if let problem {
            activity.raise(problem, now: clock.now())
        } else {
            activity.settle(code)
        }
    }
}
