import Content
import FleetModel
import Hashing
import Logging
import STOQ
import Store

/// Fetching chunks from all sources at once.
extension SetSync {
    /// Fetches `missing` into the session. Throws ``SyncError`` when no source can deliver what is left.
    func fetchChunks(_ missing: [ChunkReference], _ session: FetchSession, _ meter: SyncMeter) async throws {
        let sink = ChunkFetcher.Sink(
            supply: supplier(of: session, meter), distrust: { name, chunks in distrust(name, chunks) },
            accuse: { source, error in accuse(source, error) })
        try await ChunkFetcher(set: line.set, sources: sources, sink: sink).fetch(missing)
    }

    /// What verifies, stores and counts the chunks of answers.
    func supplier(
        of session: FetchSession, _ meter: SyncMeter
    ) -> @Sendable (STOQAnswer, [ChunkDigest]) async throws -> SuppliedChunks {
        { [pool] answer, digests in
            let supplied = try await pool.run { try Self.supply(answer, digests, session) }
            meter.fetched(chunks: supplied.received.count, bytes: supplied.bytes, session.progress)
            return supplied
        }
    }

    /// Verifies and stores the chunks of one message; positions are those in the request. Throws `StoreError`.
    static func supply(
        _ answer: STOQAnswer, _ digests: [ChunkDigest], _ session: FetchSession
    ) throws -> SuppliedChunks {
        try answer.message.withUnsafeBytes { buffer in
            let chunks = answer.items.map { item in
                (digests[item.index], UnsafeRawBufferPointer(rebasing: buffer[item.range]))
            }
            let wrong = Set(try session.supply(chunks: chunks))
            var supplied = SuppliedChunks()
            for (item, (digest, chunk)) in zip(answer.items, chunks) {
                // A chunk that came late, when the session is further on already, is refused too, and is no lie.
                if wrong.contains(digest), BLAKE3.hash(chunk) != digest.raw {
                    supplied.corrupt.append(item.index)
                } else {
                    supplied.received.append(item.index)
                    supplied.bytes += chunk.count
                }
            }
            return supplied
        }
    }

    /// Names a source that sent what it cannot have been asked for, or what is not true, and asks it for nothing more.
    func accuse(_ source: PlanSource, _ error: any Error) {
        sources.giveUp(source.name)
        logger.error(
            "a source lies",
            metadata: ["source": "\(source.name)", "set": "\(line.set)", "error": "\(error)"])
        activity.raise(
            Problem(
                code: "wrong-answer", mirror: host, set: line.set,
                message: "\(source.name) sent \(host) a wrong answer for \(line.set): \(error)",
                hint: "fleetctl verify \(source.name)"),
            now: clock.now())
    }

    /// Names a source that sent wrong bytes, in the log and in the next report, and asks it for nothing more.
    func distrust(_ source: String, _ chunks: [ChunkDigest]) {
        sources.giveUp(source)
        logger.error(
            "a source sent wrong bytes",
            metadata: [
                "source": "\(source)", "set": "\(line.set)", "chunks": "\(chunks.count)",
                "chunk": "\(chunks.first.map { "\($0)" } ?? "-")",
            ])
        activity.raise(
            Problem(
                code: "wrong-bytes", mirror: host, set: line.set,
                message: "\(source) sent \(host) wrong bytes for \(chunks.count) chunks of \(line.set)",
                hint: "fleetctl verify \(source)"),
            now: clock.now())
    }
}
