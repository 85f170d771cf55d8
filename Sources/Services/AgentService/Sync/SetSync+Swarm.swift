import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Swarm
import Trust

/// Fetching chunks together with the other mirrors of the fleet.
extension SetSync {
    /// Below so many bytes the round trips of a swarm cost more than the origin's uplink.
    private static let swarmFloor: UInt64 = 512 << 10
    /// Hosts that a mirror is linked to.
    private static let linkLimit = 24
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(15)
    /// Of two mirrors the one whose name comes first links; the other waits so long for it.
    private static let politeness = Duration.milliseconds(1_500)

    /// Hosts beside the origin that take part: without any there is no swarm.
    private var others: [PlanSource] {
        let names = Set(line.sources.map(\.name))
        return line.sources + line.peers.filter { !names.contains($0.name) && $0.name != host }
    }

    /// A run in the swarm of the release, if there is one: with other mirrors than the origin, for enough bytes, and with
    /// a host that gives the chunk log.
    func beginSwarm(_ release: VerifiedRelease, _ session: FetchSession, bytes: UInt64) async -> SwarmRun? {
        let head = release.document.chunkLog
        guard let swarms, bytes >= Self.swarmFloor, others.count > 1, head.size < UInt64(OrdinalSet.ordinalCeiling)
        else { return nil }
        do {
            let complete = try await pool.run { [store, line] in try store.logged(set: line.set, epoch: head.epoch) }
            let tail = try await fetchTail(head, from: ChunkLogTail.base(complete: min(complete, head.size)))
            let have = try await pool.run { [store] in try store.held(tail.entries.map(\.digest), from: tail.cut.base) }
            let run = SwarmRun(
                key: SwarmKey(set: line.set, release: release.digest), name: host, tail: tail,
                hello: SwarmHello(complete: UInt32(min(complete, head.size)), have: have), recents: swarms.recents,
                record: swarms.record, policy: swarms.policy, planned: others.map { SwarmMember($0) }, logger: logger)
            swarms.begin(run, session)
            return run
        } catch {
            logger.info("fetching without a swarm", metadata: ["set": "\(line.set)", "error": "\(error)"])
            return nil
        }
    }

    /// The end of the chunk log, from any source that keeps it.
    private func fetchTail(_ head: ChunkLogHead, from size: UInt64) async throws -> ChunkLogTail {
        let bytes = Int(head.size - size) * ChunkLogHistory.entryByteCount
        return try await fromAny { source in
            var parts: [Int: [UInt8]] = [:]
            try await answers.items(
                .chunkLog(set: line.set, from: size, size: head.size), limits: [ChunkLog.byteLimit, bytes], at: source
            ) { items in
                for item in items { parts[item.index] = item.bytes }
            }
            guard let state = parts[0], let entries = parts[1] else { throw SyncError.absent(what: "the chunk log") }
            let log = try ChunkLog(decoding: state)
            // A newer release, which this host does not know yet, may have begun the log anew.
            guard log.epoch == head.epoch else { throw SyncError.absent(what: "the chunk log") }
            return try ChunkLogTail(
                state: log, entries: try ChunkLogHistory.decode(entries), head: head)
        }
    }

    /// Fetches chunks in the swarm; what it could not get. Links are made, and made again, meanwhile.
    func fetchChunks(
        _ missing: [ChunkReference], in run: SwarmRun, _ session: FetchSession, _ meter: SyncMeter
    ) async throws -> [ChunkReference] {
        guard !missing.isEmpty else { return [] }
        let sink = SwarmRun.Sink(
            supply: supplier(of: session, meter),
            received: { [sources] bytes, name in sources.received(bytes, from: name) },
            distrust: { name, chunks in self.distrust(name, chunks) })
        return try await run.fetch(missing, sink)
    }

    /// Keeps links to the hosts of the plan until the task is cancelled.
    func keepLinks(_ run: SwarmRun, _ swarms: Swarms) async {
        await withDiscardingTaskGroup { group in
            for other in others.prefix(Self.linkLimit) {
                group.addTask { await self.keepLink(run, swarms, to: other) }
            }
            for await member in run.members {
                group.addTask { await self.link(run, swarms, to: member) }
            }
        }
    }

    /// Links to a member that a neighbour named, once. That it is who it is said to be, and a member still, its certificate
    /// shows.
    private func link(_ run: SwarmRun, _ swarms: Swarms, to member: SwarmMember) async {
        let source = PlanSource(
            name: member.name, address: NetworkAddress(host: member.host, port: Int(member.port)),
            sequence: line.sequence ?? 0, region: member.region)
        // It may have been told of this host as well, see `keepLink`.
        if member.name < host { try? await Task.sleep(for: Self.politeness) }
        if run.isLinked(to: member.name) { return run.ended(member, .needless) }
        do {
            let connection = try await sources.connection(to: source)
            try await swarms.link(run, to: connection, isNear: line.isNear(source)) { isLinked in
                run.ended(member, isLinked ? .linked : .needless)
            }
        } catch {
            run.ended(member, .failed)
            if Task.isCancelled { return }
            logger.debug("a member that a peer named", metadata: ["peer": "\(member.name)", "error": "\(error)"])
        }
    }

    private func keepLink(_ run: SwarmRun, _ swarms: Swarms, to other: PlanSource) async {
        let isNear = line.isNear(other)
        let isPeer = line.peers.contains { $0.name == other.name }
        if isPeer, other.name < host { try? await Task.sleep(for: Self.politeness) }
        var pause = Self.firstPause
        while !Task.isCancelled, sources.isUsable(other) {
            if !run.isLinked(to: other.name) {
                do {
                    let connection = try await sources.connection(to: other)
                    try await swarms.link(run, to: connection, isNear: isNear)
                    pause = Self.firstPause
                } catch {
                    if Task.isCancelled { return }
                    logger.debug("no link", metadata: ["peer": "\(other.name)", "error": "\(error)"])
                }
            }
            try? await Task.sleep(for: pause * Double.random(in: 0.7...1.0))
            pause = min(pause * 2, Self.longestPause)
        }
    }
}

extension Store {
    /// How many entries of the log of this epoch the head of a set covers: all that were alive then are here.
    fileprivate func logged(set: String, epoch: UInt32) throws -> UInt64 {
        guard let document = try releaseDocument(set: set) else { return 0 }
        let log = try ReleaseDocument(decoding: document).chunkLog
        return log.epoch == epoch ? log.size : 0
    }

    /// The ordinals of those chunks that are here, counted from `first`.
    fileprivate func held(_ chunks: [ChunkDigest], from first: UInt32) throws -> OrdinalSet {
        var have = OrdinalSet()
        for (offset, location) in try locate(chunks).enumerated() where location != nil {
            have.insert(first + UInt32(offset))
        }
        return have
    }
}

extension SwarmMember {
    /// A host of a plan.
    fileprivate init(_ source: PlanSource) {
        self.init(
            name: source.name, host: source.address.host, port: UInt16(clamping: source.address.port),
            region: source.region ?? "default")
    }
}
