import Content
import Database
import Glibc
import LinuxIO
import Trust

/// The way of a release from "all its parts were stored" to "its tree is served and it is the head": the same for a
/// publish and a fetch.
///
/// The order stands in docs/formats/store-layout.md; each step is a method here, in that order.
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
    let policy: TreePolicy

    var root: NodeDigest { document.manifest.digest }
    var name: String { self.set.name }

    /// Goes all the way. `headRows` are written in the transaction that records the head. Trees that are no longer kept
    /// stay until `Store.tendTrees`: removing them is no part of a flip.
    func run(headRows: (Session) throws -> Void = { _ in }) throws -> ServedState {
        try refuseStale()
        store.note(.variants, name)
        try makeVariants()
        store.note(.closure, name)
        let removals = try proveClosure()
        store.note(.holdRelease, name)
        let marks = try store.settledIndexMarks()
        try holdRelease(marks)
        try store.withTrees(of: name) {
            // The kernel stamps inodes with its coarse clock, which may be some milliseconds behind the other.
            let started = now(CLOCK_REALTIME_COARSE)
            let linked = try store.linkedSequence(name)
            let treeExists = try store.releases.stat("\(name)/\(document.sequence)") != nil
            if !treeExists { try makeTree() }
            if treeExists || set.isDamaged { try repairTrees() }
            try flip()
            store.note(.head, name)
            try store.database.withTransaction { session in
                try store.recordHead(set.number, document.sequence, in: session)
                try session.run("DELETE FROM bad_path WHERE set_number = ?", [.integer(set.number)])
                try session.run(
                    """
                    UPDATE content_set SET damaged = 0, verified_at = ?, link_from = ?, link_until = ?,
                    proved_removals = ? WHERE number = ?
                    """,
                    [
                        .integer(now() / 1_000_000_000), .integer(started), .integer(now()), .integer(removals),
                        .integer(set.number),
                    ])
                if !treeExists {
                    try session.recordTree(set.number, name: "\(document.sequence)", sequence: document.sequence)
                }
                try session.retireTrees(
                    set.number, except: document.sequence, linked: linked, store.bootClock)
                try headRows(session)
            }
        }
        guard let served = try store.served(set: name) else {
            throw StoreError.notFound("the tree of release \(document.sequence) of \(name)")
        }
        return served
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
