import Content
import FleetCertificates
import FleetModel
import Logging
import STOQ
import STOQTransport
import Swarm
import Synchronization

/// This mirror's part in the swarm of a release while it fetches it: the shell of ``SwarmMachine``.
///
/// Links to other hosts come and go, in both directions; requests run in tasks of their own, as many as the machine wants.
final class SwarmRun: Sendable {
    /// The pace of the machine's clock; gains are told about as often.
    private static let tick = Duration.milliseconds(20)
    private static let checks = Duration.milliseconds(100)
    /// With nothing received for so long the rest is fetched without the swarm.
    private static let patience = Duration.seconds(20)
    /// The same while no host takes part that could bring anything.
    private static let lonelyPatience = Duration.seconds(3)

    /// What fetching needs from the sync that it is for.
    struct Sink: Sendable {
        /// Verifies and stores the chunks of one answer to a request for these: positions in the request.
        let supply: @Sendable (STOQAnswer, [ChunkDigest]) async throws -> SuppliedChunks
        /// Takes note of bytes from a host.
        let received: @Sendable (Int, String) -> Void
        /// Takes note of a host that sent wrong chunks.
        let distrust: @Sendable (String, [ChunkDigest]) -> Void
    }

    private struct Joined {
        let link: SwarmLink
        var isOrigin: Bool
    }

    private struct State {
        var machine: SwarmMachine
        var exchange: PeerExchange
        var joined: [Int: Joined] = [:]
        /// By the number of each request of a batch.
        var batches: [UInt64: RequestBatch] = [:]
        var sink: Sink?
        var lastReceived: ContinuousClock.Instant
        var checkedAt: ContinuousClock.Instant
        var isOver = false
    }

    let key: SwarmKey
    let tail: ChunkLogTail
    let size: UInt32
    private let recents: RecentChunks
    private let record: SourceRecord
    private let logger: Logger
    private let began = ContinuousClock.now
    private let state: Mutex<State>
    private let progressed = Signal()
    /// Members that neighbours named, to be linked to; ends with the run.
    let members: AsyncStream<SwarmMember>
    private let named: AsyncStream<SwarmMember>.Continuation

