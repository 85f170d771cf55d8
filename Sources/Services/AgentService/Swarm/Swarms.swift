import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Swarm
import Synchronization

/// All swarms that this host takes part in: those of its own syncs, those that it gives releases to as an origin, and links
/// of hosts that want what is here already.
final class Swarms: Sendable {
    /// How long a host that came early may wait for this one to begin with the release.
    private static let earliness = Duration.seconds(60)
    /// How long a link stays when this host has everything and the other end says nothing.
    private static let idleLimit = Duration.seconds(600)
    /// After a start an origin first listens to what mirrors have of releases that it gave before.
    private static let listening = Duration.seconds(30)
    /// Bytes of log tails that are kept after a sync, for mirrors that come late.
    private static let tailLimit = 256 << 10

    private struct State {
        var runs: [SwarmKey: SwarmRun] = [:]
        var origins: [SwarmKey: OriginSwarm] = [:]
        /// Sessions whose chunks can be read.
        var sessions: [String: FetchSession] = [:]
        /// The newest tail of each set.
        var tails: [String: ChunkLogTail] = [:]
        /// As fleet.yaml says, if the coordinator told it.
        var policy = SwarmPolicy()
    }

    private let settings: AgentSettings
    private let store: Store
    private let pool: BlockingPool
    private let logger: Logger
    /// What came lately.
    let recents = RecentChunks()
    /// Who is answered at the same time.
    let uploads = UploadGate()
    /// What hosts did before.
    let record: SourceRecord
    private let began = ContinuousClock.now
    /// The heads that were there at the start: mirrors may have parts of them from before. nil: they could not be read.
    private let inherited: Set<ReleaseDigest>?
    private let state = Mutex(State())
    private let changed = Signal()

    init(settings: AgentSettings, store: Store, record: SourceRecord, pool: BlockingPool, logger: Logger) {
        self.settings = settings
        self.record = record
        self.store = store
        self.pool = pool
        self.logger = logger
        // Where they cannot be read all count as given before.
        inherited = try? Set(store.sets().compactMap { try store.head(set: $0)?.releaseDigest })
        take(nil)
    }

    /// What fleet.yaml says of swarms; nil: nothing. Holds for swarms and requests that begin from now on; agent.yaml can
    /// only be narrowed.
    func take(_ policy: SwarmPolicy?) {
        var policy = (policy ?? SwarmPolicy()).bounded
        policy.sharing = policy.sharing.narrowed(by: settings.sharing)
        state.withLock { $0.policy = policy }
        uploads.set(policy)
    }

    /// What is in force.
    var policy: SwarmPolicy { state.withLock { $0.policy } }

    /// What a report says: the swarms that this host takes part in, ascending by set.
    var reports: [SwarmReport] {
        let (runs, origins) = state.withLock { (Array($0.runs.values), Array($0.origins.values)) }
        return (runs.map(\.report) + origins.compactMap(\.report)).sorted {
            ($0.set, $0.release, $0.role.rawValue) < ($1.set, $1.release, $1.role.rawValue)
        }
    }

    // MARK: For syncs

    /// Lets others take part in what is fetched, until ``end(_:isHere:)``.
    func begin(_ run: SwarmRun, _ session: FetchSession) {
        state.withLock { state in
            state.runs[run.key] = run
            state.sessions[run.key.set] = session
            state.tails[run.key.set] = run.tail
        }
        changed.raise()
    }

    /// A run is over. With `isHere` the release is here now: those who are linked are told so, and may go on to ask.
    func end(_ run: SwarmRun, isHere: Bool) {
        let links = run.end()
        state.withLock { state in
            state.runs[run.key] = nil
            state.sessions[run.key.set] = nil
            if run.tail.entries.count > Self.tailLimit { state.tails[run.key.set] = nil }
            if state.runs.isEmpty { recents.clear() }
        }
        changed.raise()
        for link in links {
            guard isHere else {
                link.finish()
                continue
            }
            serveWhole(link, size: run.size)
            link.send(.have([0..<run.size]))
        }
    }

    /// Links the run to a host, and waits until the link ends. Cancelling the task ends only the wait: the link stays for
    /// as long as either end has use for it. Throws what kept it from being made.
    /// - Parameter linked: told once whether it was made, when that is known.
    func link(
        _ run: SwarmRun, to connection: STOQConnection, isNear: Bool, linked: (Bool) -> Void = { _ in }
    ) async throws {
        let stream = try await connection.open(.swarm(set: run.key.set, run.key.release), kind: .control)
        let link = SwarmLink(stream, size: run.size)
        try await link.greet(run.hello(isNear: isNear))
        var hello = try await link.hello()
        hello.isNear = isNear
        let isAttached = run.attach(link, hello)
        linked(isAttached)
        guard isAttached else { return }
        let over = Signal()
        Task {
            try? await link.run()
            run.detach(link)
            over.raise()
        }
        await over.wait(after: 0)
    }

    // MARK: For peers

