import Content
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Trust

/// Making a manifest complete in the session: by changesets, by a walk, by the packed tree, whichever moves least, and by
/// the next one when sources withhold what it needs. docs/decisions/0007-fall-backs.md has the figures.
extension SetSync {
    /// Releases that a chain of changesets may lead over.
    private static let chainLimit: UInt64 = 256
    /// Documents or changesets that are asked for at the same time.
    private static let chainWidth = 16
    /// What an entry of a tree takes on the wire, about: changesets beyond this for the whole tree are no saving.
    private static let bytesPerEntry: UInt64 = 48
    /// Changesets up to this are no question.
    private static let smallChainByteCount: UInt64 = 64 << 10
    /// Entries of a node, about.
    private static let entriesPerNode: UInt64 = 48
    /// A walk that lacks at least this many nodes, and this share of the tree, costs more round trips than it saves bytes.
    private static let packedNodeCount = STOQRequest.digestLimit
    private static let packedShare = 0.3

    /// Makes the manifest complete.
    func fetchManifest(_ release: VerifiedRelease, _ session: FetchSession) async throws {
        let (base, isComplete, isFirst) = try await pool.run { [store, line] in
            // Also of a repair, and of a first sync that was interrupted later, all nodes may be here.
            let isComplete = try session.neededNodes(limit: 1).isEmpty
            return (try session.changesetBase(), isComplete, try store.head(set: line.set) == nil)
        }
        if isComplete { return }
        if let base, try await byChangesets(release, from: base, session) { return }
        // Of a first release everything is missing: one request is less than a walk, and the bytes are the same.
        if isFirst, try await byPackedTree(release, session) { return }
        do {
            try await byWalk(release, session)
        } catch let error as SyncError where !error.isFinal {
            logger.info(
                "the walk found no way, asking for the packed tree",
                metadata: ["set": "\(line.set)", "error": "\(error)"])
            guard try await byPackedTree(release, session) else { throw error }
        }
    }

    // MARK: Changesets

    /// Follows the changesets from `base`, the head held, to `release`; false if that is not possible or no saving.
    private func byChangesets(
        _ release: VerifiedRelease, from base: StoreHead, _ session: FetchSession
    ) async throws -> Bool {
        do {
            guard let chain = try await chain(to: release, from: base) else { return false }
            var changesets: [[UInt8]] = []
            for start in stride(from: 0, to: chain.count, by: Self.chainWidth) {
                changesets += try await atOnce(Array(chain[start..<min(start + Self.chainWidth, chain.count)])) {
                    try await changeset($0)
                }
            }
            let supplied = changesets
            if try await pool.run({ try session.supply(changesets: supplied) }) { return true }
            logger.warning(
                "the changesets do not lead to the signed root, walking the tree instead",
                metadata: ["set": "\(line.set)", "changesets": "\(chain.count)"])
        } catch let error as SyncError where !error.isFinal {
            logger.info(
                "no changesets, walking the tree instead", metadata: ["set": "\(line.set)", "error": "\(error)"])
        }
        return false
    }

    /// The changesets that lead from `base` to `release`, the oldest first; nil if there are not all of them, or
    /// together they are longer than the tree. The documents between are asked for by their sequences, and each is the
    /// one whose digest the next one names: so the last signature reaches all.
    private func chain(to release: VerifiedRelease, from base: StoreHead) async throws -> [ChangesetReference]? {
        let document = release.document
        let (first, isOver) = base.sequence.addingReportingOverflow(1)
        guard !isOver, document.sequence >= first, document.sequence - first < Self.chainLimit else { return nil }
        let budget = max(document.manifest.entries * Self.bytesPerEntry, Self.smallChainByteCount)
        var chain: [ChangesetReference] = []
        var total: UInt64 = 0
        /// Adds what leads to `document`; its predecessor, nil if the chain is of no use.
        func add(_ document: ReleaseDocument) -> ReleaseDigest? {
            guard let changeset = document.changeset, let previous = document.previous else { return nil }
            let sum = total.addingReportingOverflow(changeset.byteCount)
            guard !sum.overflow, sum.partialValue <= min(budget, UInt64(Changeset.maximumByteCount)) else { return nil }
            total = sum.partialValue
            chain.append(changeset)
            return previous
        }
        guard var wanted = add(document) else { return nil }
        var end = document.sequence
        while wanted != base.releaseDigest, end > first {
            let start = max(first, end - min(end, UInt64(Self.chainWidth)))
            let documents = try await atOnce(Array(start..<end)) { try await self.document($0) }
            for document in documents.reversed() {
                guard document.digest == wanted, let previous = add(document) else { return nil }
                wanted = previous
            }
            end = start
        }
        return wanted == base.releaseDigest ? chain.reversed() : nil
    }

