import Content
import Database
import FleetModel
import Glibc
import Hashing
import LinuxIO
import Trust

/// The way of a release from "all its parts were stored" to "its tree is served and it is the head": the same for a
/// publish and a fetch.
///
/// The order is `CommitOrder`; what a crash at each step leaves stands in docs/formats/store-layout.md.
struct Activation {
    let store: Store
    let set: SetRecord
    let document: ReleaseDocument
    /// The document's digest, and its bytes with their signatures, which were verified.
    let digest: ReleaseDigest
    /// The document's bytes.
    let bytes: [UInt8]
    let staging: StagingFolder
    /// The manifest whose entries all have their inodes already; nil: none is known to.
    let base: NodeDigest?
    /// What differs from it, as far as that is known.
    let changes: KnownChanges
    let policy: TreePolicy

    var root: NodeDigest { document.manifest.digest }
    var name: String { self.set.name }

    /// What one step finds and a later one writes.
    private struct Passing {
        /// Up to where the chunk index is durable.
        var marks: (blob: Int64, attachment: Int64) = (0, 0)
        /// How many nodes and lists had gone when the closure was proved.
        var removals: Int64 = 0
        /// When the first link of the tree was made, at the earliest.
        var linkedSince: Int64 = 0
        /// What the set's link showed before.
        var linked: UInt64?
        /// A tree of this sequence had its final name already.
        var hasTree = false
        /// What was not copied, and is to have its time changed in place.
        var later: [CopyBudget.Later] = []
        /// The times that inodes have until then, by what they will be.
        var noted: [BlobVariant: Int64] = [:]

        /// What was noted, counted.
        var retimed: RetimedFiles? {
            guard !noted.isEmpty else { return nil }
            let sizes = Dictionary(later.map { ($0.variant.digest, $0.size) }, uniquingKeysWith: { size, _ in size })
            return RetimedFiles(
                files: UInt64(noted.count), bytes: noted.keys.reduce(0) { $0 &+ (sizes[$1.digest] ?? 0) })
        }
    }

    /// Goes all the way, in the order of `CommitOrder`. `headRows` are written in the transaction that records the head.
    /// Trees that are no longer kept stay until `Store.tendTrees`: removing them is no part of a flip.
    func run(headRows: (Session) throws -> Void = { _ in }) throws -> ServedState {
        try refuseStale()
        try store.settleTimes(of: set.number)
        store.timesLock.share()
        defer { store.timesLock.giveBack() }
        var passing = Passing()
        for step in CommitOrder.hold { try take(step, &passing, headRows) }
        try store.withTrees(of: name) {
            // The kernel stamps inodes with its coarse clock, which may be some milliseconds behind the other.
            passing.linkedSince = now(CLOCK_REALTIME_COARSE)
            passing.linked = try store.linkedSequence(name)
            passing.hasTree = try store.releases.stat("\(name)/\(document.sequence)") != nil
            for step in CommitOrder.activation(
                hasTree: passing.hasTree, isDamaged: set.isDamaged, changesTimes: !passing.noted.isEmpty)
            {
                try take(step, &passing, headRows)
            }
        }
        guard var served = try store.served(set: name) else {
            throw StoreError.notFound("the tree of release \(document.sequence) of \(name)")
        }
        served.retimed = passing.retimed
        return served
    }

    /// Goes as far as the release is held: all of it is durable and proved to be there, and nothing else is served than
    /// before. `run` goes the whole way again, as after a crash at this point.
    func hold() throws {
        try refuseStale()
        try store.settleTimes(of: set.number)
        store.timesLock.share()
        defer { store.timesLock.giveBack() }
        var passing = Passing()
        for step in CommitOrder.hold { try take(step, &passing) { _ in } }
    }

    private func take(_ step: CommitStep, _ passing: inout Passing, _ headRows: (Session) throws -> Void) throws {
        if let phase = step.phase { store.note(phase, name) }
        switch step {
        case .makeVariants: passing.later = try makeVariants()
        case .noteTimes: passing.noted = try noteTimesAlone(passing.later)
        case .proveClosure: passing.removals = try proveClosure(passing.noted)
        case .syncIndex: passing.marks = try store.settledIndexMarks()
        case .keepRelease: try keepRelease()
        case .holdRelease: try holdRelease(passing.marks)
        case .linkTree: try linkTree()
        case .syncTree, .syncRepairs, .syncTimes: try staging.durability.syncFileSystem()
        case .nameTree: try store.releases.subfolder(name).rename(partialName, to: "\(document.sequence)", .noReplace)
        case .syncTreeName: try store.releases.subfolder(name).sync()
        case .repairTrees: try repairTrees()
        case .changeTimes: try store.changeTimes(of: set.number)
        case .renameLink: try renameLink()
        case .syncLink: try store.data.sync()
        case .recordHead: try recordHead(passing, headRows)
        case .removeTrees, .noteNames, .moveBlobs, .syncBlobs, .recordBlobs, .forgetNames, .tellIndex:
            preconditionFailure("\(step) is no step of an activation")
        }
    }

