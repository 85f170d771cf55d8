package import Content
import Database
import Hashing
import Synchronization
import Trust

extension FetchSession {
    /// Nodes that are asked of the store or of the staged ones in one go.
    private static let nodeBatch = 4096

    /// The changeset that leads from the head held here to the release; nil if there is none, it cannot help, or the
    /// manifest is complete.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func usableChangeset() throws -> ChangesetDigest? {
        guard let changeset = release.document.changeset, let base = try changesetBase(),
            release.document.previous == base.releaseDigest
        else { return nil }
        return changeset.digest
    }

    /// The head held here, from which a chain of changesets may lead to the release; nil if none is trusted, or the
    /// manifest is complete.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func changesetBase() throws -> StoreHead? {
        guard let head = set.head, !set.isDamaged, head < release.document.sequence,
            let held = try store.database.read({ try $0.release(set.number, head) }),
            state.withLock({ $0.stage == .manifest && !$0.walk.isComplete })
        else { return nil }
        return StoreHead(sequence: head, root: held.root, releaseDigest: held.digest)
    }

    /// Takes the changeset's bytes, recomputes the root, and completes the manifest if it is the release's.
    /// - Returns: false if the changeset does not lead there: walk the tree instead.
    /// - Throws: `wrongChangeset` if the bytes are not those of the release's changeset.
    package func supply(changeset bytes: [UInt8]) throws -> Bool {
        guard let wanted = release.document.changeset else { return false }
        guard Changeset.digest(of: bytes) == wanted.digest else { throw StoreError.wrongChangeset(wanted.digest) }
        return try supply(changesets: [bytes])
    }

    /// Manifest nodes that are still missing, at most `limit`; empty when the manifest is complete and keeps every rule.
    /// The same again until they are supplied.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func neededNodes(limit: Int) throws -> [NodeDigest] {
        try state.withLock { state in
            if state.stage != .ended, state.stage != .manifest { return [] }
            try expect(state, .manifest, "a manifest")
            while true {
                if state.walk.isComplete {
                    if try completeManifest(&state) { return [] }
                    continue
                }
                let needed = state.walk.needed(limit: Self.nodeBatch)
                let local = try heldNodes(needed, state)
                if local.isEmpty { return Array(needed.prefix(limit)) }
                do {
                    try supply(local, &state)
                } catch is ManifestWalkError {
                    // What a crash tore in staging, or a damaged row, is no node: get it from a source.
                    try state.nodes.removeAll()
                    try store.database.withTransaction { session in
                        for (node, _) in local { try session.run(ContentTable.node.delete, [.digest(node.raw)]) }
                    }
                }
            }
        }
    }

    /// Takes nodes that were needed. Throws `wrongNode` with the node's name, and takes none of them, if one is not what
    /// was asked for.
    ///
    /// Nodes that came from somebody else meanwhile are passed over.
    package func supply(nodes: [(NodeDigest, [UInt8])]) throws {
        try state.withLock { state in
            try expect(state, .manifest, "manifest nodes")
            let nodes = nodes.filter { !state.nodes.holds($0.0.raw) }
            do {
                try supply(nodes, &state)
            } catch let error as ManifestWalkError {
                switch error {
                case .notAskedFor(let node): throw StoreError.wrongNode(node, reason: "it was not asked for")
                case .wrongDigest(let node): throw StoreError.wrongNode(node, reason: "they have another digest")
                case .malformed(_, let error):
                    throw StoreError.invalidManifest(root: root, reason: "\(error)")
                }
            }
            try state.nodes.append(nodes.map { ($0.0.raw, $0.1) })
        }
    }

    private func supply(_ nodes: [(NodeDigest, [UInt8])], _ state: inout State) throws {
        let looksAtAll = state.looksAtAll
        try store.database.read { session in
            try state.walk.supply(nodes) { node in try !looksAtAll && session.holds(.node, node.raw) }
        }
    }

    /// The nodes among `needed` that are here: staged by an interrupted walk, or held when everything is looked at.
    private func heldNodes(_ needed: [NodeDigest], _ state: State) throws -> [(NodeDigest, [UInt8])] {
        try store.database.read { session in
            try needed.compactMap { node in
                if let bytes = try state.nodes.value(node.raw) { return (node, bytes) }
                guard state.looksAtAll, let bytes = try session.value(.node, node.raw) else { return nil }
                return (node, bytes)
            }
        }
    }

    /// Checks the whole manifest and stores its nodes in one transaction; false if held nodes turned out to be missing,
    /// and the walk begins again and looks at all.
    func completeManifest(_ state: inout State) throws -> Bool {
        let nodes = state.nodes
        let source: NodeSource = { [store] digest in try nodes.value(digest.raw) ?? store.node(digest) }
        do {
            let rules = TreeRules(allowsEscapingLinks: allowsEscapingLinks)
            let found =
                if let base = try checkedBase() {
                    try ManifestTree.check(
                        root: root, since: base, source: source, rules: rules, known: &state.changes)
                } else {
                    try ManifestTree.check(root: root, source: source, rules: rules)
                }
            guard found == release.document.manifest else {
                throw StoreError.invalidManifest(root: root, reason: "its figures are not those that were signed")
            }
        } catch let error as ManifestError {
            switch error {
            case .missingNode, .wrongDigest:
                guard !state.looksAtAll else { throw StoreError.invalidManifest(root: root, reason: "\(error)") }
                state.looksAtAll = true
                state.walk = ManifestWalk(root: root) { _ in false }
                return false
            default: throw StoreError.invalidManifest(root: root, reason: "\(error)")
            }
        } catch let error as TreeRuleError {
            throw StoreError.invalidManifest(root: root, reason: "\(error)")
        }
        try checkRemovals(source, state.changes)
        let unfinished = Session.UnfinishedFetch(
            sequence: release.document.sequence, root: root, changeset: release.document.changeset?.digest)
        if try nodes.count > 0 || store.database.read({ try $0.unfinishedFetch(of: set.number)?.root }) != root {
            try store.database.withTransaction { session in
                try session.noteUnfinishedFetch(unfinished, of: set.number)
                for digest in nodes.digests {
                    guard let bytes = try nodes.value(digest) else { continue }
                    try session.run(
                        "INSERT OR REPLACE INTO node (digest, bytes) VALUES (?, ?)", [.digest(digest), .blob(bytes)])
                }
            }
        }
        store.gate.sessionSettled(name, on: root)
        try planWindow(&state)
        state.stage = .chunkLists
        return true
    }

    /// Refuses a release that takes away more of the head than this host allows.
    private func checkRemovals(_ source: NodeSource, _ changes: KnownChanges) throws {
        guard let removals, let head = set.head, head < release.document.sequence,
            let bytes = try store.releaseDocument(set: name)
        else { return }
        let held = try ReleaseDocument(decoding: bytes).manifest
        let removed: RemovedContent?
        do {
            removed = try ManifestTree.removed(held.digest, root, known: changes, source: source)
        } catch is ManifestError {
            // The head's own manifest is damaged, which the release is to mend: the signed totals have to do.
            removed = nil
        }
        guard let excess = removals.excess(from: held, at: head, to: release.document, removed: removed) else { return }
        throw StoreError.removesTooMuch(set: name, sequence: release.document.sequence, head: head, excess)
    }

    /// The root of the head, whose manifest was checked by rules as strict as these; nil if there is none such.
    private func checkedBase() throws -> NodeDigest? {
        guard let base = try base(), let bytes = try store.releaseDocument(set: name) else { return nil }
        let document = try ReleaseDocument(decoding: bytes)
        guard document.manifest.digest == base, allowsEscapingLinks || !document.allowsEscapingLinks else { return nil }
        return base
    }

    func expect(_ state: State, _ stage: Stage, _ step: String) throws {
        guard state.stage != .ended else { throw StoreError.sessionEnded(set: name) }
        guard state.stage == stage else { throw StoreError.tooEarly(set: name, step: step) }
    }

    // MARK: Chunk lists

    /// Ends the window that was planned, whose chunks must all be there, and plans the next one; false if there is none.
    ///
    /// What the window brought is durable when it returns true. Throws `missingChunks`, and what `finish` throws.
    package func nextWindow() throws -> Bool {
        let hasMore = try state.withLock { state in
            try expect(state, .chunks, "the next window")
            guard state.needs.missingCount == 0 else {
                throw StoreError.missingChunks(set: name, count: state.needs.missingCount)
            }
            if state.nextPath != nil { state.stage = .preparing }
            return state.nextPath != nil
        }
        guard hasMore else { return false }
        // What is held is not planned again.
        try commitGroup(isLast: false)
        try state.withLock { state in
            try expect(state, .preparing, "the next window")
            try state.lists.removeAll()
            try planWindow(&state)
            state.stage = .chunkLists
        }
        return true
    }

    /// Finds the blobs that the store does not hold and the chunk lists that are missing, from the entries that differ
    /// from the base, or from all: as many as a window has.
    private func planWindow(_ state: inout State) throws {
        let from = state.nextPath
        var window = WindowPlan(limit: windowBlobs, countsLater: from == nil)
        let source: NodeSource = { [store] in try store.node($0) }
        if let base = try base() {
            try ManifestTree.diff(base, root, known: state.changes, source: source) { edit in
                guard case .put(let entry) = edit, from.map({ entry.path >= $0 }) ?? true else { return }
                _ = try window.take(entry, settle: settle)
            }
        } else {
            try ManifestTree.forEachEntry(root: root, source: source, from: from) { entry in
                try window.take(entry, settle: settle)
            }
        }
        try settle(&window)
        state.needs = window.needs
        state.neededLists = window.neededLists
        state.nextPath = window.nextPath
        state.earlierBytes += state.windowBytes
        state.windowBytes = window.needs.totalBytes
        let later = window.countsLater ? window.laterBytes : state.laterBytes - min(state.laterBytes, state.windowBytes)
        state.laterBytes = window.nextPath == nil ? 0 : later
    }

    /// Looks at the entries of a batch.
    private func settle(_ window: inout WindowPlan) throws {
        try store.database.read { session in
            for entry in window.batch {
                guard let variant = BlobVariant(entry) else { continue }
                guard window.nextPath == nil else {
                    if try session.blob(variant.digest) == nil { window.laterBytes += entry.size }
                    continue
                }
                if let list = entry.chunkList, window.seenLists.insert(list).inserted,
                    try !session.holds(.chunkList, list.raw)
                {
                    window.neededLists.append((list, entry.size))
                }
                guard window.seenBlobs.insert(variant.digest).inserted else { continue }
                if let record = try session.blob(variant.digest) {
                    if let list = entry.chunkList, record.list != list,
                        try !session.isAttached(list, to: record.number)
                    {
                        window.needs.attachments.append((variant.digest, list, entry.size))
                    }
                    continue
                }
                if entry.chunkList == nil, entry.size > UInt64(ChunkReference.maximumLength) {
                    throw StoreError.invalidManifest(
                        root: root, reason: "\(entry.path) has \(entry.size) bytes and no chunk list")
                }
                window.needs.blobs.append(FetchNeeds.Blob(variant: variant, size: entry.size, list: entry.chunkList))
                window.needs.totalBytes += entry.size
            }
        }
        window.batch.removeAll(keepingCapacity: true)
    }

    /// Chunk lists that are still missing, at most `limit`; empty when there are none. The same again until they are
    /// supplied.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func neededChunkLists(limit: Int) throws -> [ChunkListDigest] {
        try state.withLock { state in
            if state.stage == .chunks { return [] }
            try expect(state, .chunkLists, "chunk lists")
            // What an interrupted fetch had staged counts if it is right.
            state.neededLists = try state.neededLists.filter { list in
                guard let bytes = try state.lists.value(list.digest.raw) else { return true }
                return (try? ChunkList(verifying: bytes, digest: list.digest, blobSize: list.size)) == nil
            }
            return state.neededLists.prefix(limit).map(\.digest)
        }
    }

    /// The most bytes that each of these lists can have. A list that nothing needs can have none.
    package func byteLimits(of lists: [ChunkListDigest]) -> [Int] {
        let sizes = state.withLock { state in
            Dictionary(state.neededLists.map { ($0.digest, $0.size) }, uniquingKeysWith: { max($0, $1) })
        }
        return lists.map { list in sizes[list].map { ChunkList.byteLimit(ofBlob: $0) } ?? 0 }
    }

    /// Takes chunk lists that were needed. Throws `wrongChunkList` with the list's name, and takes none of them, if one
    /// is not what was asked for. Lists that came from somebody else meanwhile are passed over.
    package func supply(chunkLists: [(ChunkListDigest, [UInt8])]) throws {
        try state.withLock { state in
            try expect(state, .chunkLists, "chunk lists")
            let sizes = Dictionary(state.neededLists.map { ($0.digest, $0.size) }, uniquingKeysWith: { a, _ in a })
            let chunkLists = chunkLists.filter { !state.lists.holds($0.0.raw) }
            for (digest, bytes) in chunkLists {
                guard let size = sizes[digest] else {
                    throw StoreError.wrongChunkList(digest, reason: "it was not asked for")
                }
                do {
                    _ = try ChunkList(verifying: bytes, digest: digest, blobSize: size)
                } catch {
                    throw StoreError.wrongChunkList(digest, reason: "\(error)")
                }
            }
            try state.lists.append(chunkLists.map { ($0.0.raw, $0.1) })
            let supplied = Set(chunkLists.map(\.0))
            state.neededLists.removeAll { supplied.contains($0.digest) }
        }
    }
}

extension Session {
    /// Whether the chunks of `list` are known to be in that blob.
    func isAttached(_ list: ChunkListDigest, to blob: Int64) throws -> Bool {
        try first(
            "SELECT 1 FROM attachment WHERE blob = ? AND list = ?", [.integer(blob), .digest(list.raw)]
        ) { try $0.integer(0) } != nil
    }
}
