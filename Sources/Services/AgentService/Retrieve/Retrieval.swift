import Content
import FleetModel
package import Logging
import STOQ
package import STOQTransport
import Synchronization
package import Trust
import UpdateFramework

/// Retrieves a release of a set, or a part of one, from hosts of the fleet into a folder on a machine that is none.
///
/// Everything is verified from a trusted root down: metadata, the release, each node of the manifest, each chunk list,
/// each chunk, each file. Hosts that have the release are asked at once, those that answer first for more; one that lies
/// is asked for nothing any more. The coordinator is not needed.
package final class Retrieval: Sendable {
    let order: RetrievalOrder
    let pool: BlockingPool
    let logger: Logger
    let endpoint: STOQEndpoint
    let now: MetadataTime
    private let notes = Mutex(Notes())

    /// What is learnt on the way.
    private struct Notes {
        var progress = RetrievalProgress()
        var liars: Set<String> = []
    }

    /// - Parameters:
    ///   - endpoint: asks hosts; its credentials are those of an operator or reader.
    ///   - now: seconds since 1970, against which metadata expires.
    package init(
        _ order: RetrievalOrder, endpoint: STOQEndpoint, pool: BlockingPool, now: Int64, logger: Logger
    ) {
        self.order = order
        self.endpoint = endpoint
        self.pool = pool
        self.now = MetadataTime(secondsSince1970: now)
        self.logger = logger
    }

    /// How far it is. May be called at any time.
    package var progress: RetrievalProgress { notes.withLock { $0.progress } }

    /// Retrieves into `folder`. Durable when it returns; what was fetched before an error stays staged for the next call.
    ///
    /// - Parameters:
    ///   - held: what is trusted: a root at least.
    ///   - keep: gets the repository that was verified, before anything else is believed; may throw.
    /// Throws ``RetrievalError``, `FileError`, and what `keep` throws.
    package func run(
        into folder: RetrievalFolder, trusting held: RepositoryDocuments, keep: (VerifiedRepository) throws -> Void
    ) async throws -> RetrievalSummary {
        let began = ContinuousClock.now
        let repository = try await verifiedRepository(held)
        try keep(repository)
        let (release, sources) = try await release(by: repository)
        let entries = try await manifest(of: release, from: sources)
        let (wanted, yanked) = try await withoutYanked(entries, by: repository, from: sources)
        var summary = RetrievalSummary(
            set: order.set, sequence: release.document.sequence, root: "\(release.document.manifest.digest)",
            directory: folder.name)
        summary.yanked = yanked.map(\.description)
        let files = wanted.filter { $0.type == .file }
        summary.files = UInt64(files.count)
        summary.bytes = files.reduce(0) { $0 + $1.size }
        let survey = try await survey(wanted, bytes: summary.bytes, in: folder)
        summary.presentFiles = UInt64(survey.present.count)
        summary.fetchedFiles = UInt64(survey.needed.count)
        summary.resumedBytes = try await fetch(survey.needed, into: folder, from: sources)
        let topModified = order.selection.isWhole ? release.document.topModified : nil
        try await pool.run { try folder.finish(wanted, topModified: topModified) }
        summary.bytesBySource = sources.bytesBySource
        summary.liars = notes.withLock { $0.liars.sorted() }
        let elapsed = (ContinuousClock.now - began).components
        summary.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        return summary
    }

    /// Takes note of a host that sent what is not true, and asks it for nothing more.
    func accuse(_ source: String, _ reason: String, _ sources: SourcePool) {
        sources.giveUp(source)
        notes.withLock { _ = $0.liars.insert(source) }
        logger.warning("a source lies", metadata: ["source": "\(source)", "error": "\(reason)"])
    }

    func note(_ change: (inout RetrievalProgress) -> Void) { notes.withLock { change(&$0.progress) } }

    /// Compares what is in the folder, and makes it ready for what is not.
    private func survey(
        _ wanted: [ManifestEntry], bytes: UInt64, in folder: RetrievalFolder
    ) async throws -> RetrievalFolder.Survey {
        note { progress in
            progress.phase = .compare
            progress.totalBytes = bytes
        }
        let survey = try await pool.run { [self] in
            let survey = try folder.survey(wanted) { seen in note { $0.bytes = seen } }
            guard survey.conflicts.isEmpty else { throw RetrievalError.inTheWay(survey.conflicts) }
            try folder.prepare(directories: wanted, present: survey.present)
            return survey
        }
        return survey
    }

    /// Fetches the bytes of files, and puts them in their places, window by window. Bytes that were staged before.
    private func fetch(
        _ needed: [ManifestEntry], into folder: RetrievalFolder, from sources: SourcePool
    ) async throws -> UInt64 {
        let blobs = try RetrievedBlob.all(of: needed)
        let total = needed.reduce(0) { $0 + $1.size }
        note { progress in
            progress.phase = .fetch
            progress.bytes = 0
            progress.totalBytes = total
        }
        var resumed: UInt64 = 0
        for part in RetrievalWindow.split(blobs) {
            let lists = try await chunkLists(part, from: sources)
            let window = try await pool.run { try RetrievalWindow(part, lists: lists, in: folder) }
            let bytes = window.missing.reduce(0) { $0 + UInt64($1.length) }
            let free = try folder.freeBytes
            guard bytes <= free else { throw RetrievalError.noRoom(needed: bytes, free: free) }
            resumed += window.resumedBytes
            note { $0.bytes += window.resumedBytes }
            try await fetch(window, from: sources)
            try await pool.run { try folder.place(part.map { ($0.blob, $0.size, $0.entries) }) }
        }
        return resumed
    }

    private func fetch(_ window: RetrievalWindow, from sources: SourcePool) async throws {
        let sink = ChunkFetcher.Sink(
            supply: { [self] answer, digests in
                let supplied = try await pool.run { try window.supply(answer, digests) }
                note { progress in
                    progress.bytes = min(progress.totalBytes, progress.bytes + UInt64(supplied.bytes))
                    progress.sources = sources.bytesBySource.count
                }
                return supplied
            },
            distrust: { [self] name, _ in accuse(name, "wrong bytes", sources) },
            accuse: { [self] source, error in accuse(source.name, "\(error)", sources) })
        do {
            try await ChunkFetcher(set: order.set, sources: sources, sink: sink).fetch(window.missing)
        } catch let error as SyncError {
            throw RetrievalError.noSource(reasons: ["\(error)"])
        }
    }
}