    /// Takes part with a peer that asks for it, until the stream ends. Throws ``ServeRefusal`` and `STOQError`.
    func serve(_ key: SwarmKey, on stream: STOQStream) async throws {
        let deadline = ContinuousClock.now + Self.earliness
        while true {
            let seen = changed.count
            if let run = state.withLock({ $0.runs[key] }) {
                return try await serve(run, on: stream)
            }
            if let size = try await wholeSize(key) {
                return try await serveWhole(key, size: size, on: stream)
            }
            let left = deadline - .now
            guard left > .zero else {
                throw ServeRefusal(.notFound, "\(settings.name) does not fetch this release")
            }
            await changed.wait(after: seen, atMost: min(left, .seconds(1)))
            try Task.checkCancellation()
        }
    }

    private func serve(_ run: SwarmRun, on stream: STOQStream) async throws {
        let link = SwarmLink(stream, size: run.size)
        let hello = try await link.hello()
        try await link.greet(run.hello(isNear: hello.isNear))
        guard run.attach(link, hello) else { throw ServeRefusal(.busy, "linked already") }
        defer { run.detach(link) }
        try await link.run()
    }

    /// This host has all of it: it leases it if it publishes the set, else it only serves.
    private func serveWhole(_ key: SwarmKey, size: UInt32, on stream: STOQStream) async throws {
        let link = SwarmLink(stream, size: size)
        let hello = try await link.hello()
        try await link.greet(SwarmHello(complete: size, isNear: hello.isNear))
        let leases = try await pool.run { [settings, store] in
            try settings.role == .origin && store.keepsChunkLog(ofSet: key.set)
        }
        guard leases else {
            serveWhole(link, size: size)
            return try await link.run()
        }
        let origin = originSwarm(key, size)
        try await pool.run { try origin.attach(link, hello) }
        defer { origin.detach(link) }
        try await link.run()
    }

    /// Nothing is wanted any more; once the other end has everything too, the link ends.
    private func serveWhole(_ link: SwarmLink, size: UInt32) {
        link.onMessage { [weak link] message in
            if case .have([0..<size]) = message { link?.finish() }
        }
        Task { [weak link] in
            try? await Task.sleep(for: Self.idleLimit)
            link?.finish()
        }
    }

    /// The size of the release's chunk log, if the release is the head here.
    private func wholeSize(_ key: SwarmKey) async throws -> UInt32? {
        let document = try await pool.run { [store] in try store.releaseDocument(set: key.set) }
        guard let document, ReleaseDocument.digest(of: document) == key.release,
            let release = try? ReleaseDocument(decoding: document)
        else { return nil }
        return UInt32(exactly: release.chunkLog.size).flatMap { $0 < OrdinalSet.ordinalCeiling ? $0 : nil }
    }

    private func originSwarm(_ key: SwarmKey, _ size: UInt32) -> OriginSwarm {
        state.withLock { state in
            if let known = state.origins[key] { return known }
            var leases = SwarmLeaseSettings()
            leases.originCopies = state.policy.originCopies
            if !listensFirst(key.release) { leases.quiet = .milliseconds(20) }
            let origin = OriginSwarm(
                key: key, size: size, settings: leases, logger: logger,
                lengths: { [store] range in
                    guard let log = try store.chunkLog(set: key.set, from: range.lowerBound, to: range.upperBound)
                    else {
                        throw StoreError.notFound("the chunk log of \(key.set)")
                    }
                    return log.entries.map(\.length)
                })
            // Older releases of the set are not given any more.
            state.origins = state.origins.filter { $0.key.set != key.set }
            state.origins[key] = origin
            return origin
        }
    }

    /// Whether mirrors may have parts of a release that they did not say yet: if an earlier process of this origin gave it,
    /// and they are only coming back.
    private func listensFirst(_ release: ReleaseDigest) -> Bool {
        ContinuousClock.now - began <= Self.listening && inherited?.contains(release) ?? true
    }

    /// Whether parts of a set are here that can be read, though no release of it may be.
    func isFetching(_ set: String) -> Bool { state.withLock { $0.sessions[set] != nil } }

    /// A chunk that was received and is not in the store yet; false if it is not here either.
    func read(_ digest: ChunkDigest, ofSet set: String, into buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
        if recents.copy(digest, into: buffer) { return true }
        guard let session = state.withLock({ $0.sessions[set] }) else { return false }
        return try session.read(digest, into: buffer)
    }

    /// The length of a chunk that ``read(_:ofSet:into:)`` may have.
    func length(of digest: ChunkDigest, ofSet set: String) -> Int? {
        if let length = recents.length(of: digest) { return length }
        return state.withLock { $0.sessions[set] }?.length(of: digest)
    }

    /// What is kept of a set's chunk log from an entry on, if it is kept as far as `size`.
    func chunkLog(set: String, from: UInt64, to size: UInt64) -> (state: ChunkLog, entries: [ChunkReference])? {
        guard let tail = state.withLock({ $0.tails[set] }), tail.state.size + UInt64(tail.entries.count) == size else {
            return nil
        }
        return tail.suffix(from: from)
    }
}