    init(
        key: SwarmKey, name: String, tail: ChunkLogTail, hello: SwarmHello, recents: RecentChunks,
        record: SourceRecord, policy: SwarmPolicy, planned: [SwarmMember], logger: Logger
    ) {
        self.key = key
        self.tail = tail
        self.recents = recents
        self.record = record
        self.logger = logger
        size = tail.cut.end
        var settings = SwarmSettings()
        settings.choose = SourceChoice(policy.choose)
        let machine = SwarmMachine(
            name: name, cut: tail.cut, lengths: tail.entries.map(\.length), hello: hello, settings: settings)
        (members, named) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(PeerExchange.attemptLimit))
        state = Mutex(
            State(
                machine: machine, exchange: PeerExchange(name: name, planned: planned), lastReceived: began,
                checkedAt: began))
    }

    private var now: Duration { .now - began }

    /// Whether a host takes part already.
    func isLinked(to name: String) -> Bool {
        state.withLock { $0.joined.values.contains { $0.link.peer.name == name } }
    }

    // MARK: Links

    /// What a host is told first.
    func hello(isNear: Bool) -> SwarmHello { state.withLock { $0.machine.hello(isNear: isNear) } }

    /// A host has said hello. False if it takes part already, is left out for what it sent before, or this run is over.
    func attach(_ link: SwarmLink, _ hello: SwarmHello) -> Bool {
        // Only an origin leases; a copy of the whole release elsewhere is asked like any other host.
        let isOrigin = link.peer.role == .origin && hello.complete == size
        // Without its origin a release could not spread at all, and every byte is verified anyway.
        guard isOrigin || !record.isCutOff(link.peer.name) else { return false }
        let id = state.withLock { state -> (Int, [SwarmMachine.Action])? in
            guard !state.isOver, !state.joined.values.contains(where: { $0.link.peer.name == link.peer.name }) else {
                return nil
            }
            let name = link.peer.name
            let (id, actions) = state.machine.join(
                name, hello: hello, isOrigin: isOrigin, score: record.score(of: name),
                earlierRate: record.rate(of: name),
                now: now)
            state.joined[id] = Joined(link: link, isOrigin: isOrigin)
            state.exchange.linked(to: name)
            return (id, actions)
        }
        guard let (id, actions) = id else { return false }
        logger.debug(
            "a host takes part", metadata: ["set": "\(key.set)", "peer": "\(link.peer.name)", "origin": "\(isOrigin)"])
        link.onMessage { [weak self] message in
            guard let self else { return }
            if case .peers(let members) = message { return self.heard(members, from: link.peer.name) }
            self.apply { machine, now in machine.heard(message, from: id, now: now) }
        }
        perform(actions)
        tellOfMembers()
        return true
    }

    /// The link to a host is gone.
    func detach(_ link: SwarmLink) {
        let actions = state.withLock { state -> [SwarmMachine.Action] in
            guard let id = state.joined.first(where: { $0.value.link === link })?.key else { return [] }
            state.joined[id] = nil
            state.exchange.unlinked(from: link.peer.name)
            return state.machine.leave(id, now: now)
        }
        perform(actions)
        tellOfMembers()
    }

    /// Changes what is known of members; nothing comes of it once the run is over.
    func exchange(_ event: (inout PeerExchange) -> [SwarmMember]) -> [SwarmMember] {
        state.withLock { state in state.isOver ? [] : event(&state.exchange) }
    }

    /// Has a member linked to.
    func offer(_ member: SwarmMember) { named.yield(member) }

    /// Tells neighbours of changes in whom this host is linked to. An origin has no use for that.
    private func tellOfMembers() {
        let offers = state.withLock { state -> [(SwarmLink, [SwarmMember])] in
            guard !state.isOver else { return [] }
            return state.joined.sorted { $0.key < $1.key }.compactMap { _, joined in
                guard !joined.isOrigin else { return nil }
                return state.exchange.offer(to: joined.link.peer.name).map { (joined.link, $0) }
            }
        }
        for (link, members) in offers { link.send(.peers(members)) }
    }

    // MARK: Fetching

    /// Fetches chunks; those that did not come, because nobody takes part who has them.
    func fetch(_ missing: [ChunkReference], _ sink: Sink) async throws -> [ChunkReference] {
        var wanted = OrdinalSet()
        let digests = Set(missing.map(\.digest))
        for (offset, entry) in tail.entries.enumerated() where digests.contains(entry.digest) {
            wanted.insert(tail.cut.base + UInt32(offset))
        }
        state.withLock { state in
            state.sink = sink
            state.lastReceived = .now
        }
        apply { machine, now in machine.want(wanted, now: now) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try await Task.sleep(for: Self.tick)
                    self.keepTime()
                }
            }
            defer { group.cancelAll() }
            while !isSettled {
                let seen = progressed.count
                if isSettled { break }
                await progressed.wait(after: seen, atMost: Self.checks)
                try Task.checkCancellation()
            }
        }
        let left = state.withLock { $0.machine.missing }
        guard !left.isEmpty || wanted.count < missing.count else { return [] }
        let done = Set(wanted.subtracting(left).ranges.flatMap { $0.map { tail.entry($0).digest } })
        return missing.filter { !done.contains($0.digest) }
    }

    /// Whether everything has come, or nothing will.
    private var isSettled: Bool {
        state.withLock { state in
            if state.machine.isComplete { return true }
            let silence = ContinuousClock.now - state.lastReceived
            return silence > Self.patience || !state.machine.hasHope && silence > Self.lonelyPatience
        }
    }

    private func keepTime() {
        let isDue = state.withLock { state in
            let time = ContinuousClock.now
            let announces = state.machine.nextAnnouncement.map { $0 <= now } ?? false
            guard announces || time - state.checkedAt >= Self.checks else { return false }
            if time - state.checkedAt >= Self.checks {
                state.checkedAt = time
                for (id, joined) in state.joined {
                    state.machine.measured(
                        roundTrip: joined.link.connection.roundTrip, score: record.score(of: joined.link.peer.name),
                        of: id)
                    state.machine.heard(
                        wireBytes: joined.link.connection.snapshot.bytesIn, from: id, now: now)
                }
            }
            return true
        }
        if isDue { apply { machine, now in machine.tick(now: now) } }
    }

    /// Ends the run: requests are cancelled, and links go to whoever takes them over.
    func end() -> [SwarmLink] {
        let (batches, links) = state.withLock { state in
            state.isOver = true
            named.finish()
            record.note(state.machine.deliveries)
            defer {
                state.batches = [:]
                state.joined = [:]
                state.sink = nil
            }
            return (state.batches, state.joined.sorted { $0.key < $1.key }.map(\.value.link))
        }
        for (request, batch) in batches { batch.cancel(request) }
        return links
    }

    /// What a report says of it.
    var report: SwarmReport {
        let deliveries = state.withLock { $0.machine.deliveries }
        return SwarmReport(
            set: key.set, release: "\(key.release)", role: .mirror,
            peers: deliveries.map { delivery in
                SwarmReport.Peer(
                    name: delivery.name,
                    receiving: delivery.bytesPerSecond.map { UInt64(min(max($0, 0), 1e15) / 1_000) * 1_000 },
                    requests: delivery.requests, isPausing: delivery.isPausing)
            })
    }

    // MARK: Running the machine

    private func apply(_ event: (inout SwarmMachine, Duration) -> [SwarmMachine.Action]) {
        let actions = state.withLock { state in state.isOver ? [] : event(&state.machine, now) }
        perform(actions)
    }

    private func perform(_ actions: [SwarmMachine.Action]) {
        var requests: [SwarmMachine.Request] = []
        for action in actions {
            switch action {
            case .send(let source, let message):
                state.withLock { $0.joined[source]?.link }?.send(message)
            case .cancel(let request):
                state.withLock { $0.batches.removeValue(forKey: request) }?.cancel(request)
            case .request(let request): requests.append(request)
            }
        }
        for batch in RequestBatch.join(requests) {
            let isOver = state.withLock { state in
                for request in batch.requests { state.batches[request.id] = batch }
                return state.isOver
            }
            guard !isOver else { return }
            batch.start { await self.run(batch) }
        }
    }

    private func run(_ batch: RequestBatch) async {
        let (link, sink) = state.withLock { state in (state.joined[batch.source]?.link, state.sink) }
        let requests = batch.requests.map(\.id)
        defer {
            state.withLock { state in
                for request in requests { state.batches[request] = nil }
            }
            // Not for every answer: the waiter looks now and then anyway, and waking it costs more than looking.
            if state.withLock({ $0.machine.isComplete }) { progressed.raise() }
        }
        guard let link, let sink else { return }
        do {
            let wrong = try await ask(batch, link, sink)
            guard wrong.isEmpty else {
                sink.distrust(link.peer.name, wrong)
                return cutOff(batch.source, link)
            }
            record.note(.success, of: link.peer.name)
            apply { machine, now in machine.finished(requests: requests, now: now) }
        } catch {
            if Task.isCancelled { return }
            if SyncError.isLie(error) { return cutOff(batch.source, link) }
            if let wait = SyncError.wait(askedFor: error) {
                logger.debug("a host has no slot", metadata: ["peer": "\(link.peer.name)", "error": "\(error)"])
                return apply { machine, now in machine.refused(requests: requests, for: wait, now: now) }
            }
            logger.debug(
                "a request in the swarm failed",
                metadata: ["set": "\(key.set)", "peer": "\(link.peer.name)", "error": "\(error)"])
            record.note((error as? STOQError)?.code == .noProgress ? .timeout : .failure, of: link.peer.name)
            apply { machine, now in machine.failed(requests: requests, now: now) }
        }
    }

    /// A host sent what is not true: it is asked for nothing any more, here and in later swarms.
    private func cutOff(_ source: Int, _ link: SwarmLink) {
        record.note(.invalid, of: link.peer.name)
        apply { machine, now in machine.quarantine(source, now: now) }
    }

    /// Asks a host for the chunks of a batch, and stores what comes. The first chunks that were wrong; then the rest of
    /// the answer is not looked at.
    private func ask(_ batch: RequestBatch, _ link: SwarmLink, _ sink: Sink) async throws -> [ChunkDigest] {
        let ordinals = batch.ordinals
        let references = ordinals.map { tail.entry($0) }
        let digests = references.map(\.digest)
        var rules = STOQAnswerRules(limits: references.map { Int($0.length) }, allowsParts: false)
        let stream = try await link.connection.open(.chunks(set: key.set, digests), kind: .bulk, isWhole: true)
        while let message = try await stream.next() {
            sink.received(message.byteCount, link.peer.name)
            let answer = try STOQAnswer(message)
            try rules.check(answer)
            let shares = batch.shares(of: answer)
            state.withLock { state in
                for (request, bytes) in shares { state.machine.progressed(request: request, bytes: bytes, now: now) }
            }
            let supplied = try await sink.supply(answer, digests)
            guard supplied.corrupt.isEmpty else { return supplied.corrupt.map { digests[$0] } }
            keep(supplied.received, answer, digests)
            state.withLock { $0.lastReceived = .now }
            apply { machine, now in
                machine.received(supplied.received.map { ordinals[$0] }, from: batch.source, now: now)
            }
        }
        return []
    }

    private func keep(_ received: [Int], _ answer: STOQAnswer, _ digests: [ChunkDigest]) {
        let isRight = Set(received)
        recents.keep(
            answer.items.filter { isRight.contains($0.index) }.map { (digests[$0.index], $0.range) },
            of: answer.message)
    }
}

/// The release that a swarm is about.
struct SwarmKey: Hashable, Sendable {
    let set: String
    let release: ReleaseDigest
}

extension SourceChoice {
    /// As fleet.yaml says.
    init(_ weights: SourceWeights) {
        self.init()
        reputation = weights.reputation
        region = weights.region
        bandwidth = weights.bandwidth
    }
}
