import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Trust

/// One attempt to bring one set to the release of one line of a plan.
///
/// Everything from a source is verified against what a signature reaches before it is stored; a source that answers
/// wrongly costs time only.
struct SetSync: Sendable {
    /// How often progress is told while a sync runs.
    private static let progressInterval = Duration.seconds(1)

    let line: PlanLine
    let host: String
    let store: Store
    let sources: SourcePool
    let policy: ReleasePolicy
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger

    /// Runs the attempt. Throws what stopped it; what was fetched until then stays staged for the next one.
    func run() async throws -> SyncSummary {
        let began = ContinuousClock.now
        let meter = SyncMeter(sequence: line.sequence ?? 0)
        let reused = try await withThrowingTaskGroup(of: UInt64?.self) { group in
            group.addTask { try await self.fetch(meter) }
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.progressInterval)
                    self.show(meter, isNews: true)
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        let elapsed = (ContinuousClock.now - began).components
        return SyncSummary(
            sequence: line.sequence ?? 0, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18,
            bytesBySource: sources.bytesBySource, chunksFetched: meter.chunksDone,
            chunksReused: reused ?? 0, roundTrips: sources.roundTrips)
    }

    private func show(_ meter: SyncMeter, isNews: Bool) {
        let progress = meter.progress(at: .now)
        activity.update(line.set, isNews: isNews) { state in
            state.progress = progress
            state.missingBytes = progress.bytesTotal - min(progress.bytesDone, progress.bytesTotal)
        }
    }

    /// The steps, in order. Returns how many chunks were here already.
    private func fetch(_ meter: SyncMeter) async throws -> UInt64 {
        let release = try await fetchRelease()
        let session = try await pool.run { [store] in
            try store.beginFetch(release, allowsEscapingLinks: release.document.allowsEscapingLinks)
        }
        do {
            try await fetchManifest(release, session)
            var reused: UInt64 = 0
            var isFirst = true
            repeat {
                reused += try await fetchWindow(session, meter, sequence: release.document.sequence, isFirst: isFirst)
                isFirst = false
            } while try await pool.run { try session.nextWindow() }
            meter.enter("commit")
            show(meter, isNews: false)
            let served = try await pool.run { try session.finish() }
            logger.info(
                "serving a release",
                metadata: ["set": "\(line.set)", "sequence": "\(served.sequence)", "root": "\(served.root)"])
            return reused
        } catch {
            // What is staged stays: the next attempt goes on from there.
            try? await pool.run { session.suspend() }
            throw error
        }
    }

    /// Fetches what the blobs of one window need. Returns how many chunks were here already.
    private func fetchWindow(
        _ session: FetchSession, _ meter: SyncMeter, sequence: UInt64, isFirst: Bool
    ) async throws -> UInt64 {
        try await fetchChunkLists(session)
        let needs = try await pool.run { try session.prepareChunks() }
        if isFirst {
            meter.begin(bytes: needs.missingBytes + needs.laterBytes)
            show(meter, isNews: true)
        }
        logger.info(
            "fetching chunks",
            metadata: [
                "set": "\(line.set)", "sequence": "\(sequence)", "chunks": "\(needs.missing.count)",
                "bytes": "\(needs.missingBytes)", "reused": "\(needs.reusedChunks)",
            ])
        try await fetchChunks(needs.missing, session, meter)
        return needs.reusedChunks + needs.resumedChunks
    }

    /// The signed release of the line, verified.
    private func fetchRelease() async throws -> VerifiedRelease {
        guard let sequence = line.sequence else { throw SyncError.incompleteLine(set: line.set) }
        let floor = try await pool.run { [store, line] in try store.head(set: line.set) }
        // A repair fetches the release that is the head already.
        let held = try await pool.run { [store, line] in
            try store.signedRelease(set: line.set, sequence: sequence)
        }
        let signed: SignedRelease
        if let held {
            signed = held
        } else {
            signed = try await sources.fromAny(set: line.set) { source in
                let bytes = try await self.single(.release(set: line.set, sequence: sequence), at: source)
                return try SignedRelease(decoding: bytes)
            }
        }
        do {
            return try ReleaseVerifier.verify(
                signed, policy: policy, set: line.set,
                above: floor.map { TrustedHead(sequence: $0.sequence, digest: $0.releaseDigest) })
        } catch {
            throw SyncError.untrusted(error)
        }
    }

    /// Makes the manifest complete in the session: by the changeset where the release before is held, else by a walk.
    private func fetchManifest(_ release: VerifiedRelease, _ session: FetchSession) async throws {
        if let wanted = try await pool.run({ try session.usableChangeset() }) {
            do {
                let bytes = try await sources.fromAny(set: line.set) { source in
                    let bytes = try await self.single(.changeset(set: line.set, wanted), at: source)
                    guard Changeset.digest(of: bytes) == wanted else {
                        throw SyncError.malformed(what: "changeset", reason: "its digest differs")
                    }
                    return bytes
                }
                if try await pool.run({ try session.supply(changeset: bytes) }) { return }
                logger.warning(
                    "a changeset does not lead to the signed root, walking the tree instead",
                    metadata: ["set": "\(line.set)", "changeset": "\(wanted)"])
            } catch let error as SyncError where !error.isFinal {
                logger.info(
                    "no changeset, walking the tree instead",
                    metadata: ["set": "\(line.set)", "error": "\(error)"])
            }
        }
        while true {
            let needed = try await pool.run { try session.neededNodes(limit: STOQRequest.digestLimit) }
            if needed.isEmpty { return }
            try await sources.fromAny(set: line.set) { source in
                let nodes = try await self.items(.nodes(set: line.set, needed), at: source)
                let supplied = nodes.map { (needed[$0.index], $0.bytes) }
                guard !supplied.isEmpty else { throw SyncError.absent(what: "a node of the manifest") }
                try await pool.run { try session.supply(nodes: supplied) }
            }
        }
    }

    private func fetchChunkLists(_ session: FetchSession) async throws {
        while true {
            let needed = try await pool.run { try session.neededChunkLists(limit: STOQRequest.digestLimit) }
            if needed.isEmpty { return }
            try await sources.fromAny(set: line.set) { source in
                let lists = try await self.items(.chunkLists(set: line.set, needed), at: source)
                let supplied = lists.map { (needed[$0.index], $0.bytes) }
                guard !supplied.isEmpty else { throw SyncError.absent(what: "a chunk list") }
                try await pool.run { try session.supply(chunkLists: supplied) }
            }
        }
    }
}
