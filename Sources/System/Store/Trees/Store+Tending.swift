import Content
import Database
import Glibc
import LinuxIO
import Synchronization

extension Store {
    /// A spare is linked only if this part of the disk's inodes stays free, one in so many: the blobs of the next
    /// releases need them more.
    private static let inodeReserve: UInt64 = 20
    /// What a directory takes at least, and what a name in it takes, in bytes: an estimate for the reserve.
    private static let folderBytes: UInt64 = 4096
    private static let nameBytes: UInt64 = 64

    /// Does for the trees of a set what a flip leaves: removes those that are no longer kept and that nobody can be in,
    /// and has a spare tree of the head ready if the next flip would find none to edit.
    ///
    /// Runs after a flip and beside everything else; the next flip waits for a spare that is being made, and never for a
    /// removal. Does nothing while a session of the set runs, or another thread tends it: the end of that does it. A
    /// spare that cannot be made, as for want of inodes, is no error: the next tree is linked from scratch then.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func tendTrees(of set: String, _ policy: TreePolicy) throws {
        guard PlainName.accepts(set), !isRunning(set),
            let record = try database.read({ try $0.contentSet(set) }), let head = record.head
        else { return }
        let lock = treeLock(set)
        let isBusy = lock.isTended.withLock { isTended in
            defer { isTended = true }
            return isTended
        }
        guard !isBusy else { return }
        defer { lock.isTended.withLock { $0 = false } }
        for step in CommitOrder.tending { if let phase = step.phase { note(phase, set) } }
        // Links change the ctime of inodes that the publisher's files share: until the end is known, any is taken for ours.
        try setLinkEnd(Int64.max, of: record.number)
        defer { try? setLinkEnd(TreeTending.now(), of: record.number) }
        let removed = try withTrees(of: set) { () -> [[UInt8]] in
            let tending = TreeTending(store: self, set: record, head: head, policy: policy)
            try tending.makeSpare { try self.hasRoom(for: $0) }
            return try tending.discardSpent()
        }
        guard !removed.isEmpty else { return }
        let folder = try releases.subfolder(set)
        for name in removed { try folder.removeTree(name) }
    }

    private func setLinkEnd(_ end: Int64, of set: Int64) throws {
        try database.run("UPDATE content_set SET link_until = ? WHERE number = ?", [.integer(end), .integer(set)])
    }

    /// After a crash while trees were tended it is not known until when the changes of inodes are our own: none is
    /// believed, and the publisher's files are read again.
    func recoverTending() throws {
        try database.run("UPDATE content_set SET link_until = link_from WHERE link_until = ?", [.integer(Int64.max)])
    }

    /// Whether a further tree of the manifest leaves the disk enough inodes and room.
    private func hasRoom(for root: ManifestRoot) throws -> Bool {
        let disk = try DiskUsage.of(releases)
        let inodes = root.entries - min(root.files, root.entries)
        let (needed, overflow) = inodes.multipliedReportingOverflow(by: Self.folderBytes)
        let (names, namesOverflow) = root.entries.multipliedReportingOverflow(by: Self.nameBytes)
        let (bytes, sumOverflow) = needed.addingReportingOverflow(names)
        guard !overflow, !namesOverflow, !sumOverflow, bytes < disk.freeBytes / Self.inodeReserve else { return false }
        // Some file systems have no fixed number of inodes.
        guard disk.totalInodes > 0 else { return true }
        return disk.freeInodes > inodes && disk.freeInodes - inodes >= disk.totalInodes / Self.inodeReserve
    }
}

/// One round of tending, under the lock of the set's trees.
struct TreeTending {
    let store: Store
    let set: SetRecord
    let head: UInt64
    let policy: TreePolicy

    /// Nanoseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    /// No inode of a blob has room for another link: only a session makes further ones.
    private struct OutOfLinks: Error {}

