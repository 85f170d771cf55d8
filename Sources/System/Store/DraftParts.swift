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
    /// The manifest that the draft is compared with; nil if there is none, or it was lost with the database.
    private let base: NodeDigest?
    /// That of the draft.
    private let root: NodeDigest
    /// What differs between them, as far as it is known.
    let changes: KnownChanges

    /// Reads what differs between the manifest of the head, if there is one to compare with, and that of the draft.
    init(store: Store, set: SetRecord, head: NodeDigest?, root: NodeDigest) throws {
        self.store = store
        self.set = set
        self.root = root
        let isHeld = try head.map { try $0 == ManifestTree.emptyRoot.digest || store.node($0) != nil } ?? false
        base = isHeld ? head : nil
        changes = try base.map { try ManifestTree.changes($0, root, source: store.node) } ?? KnownChanges()
    }

    /// Makes and stores the changeset that leads to the draft; nil if it is too large to be of use, or there is no base.
    func makeChangeset() throws -> ChangesetReference? {
        guard let base else { return nil }
        let bytes = try Changeset.between(base, root, known: changes, source: store.node).encode()
        guard bytes.count <= Self.changesetByteCount else { return nil }
        let digest = Changeset.digest(of: bytes)
        try store.database.withTransaction { try $0.insert(.changeset, digest.raw, bytes) }
        return ChangesetReference(digest: digest, byteCount: UInt64(bytes.count))
    }

    /// What the base has and the draft has not; nil if there is no base.
    func removed() throws -> RemovedContent? {
        try base.map { try ManifestTree.removed($0, root, known: changes, source: store.node) }
    }

    /// The bytes of files that change in their time alone; 0 if there is no base.
    func retouchedBytes() throws -> UInt64 {
        try base.map { try ManifestTree.retouchedBytes($0, root, known: changes, source: store.node) } ?? 0
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

    /// The log of the next epoch, with the chunks of the tree alone, if less than half of those of `log` are in use. Rows
    /// of the epoch before stay until a release of the next one is the head, and are collected then.
    func shortened(_ log: ChunkLog, for tree: ManifestRoot, _ options: IngestOptions) throws -> ChunkLog? {
        // How many chunks the tree has can be told well enough to look at all of it only when that is worth it.
        let estimate = tree.files &+ tree.bytes / UInt64(options.profile.average)
        guard log.size >= options.leastLogSize, log.size / 2 > estimate, log.epoch < .max - 1 else { return nil }
        var next = ChunkLog(epoch: log.epoch + 1)
        _ = try extend(&next, from: nil)
        return next.size < log.size / 2 ? next : nil
    }

    /// Appends the chunks that are new to the set's log, in the order of paths. Rows beyond the committed size are a
    /// draft's: they are replaced by the next one.
    /// - Parameter logged: the manifest whose chunks it has all; nil: none.
    func extend(_ log: inout ChunkLog, from logged: NodeDigest?) throws -> (chunks: UInt64, bytes: UInt64) {
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
            try ManifestTree.diff(
                logged ?? ManifestTree.emptyRoot.digest, root, known: changes, source: store.node
            ) { edit in
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
