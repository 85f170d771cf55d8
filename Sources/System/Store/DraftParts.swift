import Content
import Database
import Hashing
import Trust

/// What a draft of a release is made of beside its manifest: the changeset from the head, the grown chunk log.
struct DraftParts {
    /// A changeset above this is not made: walking the tree costs a mirror about as much then.
    private static let changesetByteCount = 64 << 20
    /// Chunks that are appended to the log at once.
    private static let logBatch = 4096

    let store: Store
    let set: SetRecord

    /// Makes and stores the changeset between two manifests; nil if it is too large to be of use.
    func makeChangeset(from: NodeDigest, to: NodeDigest) throws -> ChangesetReference? {
        // A head whose manifest was lost with the database.
        guard try store.node(from) != nil || from == ManifestTree.emptyRoot.digest else { return nil }
        let bytes = try Changeset.between(from, to) { try store.node($0) }.encode()
        guard bytes.count <= Self.changesetByteCount else { return nil }
        let digest = Changeset.digest(of: bytes)
        try store.database.withTransaction { try $0.insert(.changeset, digest.raw, bytes) }
        return ChangesetReference(digest: digest, byteCount: UInt64(bytes.count))
    }

    /// What one tree has and the next has not; nil for a head whose manifest was lost with the database.
    func removed(from: NodeDigest, to: NodeDigest) throws -> RemovedContent? {
        guard try store.node(from) != nil || from == ManifestTree.emptyRoot.digest else { return nil }
        return try ManifestTree.removed(from, to) { try store.node($0) }
    }

    /// The head as a draft names it.
    func previous(_ sequence: UInt64, _ digest: ReleaseDigest) throws -> IngestDraft.Previous {
        let document = try store.releaseDocument(set: set.name, sequence: sequence).map {
            try ReleaseDocument(decoding: $0)
        }
        return IngestDraft.Previous(
            sequence: sequence, digest: digest, manifest: document?.manifest,
            removalConfirmedAt: document?.removalConfirmedAt)
    }

    /// The bytes of files that change in their time alone; 0 for a head whose manifest was lost with the database.
    func retouchedBytes(from: NodeDigest, to: NodeDigest) throws -> UInt64 {
        guard try store.node(from) != nil else { return 0 }
        return try ManifestTree.retouchedBytes(from, to) { try store.node($0) }
    }

    /// The log of the next epoch, with the chunks of the tree alone, if less than half of those of `log` are in use. Rows
    /// of the epoch before stay until a release of the next one is the head, and are collected then.
    func shortened(_ log: ChunkLog, for root: ManifestRoot, _ options: IngestOptions) throws -> ChunkLog? {
        // How many chunks the tree has can be told well enough to look at all of it only when that is worth it.
        let estimate = root.files &+ root.bytes / UInt64(options.profile.average)
        guard log.size >= options.leastLogSize, log.size / 2 > estimate, log.epoch < .max - 1 else { return nil }
        var next = ChunkLog(epoch: log.epoch + 1)
        _ = try extend(&next, from: nil, to: root.digest)
        return next.size < log.size / 2 ? next : nil
    }

    /// Appends the chunks that are new to the set's log, in the order of paths. Rows beyond the committed size are a
    /// draft's: they are replaced by the next one.
    func extend(
        _ log: inout ChunkLog, from: NodeDigest?, to: NodeDigest
    ) throws -> (chunks: UInt64, bytes: UInt64) {
        var growing = log
        var bytes: UInt64 = 0
        let committed = log.size
        try store.database.withTransaction { session in
            try session.run(
                "DELETE FROM log_entry WHERE set_number = ? AND epoch = ? AND ordinal >= ?",
                [.integer(set.number), .integer(Int64(growing.epoch)), .unsigned(committed)])
            var fresh: [ChunkReference] = []
            func add(_ chunk: ChunkReference) throws {
                let ordinal = growing.size + UInt64(fresh.count)
                let isNew = try session.run(
                    """
                    INSERT OR IGNORE INTO log_entry (set_number, chunk, epoch, ordinal, length) VALUES (?, ?, ?, ?, ?)
                    """,
                    [
                        .integer(set.number), .digest(chunk.digest.raw), .integer(Int64(growing.epoch)),
                        .unsigned(ordinal), .integer(Int64(chunk.length)),
                    ])
                guard isNew > 0 else { return }
                fresh.append(chunk)
                bytes += UInt64(chunk.length)
                if fresh.count == Self.logBatch {
                    try growing.append(fresh)
                    fresh.removeAll(keepingCapacity: true)
                }
            }
            try ManifestTree.diff(from ?? ManifestTree.emptyRoot.digest, to, source: { try store.node($0) }) { edit in
                guard case .put(let entry) = edit, let blob = entry.blob, entry.size > 0 else { return }
                guard let list = entry.chunkList else {
                    try add(ChunkReference(digest: ChunkDigest(blob.raw), length: UInt32(clamping: entry.size)))
                    return
                }
                guard let encoded = try session.value(.chunkList, list.raw) else {
                    throw StoreError.missingChunkList(
                        set: set.name, sequence: (set.head ?? 0) + 1, list, path: entry.path)
                }
                for chunk in try ChunkList(decoding: encoded).chunks { try add(chunk) }
            }
            try growing.append(fresh)
        }
        let added = growing.size - committed
        log = growing
        return (added, bytes)
    }
}