    private func recordHead(_ passing: Passing, _ headRows: (Session) throws -> Void) throws {
        try store.database.withTransaction { session in
            try store.recordHead(set.number, document.sequence, in: session)
            try session.run("DELETE FROM bad_path WHERE set_number = ?", [.integer(set.number)])
            try session.run(
                """
                UPDATE content_set SET damaged = 0, verified_at = ?, link_from = ?, link_until = ?,
                proved_removals = ? WHERE number = ?
                """,
                [
                    .integer(now() / 1_000_000_000), .integer(passing.linkedSince), .integer(now()),
                    .integer(passing.removals), .integer(set.number),
                ])
            if !passing.hasTree {
                try session.recordTree(set.number, name: "\(document.sequence)", sequence: document.sequence)
            }
            try session.retireTrees(set.number, except: document.sequence, linked: passing.linked, store.bootClock)
            try headRows(session)
        }
    }

    /// Nanoseconds since 1970.
    func now(_ clock: clockid_t = CLOCK_REALTIME) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    func source(_ digest: NodeDigest) throws -> [UInt8]? { try store.node(digest) }

    private func refuseStale() throws {
        guard let head = set.head, document.sequence <= head else { return }
        let held = try store.database.read { try $0.release(set.number, document.sequence) }
        guard document.sequence == head, held?.digest == digest else {
            throw StoreError.staleRelease(set: name, sequence: document.sequence, head: head)
        }
    }

    // MARK: Variants

    /// Makes the inodes that entries need and that do not exist: for equal bytes with another time or mode.
    /// - Returns: those beyond the limit of copies, in the order of paths.
    private func makeVariants() throws -> [CopyBudget.Later] {
        var budget: CopyBudget?
        var hasBudget = false
        var made = VariantMaker(store: store, set: name, staging: staging)
        var batch: [ManifestEntry] = []
        func settle() throws {
            let missing = try store.database.read { session in
                try batch.filter { entry in try BlobVariant(entry).map { try !session.holds($0) } ?? false }
            }
            if !missing.isEmpty, !hasBudget {
                budget = try copyBudget()
                hasBudget = true
            }
            for entry in missing {
                guard let variant = BlobVariant(entry), budget?.leaves(entry, variant) != true else { continue }
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
                try ManifestTree.diff(base, root, known: changes, source: $0) { edit in
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
        return budget?.later ?? []
    }

    /// Notes times with nobody else on the way to a flip; alone until the end of this activation, if anything is noted.
    private func noteTimesAlone(_ later: [CopyBudget.Later]) throws -> [BlobVariant: Int64] {
        guard !later.isEmpty else { return [:] }
        store.timesLock.giveBack()
        store.timesLock.takeAlone()
        return try noteTimes(later)
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
        try store.releaseFiles.write(bytes, set: name, sequence: document.sequence, furtherDigests: further)
    }

    private func holdRelease(_ marks: (blob: Int64, attachment: Int64)) throws {
        try store.database.withTransaction { session in
            try session.run(
                "INSERT OR REPLACE INTO release (set_number, sequence, digest, root, document) VALUES (?, ?, ?, ?, ?)",
                [
                    .integer(set.number), .unsigned(document.sequence), .digest(digest.raw),
                    .digest(root.raw), .blob(bytes),
                ])
            try session.setMark("indexed-blob", marks.blob)
            try session.setMark("indexed-attachment", marks.attachment)
        }
    }
}

extension Store {
    /// Makes a release that is served the head.
    func recordHead(_ set: Int64, _ sequence: UInt64) throws {
        try database.withTransaction { try recordHead(set, sequence, in: $0) }
    }

    func recordHead(_ set: Int64, _ sequence: UInt64, in session: Session) throws {
        try session.run(
            "UPDATE content_set SET head = ?, ahead = 0 WHERE number = ?", [.unsigned(sequence), .integer(set)])
        try session.forgetTimeChanges(of: set)
        try session.forgetUnfinishedFetch(of: set)
        try session.endAdoption(of: set)
    }
}
