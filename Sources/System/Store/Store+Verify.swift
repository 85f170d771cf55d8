import Content
import Database
import Glibc
import LinuxIO
import Trust
import Synchronization

extension Store {
    /// Looks at what is stored and served: `full` hashes every blob again, `quick` looks at names, sizes, times, modes.
    ///
    /// A bad blob is moved to `quarantine/`, unlinked from every served tree (a reader is told that it is not there,
    /// which sends package managers on; wrong bytes do not), no longer offered by the chunk index, and its paths are
    /// noted: see `badPaths`. The next fetch of the set's head brings a new inode. May run beside publishes and fetches.
    ///
    /// - Parameters:
    ///   - set: only what the kept releases of this set show; nil: everything in the store.
    ///   - progress: called at most once for each blob.
    ///   - isCancelled: asked between parts of a blob.
    package func verify(
        _ mode: VerifyMode, set: String? = nil, progress: (VerifyProgress) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> VerifyOutcome {
        let scopes = try verifyScopes(set)
        var outcome = VerifyOutcome()
        var bad = try findBadVariants(mode, set == nil ? nil : scopes, &outcome, progress, isCancelled)
        var findings: [Int64: [BadPath]] = [:]
        if !bad.isEmpty {
            note(.quarantine, set ?? "")
            // A blob may be shown by other sets than the one that was asked for.
            findings = try takeOutOfTrees(&bad, set == nil ? scopes : verifyScopes(nil))
            try quarantine(bad, damaging: findings.keys.sorted())
            outcome.unreferencedBadBlobs = bad.filter { !$0.isShown }.map(\.record.variant.digest).sorted()
        }
        for scope in scopes where !outcome.isCancelled {
            let found = try sweepTrees(scope, &outcome, isCancelled)
            findings[scope.number, default: []] += found
        }
        try record(findings, scopes, &outcome)
        return outcome
    }

    /// One set and the releases whose trees it keeps.
    struct VerifyScope {
        let number: Int64
        let name: String
        /// Ascending.
        let releases: [ReleaseRecord]
    }

    /// An inode that is not what its name says.
    struct BadVariant {
        let record: VariantRecord
        let reason: String
        /// nil if there is no file.
        let inode: UInt64?
        var isShown = false
    }

    private func verifyScopes(_ set: String?) throws -> [VerifyScope] {
        try database.read { session in
            try session.headsBySet().filter { set == nil || $0.name == set }.map { found in
                let trees = try releases.subfolderIfPresent(found.name).map { folder in
                    try folder.list().compactMap { UInt64(String(decoding: $0.name, as: UTF8.self)) }
                }
                var sequences = Set(trees ?? [])
                if let head = found.head { sequences.insert(head) }
                return VerifyScope(
                    number: found.number, name: found.name,
                    releases: try sequences.sorted().compactMap { try session.release(found.number, $0) })
            }
        }
    }

    // MARK: Blobs

    /// Looks at every inode, or at those that `scopes` show.
    private func findBadVariants(
        _ mode: VerifyMode, _ scopes: [VerifyScope]?, _ outcome: inout VerifyOutcome,
        _ progress: (VerifyProgress) -> Void, _ isCancelled: () -> Bool
    ) throws -> [BadVariant] {
        let wanted = try scopes.map { try blobNumbers($0) }
        var state = VerifyProgress()
        (state.totalFiles, state.totalBytes) = try totals(wanted)
        var bad: [BadVariant] = []
        var last: Int64 = 0
        while true {
            let page = try database.read { session in
                try session.rows(
                    """
                    SELECT variant.number, blob.number, blob.digest, blob.size, modified, executable, copy
                    FROM variant JOIN blob ON blob.number = variant.blob
                    WHERE variant.number > ? ORDER BY variant.number LIMIT 1024
                    """, [.integer(last)]
                ) { row in
                    let variant = BlobVariant(
                        digest: BlobDigest(try row.digest(2, "blob")), modified: try row.integer(4),
                        isExecutable: try row.flag(5), copy: Int(try row.integer(6)))
                    return (
                        record: VariantRecord(number: try row.integer(0), variant: variant),
                        blob: try row.integer(1), size: try row.unsigned(3)
                    )
                }
            }
            guard let end = page.last else { return bad }
            last = end.record.number
            for item in page where wanted?.contains(item.blob) ?? true {
                guard !isCancelled() else {
                    outcome.isCancelled = true
                    return bad
                }
                let fault = try fault(item.record.variant, item.size, mode, isCancelled)
                // One that a collection has removed meanwhile, or that got another time, has no row either.
                if let fault, try database.read({ try $0.holds(item.record.variant) }) {
                    let inode = try blobs.stat(item.record.variant)?.inode
                    bad.append(BadVariant(record: item.record, reason: fault, inode: inode))
                }
                outcome.files += 1
                outcome.bytes += item.size
                state.files = outcome.files
                state.bytes = outcome.bytes
                progress(state)
            }
        }
    }

    private func fault(
        _ variant: BlobVariant, _ size: UInt64, _ mode: VerifyMode, _ isCancelled: () -> Bool
    ) throws -> String? {
        // What looks wrong is looked at again while no times are being changed.
        if try blobs.fault(variant, size: size) != nil,
            let fault = try groupLock.withLock({ _ in try blobs.fault(variant, size: size) })
        {
            return fault
        }
        guard mode == .full else { return nil }
        guard let file = try blobs.open(variant) else { return "has no file" }
        do {
            let digest = try file.blake3()
            return digest == variant.digest.raw ? nil : "has other bytes: their digest is \(digest)"
        } catch let error as FileError {
            // A disk that cannot read a block: as bad as wrong bytes, and repaired in the same way.
            return "cannot be read (\(error.errnoName))"
        }
    }

    private func totals(_ wanted: Set<Int64>?) throws -> (files: UInt64, bytes: UInt64) {
        var (files, bytes): (UInt64, UInt64) = (0, 0)
        try database.read { session in
            try session.query(
                "SELECT blob.number, blob.size FROM variant JOIN blob ON blob.number = variant.blob"
            ) { row in
                guard try wanted?.contains(row.integer(0)) ?? true else { return }
                files += 1
                bytes += try row.unsigned(1)
            }
        }
        return (files, bytes)
    }

    /// The blobs that the releases show.
    private func blobNumbers(_ scopes: [VerifyScope]) throws -> Set<Int64> {
        var numbers: Set<Int64> = []
        for scope in scopes {
            var previous = ManifestTree.emptyRoot.digest
            for release in scope.releases {
                var batch: [BlobDigest] = []
                func settle() throws {
                    try database.read { session in
                        for digest in batch {
                            if let record = try session.blob(digest) { numbers.insert(record.number) }
                        }
                    }
                    batch.removeAll(keepingCapacity: true)
                }
                // Only what it adds to the release before it.
                do {
                    try ManifestTree.diff(previous, release.root, source: { try self.node($0) }) { edit in
                        guard case .put(let entry) = edit, let blob = entry.blob else { return }
                        batch.append(blob)
                        if batch.count == 1024 { try settle() }
                    }
                } catch is ManifestError {
                    // The sweep of the trees says that nodes are missing.
                }
                try settle()
                previous = release.root
            }
        }
        return numbers
    }

    // MARK: Taking out of service

    /// Unlinks bad inodes from every tree that shows them; the paths, by set.
    private func takeOutOfTrees(_ bad: inout [BadVariant], _ scopes: [VerifyScope]) throws -> [Int64: [BadPath]] {
        // By the bytes alone: a tree may show an inode by another time than its entry says.
        var byBlob: [BlobDigest: [Int]] = [:]
        for (index, item) in bad.enumerated() { byBlob[item.record.variant.digest, default: []].append(index) }
        var findings: [Int64: [BadPath]] = [:]
        let foundAt = Int64(time(nil))
        for scope in scopes {
            for release in scope.releases {
                guard let root = try releases.subfolderIfPresent("\(scope.name)/\(release.sequence)") else { continue }
                var tree = ServedTree(root: root, blobs: blobs, scratch: staging) { _ in }
                try skippingDamage {
                    try ManifestTree.forEachEntry(root: release.root, source: { try self.node($0) }) { entry in
                        guard let variant = BlobVariant(entry), let indexes = byBlob[variant.digest] else {
                            return true
                        }
                        for index in indexes {
                            let isHere = try bad[index].inode.map { try tree.remove(entry.path, inode: $0) } ?? false
                            // A name that is gone from `blobs` leaves its links in the trees: they are good as far as
                            // anybody knows, and the sweep looks at them.
                            guard isHere else { continue }
                            bad[index].isShown = true
                            findings[scope.number, default: []].append(
                                BadPath(
                                    path: entry.path, sequence: release.sequence, blob: variant.digest,
                                    reason: bad[index].reason, bytes: entry.size, foundAt: foundAt))
                        }
                        return true
                    }
                }
            }
        }
        return findings
    }

    /// Forgets bad inodes and moves their files away, in this order: what was forgotten is never offered again, and what
    /// was not is found again.
    private func quarantine(_ bad: [BadVariant], damaging sets: [Int64]) throws {
        try forget(bad.map(\.record.variant), damaging: sets)
        for item in bad where item.inode != nil {
            let variant = item.record.variant
            do throws(FileError) {
                try blobs.folder(variant.digest).rename(
                    variant.name, in: quarantine, to: variant.name + Array("-\(item.record.number)".utf8))
            } catch {
                // A collection was faster: the file has no row any more.
                guard error.isNotFound else { throw error }
            }
        }
    }

    private func skippingDamage(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch is ManifestError {
            // Missing nodes are a finding of the sweep, and no reason to stop.
        }
    }

    // MARK: Trees

    /// Compares the trees of a set with their manifests. A file that is not the store's own inode is unlinked.
    private func sweepTrees(
        _ scope: VerifyScope, _ outcome: inout VerifyOutcome, _ isCancelled: () -> Bool
    ) throws -> [BadPath] {
        var findings: [BadPath] = []
        let foundAt = Int64(time(nil))
        let yanks = try yanks(of: scope.name)
        for release in scope.releases {
            let path = "\(scope.name)/\(release.sequence)"
            guard let root = try releases.subfolderIfPresent(path) else { continue }
            let inode = try root.attributes().inode
            // Times are changed in place for a newer release: also while the flip to that is not done. A tree above the
            // head was cut off before it, and may show the times from before the change until a session takes it up.
            let record = try database.read { try $0.contentSet(scope.name) }
            let showsOtherTimes = record.map { $0.isAhead || release.sequence != $0.head } ?? false
            var tree = ServedTree(root: root, blobs: blobs, scratch: staging) { _ in }
            var found: [BadPath] = []
            do {
                try ManifestTree.forEachEntry(root: release.root, source: { try self.node($0) }) { entry in
                    if isCancelled() { outcome.isCancelled = true }
                    guard !outcome.isCancelled else { return false }
                    outcome.entries += 1
                    if yanks?.covers(entry.path) == true { return true }
                    var fault = try tree.fault(entry)
                    if fault != nil, showsOtherTimes, try tree.showsOtherTime(entry) { return true }
                    if fault == nil, try !tree.isLinked(entry) { fault = "is not the store's own file" }
                    guard let fault else { return true }
                    if entry.type == .file {
                        // A tree that lost its name meanwhile is being edited into another release's: its files are right.
                        try withTrees(of: scope.name) {
                            if try releases.stat(path)?.inode == inode { try tree.removeForeign(entry) }
                        }
                    }
                    found.append(
                        BadPath(
                            path: entry.path, sequence: release.sequence, blob: entry.blob, reason: fault,
                            bytes: entry.size, foundAt: foundAt))
                    return true
                }
            } catch is ManifestError {
                // The next session looks at every node and fetches what is missing; there is no path to name.
                try database.withTransaction { try $0.setDamaged(scope.number, true) }
            }
            // A tree that was removed or edited meanwhile, as one that is not kept any longer, has no faults.
            if try releases.stat(path)?.inode == inode { findings += found }
        }
        return findings
    }

    /// Notes what was found, takes away the notes that no longer hold, and says when the set was verified.
    private func record(
        _ findings: [Int64: [BadPath]], _ scopes: [VerifyScope], _ outcome: inout VerifyOutcome
    ) throws {
        let isCancelled = outcome.isCancelled
        var names = Dictionary(scopes.map { ($0.number, $0.name) }, uniquingKeysWith: { a, _ in a })
        for scope in try verifyScopes(nil) { names[scope.number] = scope.name }
        try database.withTransaction { session in
            for scope in scopes where !isCancelled {
                try session.run("DELETE FROM bad_path WHERE set_number = ?", [.integer(scope.number)])
                if findings[scope.number]?.isEmpty ?? true {
                    try session.run(
                        "UPDATE content_set SET verified_at = ? WHERE number = ?",
                        [.integer(Int64(time(nil))), .integer(scope.number)])
                }
            }
            for number in findings.keys.sorted() {
                guard let found = findings[number], !found.isEmpty else { continue }
                try session.setDamaged(number, true)
                for bad in found {
                    // The first reason stays: that a path is missing follows from taking its blob away.
                    try session.run(
                        """
                        INSERT OR IGNORE INTO bad_path (set_number, sequence, path, blob, reason, bytes, found_at)
                        VALUES (?, ?, ?, ?, ?, ?, ?)
                        """,
                        [
                            .integer(number), .unsigned(bad.sequence), .blob(bad.path.bytes),
                            .digest(bad.blob?.raw), .text(bad.reason), .unsigned(bad.bytes), .integer(bad.foundAt),
                        ])
                }
            }
        }
        for number in findings.keys.sorted() {
            guard let name = names[number] else { continue }
            outcome.bad += try badPaths(set: name).map { bad in
                VerifyOutcome.Finding(
                    set: name, path: bad.path, sequence: bad.sequence, blob: bad.blob, reason: bad.reason,
                    bytes: bad.bytes)
            }
        }
        outcome.bad.sort { ($0.set, $0.path) < ($1.set, $1.path) }
    }
}
