import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Trust

/// The way of a release from "all its parts were stored" to "its tree is served and it is the head": the same for a
/// publish and a fetch.
///
/// The order is `CommitOrder.release`; what a crash at each step leaves stands in docs/formats/store-layout.md.
struct Activation {
    let store: Store
    let set: SetRecord
    let document: ReleaseDocument
    /// The document's digest, and its bytes with their signatures, which were verified.
    let digest: ReleaseDigest
    let signed: SignedRelease
    let staging: StagingFolder
    /// The manifest whose entries all have their inodes already; nil: none is known to.
    let base: NodeDigest?
    let keptReleases: Int

    /// More missing blobs than this are forgotten in another pass: bounds the memory of a store that lost everything.
    private static let faultLimit = 1 << 20

    private var root: NodeDigest { document.manifest.digest }
    private var name: String { self.set.name }

    /// What one step finds and a later one writes.
    private struct Passing {
        /// Up to where the chunk index is durable.
        var marks: (blob: Int64, attachment: Int64) = (0, 0)
        /// When the first link of the tree was made, at the earliest.
        var linkedSince: Int64 = 0
        /// Trees that are not kept any longer.
        var removed: [UInt64] = []
    }

    /// Goes all the way, in the order of `CommitOrder`. `headRows` are written in the transaction that records the head.
    func run(headRows: (Session) throws -> Void = { _ in }) throws -> ServedState {
        try refuseStale()
        let hasTree = try store.releases.stat("\(name)/\(document.sequence)") != nil
        var passing = Passing()
        for step in CommitOrder.release(hasTree: hasTree, isDamaged: set.isDamaged) {
            if let phase = step.phase { store.note(phase, name) }
            try perform(step, &passing, headRows)
        }
        guard let served = try store.served(set: name) else {
            throw StoreError.notFound("the tree of release \(document.sequence) of \(name)")
        }
        return served
    }

    private func perform(
        _ step: CommitStep, _ passing: inout Passing, _ headRows: (Session) throws -> Void
    ) throws {
        switch step {
        case .makeVariants: try makeVariants()
        case .proveClosure: try proveClosure()
        case .syncIndex: passing.marks = try store.settledIndexMarks()
        case .keepRelease: try keepRelease()
        case .holdRelease:
            try holdRelease(passing.marks)
            // The kernel stamps inodes with its coarse clock, which may be some milliseconds behind the other.
            passing.linkedSince = now(CLOCK_REALTIME_COARSE)
        case .linkTree: try linkTree()
        case .syncTree, .syncRepairs: try staging.durability.syncFileSystem()
        case .nameTree: try store.releases.subfolder(name).rename(partialName, to: "\(document.sequence)", .noReplace)
        case .syncTreeName: try store.releases.subfolder(name).sync()
        case .repairTrees: try repairTrees()
        case .renameLink: try renameLink()
        case .syncLink: try store.data.sync()
        case .recordHead:
            // Both for ranges: an old tree's removal changes the same inodes, and comes before the end is noted.
            passing.removed = try removableTrees()
            try recordHead(linkedSince: passing.linkedSince, headRows)
        case .removeTrees: try removeTrees(passing.removed)
        case .noteNames, .moveBlobs, .syncBlobs, .recordBlobs, .forgetNames, .tellIndex:
            preconditionFailure("\(step) is a step of a group")
        }
    }

    private func recordHead(linkedSince: Int64, _ headRows: (Session) throws -> Void) throws {
        try store.database.withTransaction { session in
            try store.recordHead(set.number, document.sequence, in: session)
            try session.run("DELETE FROM bad_path WHERE set_number = ?", [.integer(set.number)])
            try session.run(
                "UPDATE content_set SET damaged = 0, verified_at = ?, link_from = ?, link_until = ? WHERE number = ?",
                [.integer(now() / 1_000_000_000), .integer(linkedSince), .integer(now()), .integer(set.number)])
            try headRows(session)
        }
    }

    /// Nanoseconds since 1970.
    private func now(_ clock: clockid_t = CLOCK_REALTIME) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    private func source(_ digest: NodeDigest) throws -> [UInt8]? { try store.node(digest) }

    private func refuseStale() throws {
        guard let head = set.head, document.sequence <= head else { return }
        let held = try store.database.read { try $0.release(set.number, document.sequence) }
        guard document.sequence == head, held?.digest == digest else {
            throw StoreError.staleRelease(set: name, sequence: document.sequence, head: head)
        }
    }

    // MARK: Variants