    /// Makes a spare of the head if the next flip would have no tree to edit: of a spent tree by edits, or from scratch.
    func makeSpare(_ hasRoom: (ManifestRoot) throws -> Bool) throws {
        let trees = try SetTrees(store, set: set.number, name: set.name)
        let isReady = trees.spares.contains { trees.isSound("\($0)\(StoreLayout.spareSuffix)") }
        guard !set.isDamaged, !isReady, try !trees.hasNext(policy) else { return }
        let release = try store.database.read { try $0.release(set.number, head) }
        guard let release, let root = try? ManifestTree.root(of: release.root, source: store.node) else { return }
        // A descriptor from before the first change, so that a failed write-back is reported here.
        let durability = try store.staging.subfolder(".")
        let spare = "\(head)\(StoreLayout.spareSuffix)"
        let partial = "\(spare)\(StoreLayout.partialSuffix)"
        try trees.discard(Array(partial.utf8))
        try trees.discard(Array(spare.utf8))
        do {
            if try !editSpent(trees, partial, to: release.root) {
                guard try hasRoom(root) else { return }
                try link(trees, partial, release.root)
            }
            try store.takeOutYanked(of: set.name, from: try trees.folder.subfolder(partial))
            try durability.syncFileSystem()
            try trees.folder.rename(partial, to: spare, .noReplace)
            try trees.folder.sync()
            try store.database.withTransaction { session in
                try session.recordTree(set.number, name: spare, sequence: head)
            }
        } catch is OutOfLinks {
            try trees.discard(Array(partial.utf8))
        } catch {
            try trees.discard(Array(partial.utf8))
            throw error
        }
    }

    private func editSpent(_ trees: SetTrees, _ partial: String, to root: NodeDigest) throws -> Bool {
        guard let old = try trees.spent(policy).last(where: { trees.isSound("\($0)") }),
            let from = try store.database.read({ try $0.release(set.number, old)?.root })
        else { return false }
        try trees.folder.rename("\(old)", to: partial, .noReplace)
        try trees.folder.sync()
        do {
            var tree = ServedTree(root: try trees.folder.subfolder(partial), blobs: store.blobs, scratch: store.staging)
            {
                _ in throw OutOfLinks()
            }
            try tree.edit(from: from, to: root, source: store.node)
            return true
        } catch {
            try trees.discard(Array(partial.utf8))
            return false
        }
    }

    private func link(_ trees: SetTrees, _ partial: String, _ root: NodeDigest) throws {
        let top = try trees.folder.makeFolder(partial, mode: 0o755)
        var tree = ServedTree(root: top, blobs: store.blobs, scratch: store.staging) { _ in throw OutOfLinks() }
        try ManifestTree.forEachEntry(root: root, source: store.node) { entry in
            try tree.add(entry)
            return true
        }
        try tree.finish()
    }

    /// Renames the trees that may go; their new names. Rows of trees that are gone are forgotten.
    func discardSpent() throws -> [[UInt8]] {
        let before = try SetTrees(store, set: set.number, name: set.name)
        for sequence in try before.spent(policy) { try before.discard(Array("\(sequence)".utf8)) }
        let sound = before.spares.first { before.isSound("\($0)\(StoreLayout.spareSuffix)") }
        for spare in before.spares where spare != sound {
            try before.discard(Array("\(spare)\(StoreLayout.spareSuffix)".utf8))
        }
        for name in before.garbage
        where !name.ends(with: StoreLayout.removingSuffix.utf8) {
            try before.discard(name)
        }
        let after = try SetTrees(store, set: set.number, name: set.name)
        let standing = Set(after.sequences.map { "\($0)" } + after.spares.map { "\($0)\(StoreLayout.spareSuffix)" })
        let gone = after.records.keys.filter { !standing.contains($0) }.sorted()
        if !gone.isEmpty {
            try store.database.withTransaction { session in
                for name in gone { try session.forgetTree(set.number, name: name) }
            }
        }
        // Files of releases go with their trees.
        for sequence in try store.releaseFiles.sequences(of: set.name)
        where sequence < head && !after.sequences.contains(sequence) {
            try store.releaseFiles.remove(set: set.name, sequence: sequence)
        }
        // What a start has put aside is removed by `removeLeftovers`.
        return after.garbage.filter { !$0.ends(with: StoreLayout.leftoverSuffix.utf8) }
    }
}
