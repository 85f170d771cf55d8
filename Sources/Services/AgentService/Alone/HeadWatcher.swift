import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Synchronization
import Trust

/// Runs the ``HeadWatch`` of this mirror: tells it what happens, and does what it says.
///
/// It also greets all peers again when a head has changed, so that neighbours without a coordinator learn of it at once.
final class HeadWatcher: Sendable {
    /// Each agent calls at its own pace within these bounds of the interval, so that a fleet does not call in step.
    private static let pace = 0.75...1.0
    private let settings: AgentSettings
    private let store: Store
    private let endpoint: STOQEndpoint
    private let trust: TrustedRepository
    private let exchange: MetadataExchange
    private let activity: AgentActivity
    private let pool: BlockingPool
    private let file: NeighbourhoodFile
    private let logger: Logger
    /// Takes lines like those of a plan.
    private let follow: @Sendable ([PlanLine]) async -> Void

    /// Its news are also that the heads may have changed.
    private let events = EventQueue<HeadWatch.Event>()
    private let began = ContinuousClock.now

    init(
        settings: AgentSettings, store: Store, endpoint: STOQEndpoint, trust: TrustedRepository,
        activity: AgentActivity,
        pool: BlockingPool, file: NeighbourhoodFile, logger: Logger,
        follow: @escaping @Sendable ([PlanLine]) async -> Void
    ) {
        self.settings = settings
        self.store = store
        self.endpoint = endpoint
        self.trust = trust
        exchange = MetadataExchange(trust: trust, store: store, pool: pool)
        self.activity = activity
        self.pool = pool
        self.file = file
        self.logger = logger
        self.follow = follow
    }

    /// The coordinator answered a poll.
    func pollAnswered(_ neighbourhood: Neighbourhood?) {
        if let neighbourhood { events.add(.appointed(neighbourhood)) }
        events.add(.pollAnswered)
    }

    /// A poll failed.
    func pollFailed() {
        events.add(.pollFailed)
    }

    /// A peer greeted.
    func greeted(_ greeting: STOQGreeting, by name: String) {
        let heads = greeting.heads.map { HeadClaim(set: $0.set, sequence: $0.sequence, release: $0.release) }
        events.add(.greeted(neighbour: name, heads: heads)) { event in
            guard case .greeted(name, _) = event else { return false }
            return true
        }
    }