    /// Makes the inodes that entries need and that do not exist: for equal bytes with another time or mode.
    private func makeVariants() throws {
        var made = VariantMaker(store: store, set: name, staging: staging)
        var batch: [ManifestEntry] = []
        func settle() throws {
            let missing = try store.database.read { session in
                try batch.filter { entry in try BlobVariant(entry).map { try !session.holds($0) } ?? false }
            }
            for entry in missing {
                guard let variant = BlobVariant(entry) else { continue }
                do {
                    try made.make(variant, size: entry.size)
                } catch StoreError.notFound {
                    throw try damaged(
                        .missingBlob(
                            set: name, sequence: document.sequence, variant.digest, path: entry.path,
                            reason: "has no file"), forgetting: variant.digest)
                }
            }
            batch.removeAll(keepingCapacity: true)
        }
        func take(_ entry: ManifestEntry) throws {
            guard entry.type == .file else { return }
            batch.append(entry)
            if batch.count == 1024 { try settle() }
        }
        if let base {
            try withClosedNodes {
                try ManifestTree.diff(base, root, source: $0) { edit in
                    if case .put(let entry) = edit { try take(entry) }
                }
            }
        } else {
            try withClosedNodes {
                try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                    try take(entry)
                    return true
                }
            }
        }
        try settle()
        try made.finish()
    }

    // MARK: Closure

    /// Looks for everything that the release names: every node (read, and compared with its digest), every chunk list,
    /// every blob's file with its size, time and mode. What is missing is named, and marked so that the next session
    /// looks at everything and fetches it.
    private func proveClosure() throws {
        var lists: [ManifestEntry] = []
        var firstFault: StoreError?
        var faulty: [BlobVariant] = []
        func settleLists() throws {
            let missing = try store.database.read { session in
                try lists.first { entry in try entry.chunkList.map { try !session.holds(.chunkList, $0.raw) } ?? false }
            }
            lists.removeAll(keepingCapacity: true)
            guard firstFault == nil, let missing, let list = missing.chunkList else { return }
            firstFault = .missingChunkList(set: name, sequence: document.sequence, list, path: missing.path)
        }
        try withClosedNodes {
            try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                if let variant = BlobVariant(entry), let fault = try store.blobs.fault(variant, size: entry.size) {
                    // All of them are found in one pass, so that one more session repairs all.
                    if faulty.count < Self.faultLimit { faulty.append(variant) }
                    firstFault =
                        firstFault
                        ?? .missingBlob(
                            set: name, sequence: document.sequence, variant.digest, path: entry.path, reason: fault)
                }
                if entry.chunkList != nil { lists.append(entry) }
                if lists.count == 1024 { try settleLists() }
                return true
            }
        }
        try settleLists()
        guard let firstFault else { return }
        try store.forget(faulty, damaging: [set.number])
        throw firstFault
    }

    /// Runs `body` with the stored nodes; one that is missing or damaged becomes `missingNode`.
    private func withClosedNodes(_ body: (NodeSource) throws -> Void) throws {
        var last: NodeDigest?
        do {
            try body { digest in
                last = digest
                return try source(digest)
            }
        } catch let error as ManifestError {
            guard let last else { throw error }
            // Whatever stands under that digest is not it: without the row the next session asks for the node.
            try store.database.withTransaction { session in
                try session.run(ContentTable.node.delete, [.digest(last.raw)])
                try session.setDamaged(set.number, true)
            }
            throw StoreError.missingNode(set: name, sequence: document.sequence, last)
        }
    }

    /// Marks the set damaged, forgets the inodes of a blob that are not as they should be, and gives the error to throw.
    private func damaged(_ error: StoreError, forgetting digest: BlobDigest) throws -> StoreError {
        let faulty = try store.database.read { session -> [BlobVariant] in
            guard let record = try session.blob(digest) else { return [] }
            return try session.variants(of: digest, number: record.number).map(\.variant)
                .filter { try store.blobs.fault($0, size: record.size) != nil }
        }
        try store.forget(faulty, damaging: [set.number])
        return error
    }

    /// Writes the release's file. Entries of one release all have the same further digests, so the first file tells.
    private func keepRelease() throws {
        var further: [HashAlgorithm] = []
        try withClosedNodes {
            try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                further = entry.furtherDigests.map(\.algorithm)
                return entry.type != .file
            }
        }
        try store.releaseFiles.write(signed, set: name, sequence: document.sequence, furtherDigests: further)
    }

    private func holdRelease(_ marks: (blob: Int64, attachment: Int64)) throws {
        try store.database.withTransaction { session in
            try session.run(
                "INSERT OR REPLACE INTO release (set_number, sequence, digest, root, signed) VALUES (?, ?, ?, ?, ?)",
                [
                    .integer(set.number), .unsigned(document.sequence), .digest(digest.raw),
                    .digest(root.raw), .blob(signed.encode()),
                ])
            try session.setMark("indexed-blob", marks.blob)
            try session.setMark("indexed-attachment", marks.attachment)
        }
    }

    // MARK: Trees

    /// The name of the tree while no reader knows it.
    private var partialName: String { "\(document.sequence)\(StoreLayout.partialSuffix)" }

    /// Links the tree under its partial name.
    private func linkTree() throws {
        let folder = try store.releases.ensureFolder(name, mode: 0o755)
        try folder.removeTree(partialName)
        let top = try folder.makeFolder(partialName, mode: 0o755)
        var copies = VariantMaker(store: store, set: name, staging: staging)
        try withCopies(&copies, root: top) { tree in
            try withClosedNodes {
                try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                    try tree.add(entry)
                    return true
                }
            }
            try tree.finish()
        }
        try top.setModified(FileTime(seconds: document.topModified))
    }

    /// Runs `body` with a writer of the tree at `root`, whose further inodes are recorded at the end.
    private func withCopies(
        _ copies: inout VariantMaker, root: Folder, _ body: (inout ServedTree) throws -> Void
    ) throws {
        var made: [BlobVariant] = []
        let maker = copies
        var tree = ServedTree(root: root, blobs: store.blobs, scratch: staging.folder) { variant in
            try maker.makeNow(variant)
            made.append(variant)
        }
        try body(&tree)
        try copies.record(made)
    }

    /// Compares the trees of the set with their manifests, and puts right what differs.
    private func repairTrees() throws {
        let folder = try store.releases.subfolder(name)
        for sequence in try trees() {
            guard let record = try store.database.read({ try $0.release(set.number, sequence) }) else { continue }
            var copies = VariantMaker(store: store, set: name, staging: staging)
            let top = try folder.subfolder("\(sequence)")
            try withCopies(&copies, root: top) { tree in
                try ManifestTree.forEachEntry(root: record.root, source: source) { entry in
                    guard try tree.fault(entry) != nil || !tree.isLinked(entry) else { return true }
                    // An older release may name a blob that is gone; only this one was proved complete.
                    if sequence != document.sequence, let variant = BlobVariant(entry),
                        try store.blobs.fault(variant, size: entry.size) != nil
                    {
                        return true
                    }
                    try tree.repair(entry)
                    return true
                }
                try tree.finish()
            }
            // The top has no entry of its own: its time stands in the release, and a repair in it has changed it.
            guard let signed = try store.signedRelease(set: name, sequence: sequence) else { continue }
            try top.setModified(FileTime(seconds: try ReleaseDocument(decoding: signed.document).topModified))
        }
    }

    private func renameLink() throws {
        let target = "\(StoreLayout.releasesFolder)/\(name)/\(document.sequence)"
        let current = Array(name.utf8)
        if try store.data.stat(current)?.type != .symlink || store.data.readLink(current) != Array(target.utf8) {
            try staging.folder.unlinkIfPresent(StoreLayout.newLink)
            try staging.folder.makeSymlink(target, at: StoreLayout.newLink)
            try staging.folder.rename(StoreLayout.newLink, in: store.data, to: name)
        }
    }

    /// The sequences of all trees of the set, ascending.
    private func trees() throws -> [UInt64] {
        guard let folder = try store.releases.subfolderIfPresent(name) else { return [] }
        return try folder.list().compactMap { UInt64(String(decoding: $0.name, as: UTF8.self)) }.sorted()
    }

    /// The trees beyond the newest `keptReleases`, never the served one.
    private func removableTrees() throws -> [UInt64] {
        try trees().dropLast(max(1, keptReleases)).filter { $0 != document.sequence }
    }

    private func removeTrees(_ sequences: [UInt64]) throws {
        guard !sequences.isEmpty else { return }
        let folder = try store.releases.subfolder(name)
        for sequence in sequences {
            let removing = "\(sequence)\(StoreLayout.removingSuffix)"
            try folder.rename("\(sequence)", to: removing)
            try folder.removeTree(removing)
            try store.releaseFiles.remove(set: name, sequence: sequence)
        }
        try store.database.run(
            "UPDATE content_set SET link_until = ? WHERE number = ?", [.integer(now()), .integer(set.number)])
    }
}

extension Store {
    /// Makes a release that is served the head.
    func recordHead(_ set: Int64, _ sequence: UInt64) throws {
        try database.withTransaction { try recordHead(set, sequence, in: $0) }
    }

    func recordHead(_ set: Int64, _ sequence: UInt64, in session: Session) throws {
        try session.run(
            "UPDATE content_set SET head = ? WHERE number = ?", [.unsigned(sequence), .integer(set)])
        try session.forgetUnfinishedFetch(of: set)
    }
}
