import Content
import Database
import Trust

/// A draft of the release after the head that has the content of an older release.
struct RollbackDraft {
    let store: Store
    let set: SetRecord
    /// The release to go back to.
    let sequence: UInt64

    func make() throws -> MadeDraft {
        let (head, old) = try store.database.read { session in
            (try set.head.flatMap { try session.release(set.number, $0) }, try session.release(set.number, sequence))
        }
        guard let head, let encoded = set.log else { throw StoreError.notFound("a release of \(set.name)") }
        guard let old, let oldDocument = try store.releaseDocument(set: set.name, sequence: sequence) else {
            throw StoreError.notFound("release \(sequence) of \(set.name)")
        }
        let document = try ReleaseDocument(decoding: oldDocument)
        guard let profile = ChunkProfile(identifier: document.chunkProfile) else {
            throw refused("this agent does not know its chunk profile")
        }
        try proveHeld(old.root, from: head.root)
        var log = try ChunkLog(decoding: encoded)
        let parts = try DraftParts(store: store, set: set, head: head.root, root: old.root)
        let isUnchanged = old.root == head.root
        var (chunks, bytes): (UInt64, UInt64) = (0, 0)
        var changeset: ChangesetReference?
        if !isUnchanged {
            (chunks, bytes) = try parts.extend(&log, from: head.root)
            changeset = try parts.makeChangeset()
        }
        let draft = IngestDraft(
            isUnchanged: isUnchanged, root: document.manifest,
            previous: try parts.previous(head.sequence, head.digest), changeset: changeset,
            chunkProfile: profile, chunkLog: log.head, newChunks: chunks, newBytes: bytes,
            files: document.manifest.files, bytes: document.manifest.bytes,
            retouchedBytes: isUnchanged ? 0 : try parts.retouchedBytes(),
            removed: isUnchanged ? RemovedContent.none : try parts.removed(),
            readFiles: 0, copiedBytes: 0,
            dropped: DroppedAttributes(), topModified: document.topModified, warnings: [])
        return MadeDraft(draft: draft, log: log, changes: parts.changes)
    }

    /// Looks for all that the old release has and the head does not: what was collected since cannot come back.
    private func proveHeld(_ root: NodeDigest, from head: NodeDigest) throws {
        do {
            try ManifestTree.diff(head, root, source: store.node) { edit in
                guard case .put(let entry) = edit, let blob = entry.blob else { return }
                let isHeld = try store.database.read { session in
                    guard try session.blob(blob) != nil else { return false }
                    return try entry.chunkList.map { try session.holds(.chunkList, $0.raw) } ?? true
                }
                if !isHeld { throw refused("the blob \(blob) of \(entry.path) is no longer held") }
            }
        } catch let error as ManifestError {
            throw refused("its manifest is no longer held whole: \(error)")
        }
    }

    private func refused(_ reason: String) -> StoreError {
        .cannotRollBack(set: set.name, sequence: sequence, reason: reason)
    }
}
