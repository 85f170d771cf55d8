import Content
import Database
import Hashing
import LinuxIO

extension IngestRun {
    /// A changeset above this is not made: walking the tree costs a mirror about as much then.
    private static let changesetByteCount = 64 << 20
    /// Chunks that are appended to the log at once.
    private static let logBatch = 4096

    /// What the release document will say of the tree below `root`.
    func draft(_ root: ManifestRoot) throws -> (IngestDraft, ChunkLog) {
        let head = try set.head.flatMap { head in try store.database.read { try $0.release(set.number, head) } }
        var log = try set.log.map { try ChunkLog(decoding: $0) } ?? ChunkLog(epoch: 1)
        let isUnchanged = head?.root == root.digest
        var changeset: ChangesetReference?
        var (newChunks, newBytes) = (counter.chunks, counter.bytes)
        if !options.dryRun, !isUnchanged {
            (newChunks, newBytes) = try extend(&log, from: head?.root, to: root.digest)
            if let head { changeset = try makeChangeset(from: head.root, to: root.digest) }
        }
        let draft = IngestDraft(
            isUnchanged: isUnchanged, root: root,
            previous: head.map { IngestDraft.Previous(sequence: $0.sequence, digest: $0.digest) },
            changeset: changeset, chunkProfile: options.profile, chunkLog: log.head, newChunks: newChunks,
            newBytes: newBytes, files: root.files, bytes: root.bytes, readFiles: readFiles, copiedBytes: copiedBytes,
            dropped: dropped, topModified: try top.attributes().modified.seconds, warnings: warnings())
        return (draft, log)
    }

    private func makeChangeset(from: NodeDigest, to: NodeDigest) throws -> ChangesetReference? {
        let bytes = try Changeset.between(from, to) { try store.node($0) }.encode()
        guard bytes.count <= Self.changesetByteCount else { return nil }
        let digest = Changeset.digest(of: bytes)
        try store.database.withTransaction { try $0.insert(.changeset, digest.raw, bytes) }
        return ChangesetReference(digest: digest, byteCount: UInt64(bytes.count))
    }

    /// Appends the chunks that are new to the set's log, in the order of paths. Rows beyond the committed size are a
    /// draft's: they are replaced by the next one.
    private func extend(
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

    private func warnings() -> [String] {
        var warnings: [String] = []
        let verb = options.dryRun ? "would be" : "were"
        if copiedBytes > 0 {
            switch options.mode {
            case .reflink:
                // Otherwise it was told before the first byte was copied.
                guard options.dryRun else { break }
                warnings.append(
                    "this file system cannot share blocks: \(copiedBytes) bytes would be copied; "
                        + "`ingest: link` avoids it")
            case .link:
                warnings.append(
                    "\(copiedBytes) bytes \(verb) copied and not linked: those files have another owner or mode than "
                        + "is served, extended attributes, or lie on another file system")
            case .copy: break
            }
        }
        if dropped.specialBits > 0 { warnings.append("setuid, setgid or sticky bits dropped: \(dropped.specialBits)") }
        if dropped.permissions > 0 {
            warnings.append("permissions other than 0644 and 0755 dropped: \(dropped.permissions)")
        }
        if dropped.accessControlLists > 0 {
            warnings.append("access control lists dropped: \(dropped.accessControlLists)")
        }
        if dropped.extendedAttributes > 0 {
            warnings.append("files with extended attributes that were dropped: \(dropped.extendedAttributes)")
        }
        return warnings
    }
}

/// Counts what a dry run would add to the chunk log.
struct DryRunCounter {
    let store: Store
    let set: Int64
    private var seen: Set<ChunkDigest> = []
    private(set) var chunks: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    init(store: Store, set: Int64) {
        self.store = store
        self.set = set
    }

    /// Counts those that neither an earlier release of the set nor this run has.
    mutating func count(_ references: [ChunkReference]) throws {
        let unseen = references.filter { seen.insert($0.digest).inserted }
        guard !unseen.isEmpty else { return }
        try store.database.read { session in
            for chunk in unseen {
                let isKnown =
                    try session.first(
                        "SELECT 1 FROM log_entry WHERE set_number = ? AND chunk = ?",
                        [.integer(set), .digest(chunk.digest.raw)]
                    ) { try $0.integer(0) } != nil
                if isKnown { continue }
                chunks += 1
                bytes += UInt64(chunk.length)
            }
        }
    }
}