    /// Works until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.noticeChanges() }
            await self.work(&group)
            group.cancelAll()
        }
    }

    /// Passes on that something of a set has changed: its head may have, too.
    private func noticeChanges() async {
        while !Task.isCancelled {
            let seen = activity.changed.count
            events.news.raise()
            await activity.changed.wait(after: seen)
        }
    }

    private func work(_ group: inout DiscardingTaskGroup) async {
        var settings = HeadWatch.Settings()
        settings.callInterval = settings.callInterval * Double.random(in: Self.pace)
        var watch = HeadWatch(settings: settings, now: now)
        var remembered = await remember()
        var heads: [String: UInt64] = [:]
        var wasAlone = false
        _ = watch.handle(.appointed(remembered), now: now)
        while !Task.isCancelled {
            let seen = events.news.count
            let changed = await changedHeads(&heads)
            if !changed.isEmpty { await endpoint.announce() }
            let taken = events.takeAll()
            for event in changed + taken + [.passed] {
                if case .appointed(let neighbourhood) = event, neighbourhood != remembered {
                    remembered = neighbourhood
                    await write(neighbourhood)
                }
                for action in watch.handle(event, now: now) {
                    group.addTask { await self.run(action) }
                }
            }
            let isAlone = watch.isAlone(at: now)
            if isAlone != wasAlone {
                wasAlone = isAlone
                logger.info(
                    isAlone ? "going on without the coordinator" : "the coordinator is back",
                    metadata: ["neighbours": "\(remembered.neighbours.map(\.name).joined(separator: ","))"])
            }
            // Without the coordinator time itself is news; with it the polls are.
            await events.news.wait(after: seen, atMost: isAlone ? max(.seconds(1), watch.nextCall - now) : .seconds(60))
        }
    }

    private var now: Duration { ContinuousClock.now - began }

    /// The heads that are others than in `known`, which is brought up to date.
    private func changedHeads(_ known: inout [String: UInt64]) async -> [HeadWatch.Event] {
        let heads = try? await pool.run { [store] in
            try store.sets().map { set in (set, try store.head(set: set)?.sequence) }
        }
        var events: [HeadWatch.Event] = []
        for case (let set, let sequence?) in heads ?? [] where known[set] != sequence {
            known[set] = sequence
            events.append(.holds(set: set, sequence: sequence))
        }
        return events
    }

    // MARK: Memory

    private func remember() async -> Neighbourhood {
        do {
            return try await pool.run { [file] in try file.read() } ?? Neighbourhood()
        } catch {
            logger.warning("the neighbourhood is forgotten", metadata: ["error": "\(error)"])
            return Neighbourhood()
        }
    }

    private func write(_ neighbourhood: Neighbourhood) async {
        do {
            try await pool.run { [file] in try file.write(neighbourhood) }
        } catch {
            logger.warning("the neighbourhood cannot be remembered", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Actions

    private func run(_ action: HeadWatch.Action) async {
        switch action {
        case .call(let neighbour):
            do {
                _ = try await connection(to: neighbour)
            } catch {
                logger.debug(
                    "a neighbour cannot be called", metadata: ["peer": "\(neighbour.name)", "error": "\(error)"])
            }
        case .fetch(let claim, let neighbour):
            do {
                try await verify(claim, at: neighbour)
                events.add(.verified(claim))
            } catch {
                logger.info(
                    "a head that a neighbour claims is not believed",
                    metadata: [
                        "peer": "\(neighbour.name)", "set": "\(claim.set)", "sequence": "\(claim.sequence)",
                        "error": "\(error)",
                    ])
                events.add(.refused(claim, neighbour: neighbour.name))
            }
        case .follow(let claim, let sources):
            let names = sources.map(\.name).joined(separator: ", ")
            logger.info(
                "following a release that neighbours have",
                metadata: ["set": "\(claim.set)", "sequence": "\(claim.sequence)", "peers": "\(names)"])
            func asked(_ neighbours: [Neighbour]) -> [PlanSource] {
                neighbours.map { PlanSource(name: $0.name, address: $0.address, sequence: claim.sequence) }
            }
            // The others hear of it in the same moment, and fetch it as well.
            let others = await remember().neighbours.filter { neighbour in !sources.contains(neighbour) }
            let line = PlanLine(
                mirror: settings.name, set: claim.set, action: .sync, sequence: claim.sequence,
                release: claim.release.description, sources: asked(sources), peers: asked(others),
                reason: Reason(
                    code: .heard, text: "the coordinator is away, and \(names) greeted with \(claim.sequence)"))
            await follow([line])
        }
    }

    private func connection(to neighbour: Neighbour) async throws -> STOQConnection {
        try await endpoint.connection(
            to: neighbour.name, role: nil, host: neighbour.address.host, port: neighbour.address.port)
    }

    /// Fetches the release that is claimed, and the metadata that signs it, and verifies that it is newer than ours.
    private func verify(_ claim: HeadClaim, at neighbour: Neighbour) async throws {
        let connection = try await connection(to: neighbour)
        let document = try await connection.item(
            .release(set: claim.set, sequence: claim.sequence), limit: ReleaseDocument.maximumByteCount)
        guard ReleaseDocument.digest(of: document) == claim.release else {
            throw SyncError.malformed(what: "release", reason: "it is another release than was claimed")
        }
        try await exchange.update(from: connection)
        let head = try await pool.run { [store] in try store.head(set: claim.set) }
        do {
            _ = try trust.verify(
                document, sequence: claim.sequence, ofSet: claim.set,
                above: head.map { TrustedHead(sequence: $0.sequence, digest: $0.releaseDigest) })
        } catch {
            throw SyncError.untrusted(error)
        }
    }
}
