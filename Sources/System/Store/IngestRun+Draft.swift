import Content
import Database
import Hashing
import LinuxIO
import Trust

extension IngestRun {
    /// What the release document will say of the tree below `root`.
    func draft(_ root: ManifestRoot) throws -> MadeDraft {
        let head = try set.head.flatMap { head in try store.database.read { try $0.release(set.number, head) } }
        var log = try set.log.map { try ChunkLog(decoding: $0) } ?? ChunkLog(epoch: try lastEpoch() + 1)
        // A log that was lost with the database begins again, with all chunks.
        let logged = set.log == nil ? nil : head?.root
        // The nodes of a dry run are not stored.
        let parts = try DraftParts(store: store, set: set, head: options.dryRun ? nil : head?.root, root: root.digest)
        let isUnchanged = head?.root == root.digest
        var changeset: ChangesetReference?
        var retouched: UInt64 = 0
        var removed: RemovedContent?
        var (newChunks, newBytes) = (counter.chunks, counter.bytes)
        if !options.dryRun, !isUnchanged {
            (newChunks, newBytes) = try parts.extend(&log, from: logged)
            log = try parts.shortened(log, for: root, options) ?? log
            changeset = try parts.makeChangeset()
            retouched = try parts.retouchedBytes()
            removed = try parts.removed()
        }
        let draft = IngestDraft(
            isUnchanged: isUnchanged, root: root,
            previous: try head.map { try parts.previous($0.sequence, $0.digest) },
            changeset: changeset, chunkProfile: options.profile, chunkLog: log.head, newChunks: newChunks,
            newBytes: newBytes, files: root.files, bytes: root.bytes, retouchedBytes: retouched, removed: removed,
            readFiles: readFiles, copiedBytes: copiedBytes,
            dropped: dropped, topModified: try top.attributes().modified.seconds, warnings: warnings())
        return MadeDraft(draft: draft, log: log, changes: parts.changes)
    }

    /// The epoch of the head's chunk log; 0 if there is no head.
    private func lastEpoch() throws -> UInt32 {
        guard let document = try store.releaseDocument(set: set.name) else { return 0 }
        return min(try ReleaseDocument(decoding: document).chunkLog.epoch, .max - 1)
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
                        + "is served, or extended attributes")
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
    /// That of the set's chunk log.
    let epoch: Int64
    private var seen: Set<ChunkDigest> = []
    private(set) var chunks: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    init(store: Store, set: SetRecord) throws {
        self.store = store
        self.set = set.number
        epoch = try set.log.map { Int64(try ChunkLog(decoding: $0).epoch) } ?? 0
    }

    /// Counts those that neither an earlier release of the set nor this run has.
    mutating func count(_ references: [ChunkReference]) throws {
        let unseen = references.filter { seen.insert($0.digest).inserted }
        guard !unseen.isEmpty else { return }
        try store.database.read { session in
            for chunk in unseen {
                let isKnown =
                    try session.first(
                        "SELECT 1 FROM log_entry WHERE set_number = ? AND epoch = ? AND chunk = ?",
                        [.integer(set), .integer(epoch), .digest(chunk.digest.raw)]
                    ) { try $0.integer(0) } != nil
                if isKnown { continue }
                chunks += 1
                bytes += UInt64(chunk.length)
            }
        }
    }
}
