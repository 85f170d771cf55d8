package import Content
import Database
import Hashing
import Synchronization
import Trust

/// Making a manifest complete other than by a walk: from the edits since the head held here, or from a packed tree.
extension FetchSession {
    /// Takes the changesets that lead from the head held here to the release, the oldest first, and completes the
    /// manifest if together they make the root that was signed. Nothing but that root decides: whoever gives them need
    /// not be trusted.
    /// - Returns: false if they do not lead there; nothing has changed then.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func supply(changesets: [[UInt8]]) throws -> Bool {
        try state.withLock { state in
            try expect(state, .manifest, "a changeset")
            guard let base = try base() else { return false }
            do {
                let whole = try Changeset(chaining: changesets.map { try Changeset(decoding: $0) })
                guard whole.from == base, whole.to == root else { return false }
                var made: [(BLAKE3Digest, [UInt8])] = []
                let applied = try whole.apply(
                    source: { try self.store.node($0) }, sink: { made.append(($0.raw, $1)) })
                try state.nodes.append(made)
                state.changes = applied.changes
            } catch is ManifestError {
                return false
            } catch is ChangesetError {
                return false
            } catch is CodecError {
                return false
            } catch is PathError {
                return false
            } catch is EntryError {
                return false
            }
            guard try completeManifest(&state) else { return false }
            try store.database.withTransaction { session in
                for bytes in changesets { try session.insert(.changeset, Changeset.digest(of: bytes).raw, bytes) }
            }
            return true
        }
    }

    /// What takes the packed tree of the release, message by message. Several may be under way at once.
    package func packedTreeReader() -> PackedTreeReader { PackedTreeReader(root: root) }

    /// Takes nodes of a packed tree, verified by `reader`. They are staged: when the reader is complete, or also when
    /// the stream broke off, `neededNodes` names only what is still missing.
    /// - Throws: `wrongNode` if a node is not what comes next there; `invalidManifest` if it is, and is no right node.
    package func supply(packed nodes: [[UInt8]], _ reader: inout PackedTreeReader) throws {
        let taken: [(NodeDigest, [UInt8])]
        do {
            taken = try reader.take(nodes)
        } catch {
            switch error {
            case .notAskedFor(let node): throw StoreError.wrongNode(node, reason: "the packed tree is complete")
            case .wrongDigest(let node): throw StoreError.wrongNode(node, reason: "they have another digest")
            case .malformed(_, let error): throw StoreError.invalidManifest(root: root, reason: "\(error)")
            }
        }
        try state.withLock { state in
            try expect(state, .manifest, "a packed tree")
            let fresh = taken.filter { !state.nodes.holds($0.0.raw) }
            if !fresh.isEmpty { try state.nodes.append(fresh.map { ($0.0.raw, $0.1) }) }
        }
    }

    /// Nodes of the manifest that are known to be missing; there may be more below them.
    package var missingNodeCount: Int { state.withLock { $0.stage == .manifest ? $0.walk.neededCount : 0 } }
}
