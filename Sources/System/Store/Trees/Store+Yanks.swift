import Content
import Database
import Glibc
import LinuxIO
package import Trust

/// Paths that are not served although a release has them. Their blobs stay: other hosts, and a later release without the
/// path, need them.
extension Store {
    /// The list of yanked paths of `set` that is in force here; nil if there never was one.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func yankList(set: String) throws -> [UInt8]? {
        try database.read { try $0.yankList(set) }
    }

    /// Takes what `yanks` lists out of every tree of the set, and puts back what it no longer lists. Durable when it
    /// returns: trees that are made later lack the paths, too. What is served goes first, whatever else is at work.
    ///
    /// Throws `FileError`, `DatabaseError`; called again, it goes on.
    package func apply(_ yanks: VerifiedYankList) throws {
        let list = yanks.list
        try takeOutOfServed(list)
        let before = try database.withTransaction { session -> YankList? in
            let set = try session.ensureContentSet(list.set)
            let before = try session.yankList(list.set).flatMap { try? YankList(decoding: $0) }
            try session.run(
                "INSERT OR REPLACE INTO yank (set_number, list) VALUES (?, ?)",
                [
                    .integer(set.number), .blob(yanks.bytes),
                ])
            // Trees that lack a path must not become those of other releases by edits, once it is served again.
            if before?.entries.contains(where: { !list.covers($0.path) }) ?? false {
                try session.run("UPDATE tree SET sound = 0 WHERE set_number = ?", [.integer(set.number)])
            }
            return before
        }
        try withTrees(of: list.set) {
            try takeOutOfTrees(list)
            let returned = before?.entries.map(\.path).filter { !list.covers($0) } ?? []
            if !returned.isEmpty { try putBack(returned, list) }
        }
    }

    /// Does what a crash has cut off: what is listed is in no tree when it returns.
    func enforceYanks() throws {
        let lists = try database.read { session in
            try session.rows("SELECT list FROM yank") { try YankList(decoding: try $0.blob(0)) }
        }
        for list in lists { try withTrees(of: list.set) { try takeOutOfTrees(list) } }
    }

    /// The list in force, for whoever makes or compares trees.
    func yanks(of set: String) throws -> YankList? {
        try yankList(set: set).flatMap { try? YankList(decoding: $0) }
    }

    /// Takes the yanked paths of a set out of a tree that nobody looks at yet.
    func takeOutYanked(of set: String, from tree: Folder) throws {
        guard let list = try yanks(of: set) else { return }
        for entry in list.entries { try Self.takeOut(entry.path, of: tree) }
    }

    /// The tree that the set's link shows, without waiting for whoever works on others.
    private func takeOutOfServed(_ list: YankList) throws {
        guard let sequence = try linkedSequence(list.set),
            let tree = try releases.subfolderIfPresent("\(list.set)/\(sequence)")
        else { return }
        for entry in list.entries { try Self.takeOut(entry.path, of: tree) }
    }

    private func takeOutOfTrees(_ list: YankList) throws {
        guard let folder = try releases.subfolderIfPresent(list.set) else { return }
        for tree in try folder.list() where tree.type == .directory {
            guard let top = try folder.subfolderIfPresent(String(decoding: tree.name, as: UTF8.self)) else { continue }
            for entry in list.entries { try Self.takeOut(entry.path, of: top) }
        }
        try folder.sync()
    }

    /// Takes one path out of a tree, with all below it; the time of the directory stays.
    private static func takeOut(_ path: RelativePath, of tree: Folder) throws {
        let parent: Folder?
        do {
            parent = try path.parent.map { try tree.subfolderIfPresent($0.bytes) } ?? tree
        } catch let error as FileError where error.errno == ENOTDIR || error.isSymbolicLink {
            return
        }
        let name = Array(path.lastComponent)
        guard let parent, try parent.stat(name) != nil else { return }
        let modified = try parent.attributes().modified
        try parent.removeTree(name)
        try parent.setModified(modified)
        try parent.sync()
    }

    /// Further inodes are made by sessions only.
    private struct OutOfLinks: Error {}

    /// Puts entries at and below `paths` back into the trees that have a release here. What lost its blob meanwhile is left to
    /// the next sync.
    private func putBack(_ paths: [RelativePath], _ list: YankList) throws {
        var returned = YankList(fleet: list.fleet, set: list.set)
        for path in paths { _ = returned.add(YankList.Entry(path: path, reason: "", yankedAt: 0)) }
        guard let set = try database.read({ try $0.contentSet(list.set) }) else { return }
        for sequence in try SetTrees(self, set: set.number, name: list.set).sequences {
            guard let release = try database.read({ try $0.release(set.number, sequence) }),
                let top = try releases.subfolderIfPresent("\(list.set)/\(sequence)")
            else { continue }
            let modified = try top.attributes().modified
            // The top has no entry of its own, so nothing else gives it back its time.
            defer { try? top.setModified(modified) }
            var tree = ServedTree(root: top, blobs: blobs, scratch: staging) { _ in throw OutOfLinks() }
            do {
                try ManifestTree.forEachEntry(root: release.root, source: node) { entry in
                    guard returned.covers(entry.path), !list.covers(entry.path) else { return true }
                    if let variant = BlobVariant(entry), try blobs.fault(variant, size: entry.size) != nil {
                        return true
                    }
                    try tree.repair(entry)
                    return true
                }
                try tree.finish()
            } catch is OutOfLinks {
                try database.withTransaction { try $0.setDamaged(set.number, true) }
            } catch is ManifestError {
                try database.withTransaction { try $0.setDamaged(set.number, true) }
            }
        }
    }
}

extension Session {
    /// The encoded list of yanked paths of a set.
    func yankList(_ set: String) throws -> [UInt8]? {
        try first(
            "SELECT list FROM yank JOIN content_set ON number = set_number WHERE name = ?", [.text(set)]
        ) { try $0.blob(0) }
    }
}