    /// The document of a release between; what is in it is believed only when a digest names it.
    private func document(_ sequence: UInt64) async throws -> ReleaseDocument {
        try await fromAny { source in
            let bytes = try await answers.single(
                .release(set: line.set, sequence: sequence), limit: ReleaseDocument.maximumByteCount, at: source)
            do {
                return try ReleaseDocument(decoding: bytes)
            } catch {
                throw SyncError.malformed(what: "release", reason: "\(error)")
            }
        }
    }

    private func changeset(_ wanted: ChangesetReference) async throws -> [UInt8] {
        try await fromAny { source in
            let bytes = try await answers.single(
                .changeset(set: line.set, wanted.digest), limit: Int(wanted.byteCount), at: source)
            guard Changeset.digest(of: bytes) == wanted.digest else {
                throw SyncError.malformed(what: "changeset", reason: "its digest differs")
            }
            return bytes
        }
    }

    /// Runs `body` for all `items` at the same time; what it gives, in their order.
    private func atOnce<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask { (index, try await body(item)) }
            }
            var values: [(Int, Value)] = []
            for try await value in group { values.append(value) }
            return values.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    // MARK: Trees

    /// Walks the tree level by level, asking for nodes that are not held; goes over to the packed tree when most of the
    /// tree is missing.
    private func byWalk(_ release: VerifiedRelease, _ session: FetchSession) async throws {
        var triesPacked = true
        while true {
            let needed = try await pool.run { try session.neededNodes(limit: STOQRequest.digestLimit) }
            if needed.isEmpty { return }
            let share = Double(release.document.manifest.entries / Self.entriesPerNode) * Self.packedShare
            let missing = session.missingNodeCount
            if triesPacked, missing > Self.packedNodeCount, Double(missing) > share {
                triesPacked = false
                if try await byPackedTree(release, session) { return }
            }
            let limits = Array(repeating: ManifestLimits.nodeByteCount, count: needed.count)
            try await fromAny { source in
                var isAnyThere = false
                try await answers.items(.nodes(set: line.set, needed), limits: limits, at: source) { nodes in
                    let supplied = nodes.map { (needed[$0.index], $0.bytes) }
                    try await pool.run { try session.supply(nodes: supplied) }
                    isAnyThere = true
                }
                guard isAnyThere else { throw SyncError.absent(what: "a node of the manifest") }
            }
        }
    }

    /// Asks for all nodes at once; false if no source has, or knows, the packed tree. What came of one that broke off is
    /// not asked for again.
    private func byPackedTree(_ release: VerifiedRelease, _ session: FetchSession) async throws -> Bool {
        let request = STOQRequest.packedTree(set: line.set, release.document.manifest.digest)
        do {
            try await fromAny { source in
                var reader = session.packedTreeReader()
                try await answers.messages(request, at: source) { message in
                    let nodes = try PackedTree.decode(message.bytes)
                    reader = try await pool.run { [reader] in
                        var reader = reader
                        try session.supply(packed: nodes, &reader)
                        return reader
                    }
                }
                guard reader.isComplete else { throw SyncError.absent(what: request.name) }
            }
        } catch let error as SyncError where !error.isFinal {
            logger.info("no packed tree", metadata: ["set": "\(line.set)", "error": "\(error)"])
            return false
        }
        return try await pool.run { try session.neededNodes(limit: 1) }.isEmpty
    }

    // MARK: Chunk lists

    func fetchChunkLists(_ session: FetchSession) async throws {
        while true {
            let (needed, limits) = try await pool.run {
                let needed = try session.neededChunkLists(limit: STOQRequest.digestLimit)
                return (needed, session.byteLimits(of: needed))
            }
            if needed.isEmpty { return }
            try await fromAny { source in
                var isAnyThere = false
                try await answers.items(.chunkLists(set: line.set, needed), limits: limits, at: source) { lists in
                    let supplied = lists.map { (needed[$0.index], $0.bytes) }
                    try await pool.run { try session.supply(chunkLists: supplied) }
                    isAnyThere = true
                }
                guard isAnyThere else { throw SyncError.absent(what: "a chunk list") }
            }
        }
    }
}
