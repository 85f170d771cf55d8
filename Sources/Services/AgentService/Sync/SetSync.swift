import Content
package import FleetModel
package import Logging
import STOQ
package import STOQTransport
package import Store
import Trust
import UpdateFramework

/// One attempt to bring one set to the release of one line of a plan.
///
/// Everything from a source is verified against what a signature reaches before it is stored; a source that answers
/// wrongly costs time only.
package struct SetSync: Sendable {
    /// How often progress is told while a sync runs.
    private static let progressInterval = Duration.seconds(1)
    /// Bytes that are copied in one go: as many as are hashed side by side.
    private static let copySlice = 1 << 20

    let line: PlanLine
    let host: String
    let store: Store
    let sources: SourcePool
    /// nil: there is no agent around it that could take part in a swarm.
    let swarms: Swarms?
    /// nil: there is no agent around it that could ask others what they hold and know.
    let receipts: ReceiptExchange?
    /// nil: there is no agent around it whose operator could have any.
    let hooks: HostHooks?
    let trust: TrustedRepository
    /// What agent.yaml says of trust; of what is signed as well the stricter counts.
    let limits: AgentTrustSettings
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger

    /// Reads what sources answer.
    var answers: AnswerReader { AnswerReader(sources: sources) }

    /// Brings one set to the release of `line`, without an agent around it: one attempt of the mirror `host`, whose
    /// `endpoint` asks the sources of the line. Durable and served when it returns. Throws what stopped it; what was
    /// fetched until then stays staged for the next one.
    package static func attempt(
        _ line: PlanLine, host: String, store: Store, endpoint: STOQEndpoint, trust: TrustedRepository,
        pool: BlockingPool, logger: Logger
    ) async throws -> SyncSummary {
        try await SetSync(
            line: line, host: host, store: store, sources: SourcePool(sources: line.sources, endpoint: endpoint),
            swarms: nil, receipts: nil, hooks: nil, trust: trust,
            limits: AgentTrustSettings(rootPath: "", floorPeers: 0),
            activity: AgentActivity(), pool: pool,
            clock: WallClock(),
            logger: logger
        ).run()
    }

    /// Runs the attempt. Throws what stopped it; what was fetched until then stays staged for the next one.
    func run() async throws -> SyncSummary {
        let began = ContinuousClock.now
        let meter = SyncMeter(sequence: line.sequence ?? 0)
        let outcome = try await withThrowingTaskGroup(of: Outcome?.self) { group in
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
            chunksReused: outcome?.chunksReused ?? 0, roundTrips: sources.roundTrips, retimed: outcome?.retimed,
            floor: outcome?.floor)
    }

    func show(_ meter: SyncMeter, isNews: Bool) {
        let progress = meter.progress(at: .now, bytesBySource: sources.bytesBySource)
        activity.update(line.set, isNews: isNews) { state in
            state.progress = progress
            state.missingBytes = meter.bytesMissing
        }
    }

    /// What an attempt found or did here, without its sources.
    private struct Outcome {
        /// How many chunks were here already.
        var chunksReused: UInt64
        var retimed: RetimedFiles?
        /// What peers said, before a first release.
        var floor: FloorSummary?
    }

    /// The steps, in order.
    private func fetch(_ meter: SyncMeter) async throws -> Outcome {
        try await passHooks(.preSync)
        let floor = try await floorOfPeers()
        let release = try await fetchRelease()
        if let floor, let lowest = floor.sequence, release.document.sequence < lowest {
            throw SyncError.belowFloor(
                set: line.set, sequence: release.document.sequence, floor: lowest, peers: floor.peers)
        }
        try await takeYanks()
        // Only now: the metadata that the release came with may have changed the policy.
        let removals = limits.removals(under: trust.policy(ofSet: line.set))
        let session = try await pool.run { [store] in
            try store.beginFetch(
                release, allowsEscapingLinks: release.document.allowsEscapingLinks, removals: removals)
        }
        var run: SwarmRun?
        do {
            try await fetchManifest(release, session)
            let needs = try await prepareWindow(session)
            meter.begin(bytesToFetch: needs.missingBytes + needs.laterBytes, session.progress)
            show(meter, isNews: true)
            run = await beginSwarm(release, session, bytes: needs.missingBytes + needs.laterBytes)
            let reused = try await fetchContent(needs, release, session, run, meter)
            try await awaitQuorum(release, session, meter)
            try await passHooksBeforeFlip(release, session)
            // What was yanked while others were waited for.
            try await takeYanks()
            meter.enter("commit")
            show(meter, isNews: false)
            let trees = TreePolicy(line)
            let served = try await pool.run { try session.finish(trees) }
            if let run { swarms?.end(run, isHere: true) }
            logger.info(
                "serving a release",
                metadata: ["set": "\(line.set)", "sequence": "\(served.sequence)", "root": "\(served.root)"])
            await runHooks(.postFlip, root: "\(served.root)")
            return Outcome(chunksReused: reused, retimed: served.retimed, floor: floor)
        } catch {
            if let run { swarms?.end(run, isHere: false) }
            // What is staged stays: the next attempt goes on from there.
            try? await pool.run { session.suspend() }
            throw error
        }
    }

    /// Fetches all chunks, window by window, of which the first is prepared; how many were here already.
    private func fetchContent(
        _ first: ChunkNeeds, _ release: VerifiedRelease, _ session: FetchSession, _ run: SwarmRun?, _ meter: SyncMeter
    ) async throws -> UInt64 {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let run, let swarms { group.addTask { await self.keepLinks(run, swarms) } }
            defer { group.cancelAll() }
            var (reused, needs): (UInt64, ChunkNeeds) = (0, first)
            while true {
                logger.info(
                    "fetching chunks",
                    metadata: [
                        "set": "\(line.set)", "sequence": "\(release.document.sequence)",
                        "chunks": "\(needs.missing.count)", "bytes": "\(needs.missingBytes)",
                        "reused": "\(needs.reusedChunks)", "swarm": "\(run != nil)",
                    ])
                try await fillWindow(needs, session, run, meter)
                reused += needs.reusedChunks + needs.resumedChunks
                guard try await pool.run({ try session.nextWindow() }) else { return reused }
                needs = try await prepareWindow(session)
                meter.note(session.progress)
            }
        }
    }

    /// Gets the chunks of a window: copies those that lie here while the others are fetched.
    private func fillWindow(
        _ needs: ChunkNeeds, _ session: FetchSession, _ run: SwarmRun?, _ meter: SyncMeter
    ) async throws {
        var lost = try await withThrowingTaskGroup(of: [ChunkReference].self) { group in
            group.addTask { try await self.copyHeld(session, meter) }
            group.addTask {
                var missing = needs.missing
                if let run { missing = try await self.fetchChunks(missing, in: run, session, meter) }
                try await self.fetchChunks(missing, session, meter)
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        // They were to be here, and are not, or have rotted: that of some is known once their blobs have all else.
        repeat {
            try await fetchChunks(lost, session, meter)
            lost = try await copyHeld(session, meter)
        } while !lost.isEmpty
    }

    /// Copies what lies here; what does not after all.
    private func copyHeld(_ session: FetchSession, _ meter: SyncMeter) async throws -> [ChunkReference] {
        var lost: [ChunkReference] = []
        while let more = try await pool.run({ try session.copyHeld(atMost: Self.copySlice) }) {
            lost += more
            meter.note(session.progress)
            try Task.checkCancellation()
        }
        return lost
    }

    /// What the blobs of one window need.
    private func prepareWindow(_ session: FetchSession) async throws -> ChunkNeeds {
        try await fetchChunkLists(session)
        return try await pool.run { try session.prepareChunks() }
    }

    /// The release of the line, verified. A source that gives another document than the plan names, or metadata that is
    /// not right, lies.
    private func fetchRelease() async throws -> VerifiedRelease {
        guard let sequence = line.sequence, let wanted = line.release.flatMap({ ReleaseDigest(hex: $0) }) else {
            throw SyncError.incompleteLine(set: line.set)
        }
        let floor = try await pool.run { [store, line] in try store.head(set: line.set) }
        let head = floor.map { TrustedHead(sequence: $0.sequence, digest: $0.releaseDigest) }
        // A repair fetches the release that is the head already.
        let held = try await pool.run { [store, line] in
            try store.releaseDocument(set: line.set, sequence: sequence)
        }
        let isHeld = head == TrustedHead(sequence: sequence, digest: wanted)
        if let held, ReleaseDocument.digest(of: held) == wanted,
            let release = try? trust.verify(held, sequence: sequence, ofSet: line.set, above: head, isHeld: isHeld)
        {
            return release
        }
        return try await fromAny { source in
            let document = try await answers.single(
                .release(set: line.set, sequence: sequence), limit: ReleaseDocument.maximumByteCount, at: source)
            let found = ReleaseDocument.digest(of: document)
            guard found == wanted else { throw SyncError.otherRelease(wanted: "\(wanted)", found: "\(found)") }
            do throws(TrustError) {
                return try trust.verify(document, sequence: sequence, ofSet: line.set, above: head, isHeld: isHeld)
            } catch {
                // What signs it may not have come here yet, and who has the release has it.
                guard error.isCuredByMetadata else { throw SyncError.untrusted(error) }
            }
            try await takeMetadata(from: source)
            do {
                return try trust.verify(document, sequence: sequence, ofSet: line.set, above: head, isHeld: isHeld)
            } catch {
                throw SyncError.untrusted(error)
            }
        }
    }

    /// Nothing that was yanked is served for a moment: what a mirror does not know yet, it learns before the flip.
    private func takeYanks() async throws {
        guard try await pool.run({ [trust, store, line] in try trust.hasNewYanks(ofSet: line.set, in: store) }) else {
            return
        }
        try await fromAny { source in
            let bytes = try await answers.single(.yanks(set: line.set), limit: YankList.maximumByteCount, at: source)
            do {
                try await pool.run { [trust, store, line] in
                    try trust.apply(yanked: bytes, ofSet: line.set, to: store)
                }
            } catch let error as TrustError {
                throw SyncError.untrusted(error)
            }
        }
    }

    /// Takes what a source has of the fleet's metadata, if it is newer.
    private func takeMetadata(from source: PlanSource) async throws {
        let bytes = try await answers.single(
            .metadata(versions: trust.versions.encoded), limit: RepositoryDocuments.maximumByteCount, at: source)
        let offered = try RepositoryDocuments(decoding: bytes)
        do {
            try await pool.run { [trust] in _ = try trust.take(offered) }
        } catch let error as UpdateError {
            throw SyncError.untrusted(error)
        }
    }

    /// Asks one source after the other, see ``SourcePool/fromAny(set:_:)``, and names those that lie.
    func fromAny<Value: Sendable>(
        _ body: @escaping @Sendable (PlanSource) async throws -> Value
    ) async throws -> Value {
        try await sources.fromAny(set: line.set) { source in
            do {
                return try await body(source)
            } catch {
                if SyncError.isLie(error) { accuse(source, error) }
                throw error
            }
        }
    }
}
