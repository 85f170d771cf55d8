package import Content
import Database
import LinuxIO

extension Store {
    /// Takes the files of the tree at `source` into the store by hard links, so that the first sync of `set` fetches only
    /// what differs.
    ///
    /// No byte, time or mode in the tree is changed; links are added to its files. What cannot be linked as it is is
    /// counted and left. If the tree stands where the set's link will be, it is remembered that the first flip may swap
    /// the two. May be killed at any point: what was adopted is not read again. Until the first release of the set is the
    /// head, no collection takes anything that was adopted.
    ///
    /// - Parameters:
    ///   - source: the top of the tree, without links on the way.
    ///   - profile: how the set's releases are cut; with another one equal files are known, equal parts of others not.
    ///   - progress: called now and then; what it throws ends the adoption.
    /// - Throws: `alreadyServed` if the set has a head, `otherFileSystem` if the tree lies on another file system or
    ///   mount, `notADirectory`, `busy` while a sync of the set runs, and what the disk says.
    package func adopt(
        set name: String, source: String, profile: ChunkProfile = .standard,
        progress: (AdoptProgress) throws -> Void = { _ in }
    ) throws -> AdoptOutcome {
        try begin(name)
        var staging: StagingFolder?
        defer {
            // What cannot be removed now is removed when the store opens.
            if staging != nil { try? self.staging.removeTree(Array(StagingFolder.name(name, .adopt).utf8)) }
            end(name)
        }
        let set = try database.withTransaction { try $0.ensureContentSet(name) }
        if let head = set.head { throw StoreError.alreadyServed(set: name, sequence: head) }
        let opened = try StagingFolder(self, set: name, .adopt)
        staging = opened
        var run = try AdoptRun(self, set, opened, source: source, profile: profile)
        let folder = try folderToSwap(source, name)
        try database.withTransaction { try $0.beginAdoption(of: set.number, folder: folder) }
        var outcome = try run.run(progress)
        outcome.keptAs = try database.read { try $0.adoption(of: set.number)?.folder }.map {
            "\(dataPath)/\(StoreLayout.adoptedFolder)/\($0)"
        }
        return outcome
    }

    /// The name in `.adopted` under which the tree will be kept, if it stands in the place of the set's link.
    private func folderToSwap(_ source: String, _ name: String) throws -> String? {
        guard let there = try data.stat(name), there.type == .directory,
            try Folder.openSource(source).attributes().inode == there.inode
        else { return nil }
        if let known = try database.read({ session in
            try session.contentSet(name).flatMap { try session.adoption(of: $0.number) }
        }), let folder = known.folder {
            return folder
        }
        let kept = try data.ensureFolder(StoreLayout.adoptedFolder, mode: 0o700)
        var number = 1
        var free = name
        while try kept.stat(free)?.type == .directory {
            number += 1
            free = "\(name)-\(number)"
        }
        return free
    }

    /// Swaps the folder in the place of a set's link with a new link to `target`: one rename, and the folder is in
    /// `.adopted`.
    /// - Throws: `pathTaken` if nobody adopted that folder, `cannotSwap` on a file system that cannot exchange names.
    func swapAdopted(_ set: SetRecord, for target: [UInt8]) throws {
        guard let folder = try database.read({ try $0.adoption(of: set.number) })?.folder else {
            throw StoreError.pathTaken(data: dataPath, set: set.name)
        }
        let kept = try data.ensureFolder(StoreLayout.adoptedFolder, mode: 0o700)
        // A link that a killed flip left; never a folder, which unlink does not remove.
        try kept.unlinkIfPresent(Array(folder.utf8))
        try kept.makeSymlink(target, at: Array(folder.utf8))
        do {
            try kept.rename(Array(folder.utf8), in: data, to: Array(set.name.utf8), .exchange)
        } catch {
            _ = try? kept.unlinkIfPresent(Array(folder.utf8))
            guard error.errnoName == "EINVAL" else { throw error }
            throw StoreError.cannotSwap(data: dataPath, set: set.name)
        }
        try kept.sync()
    }
}

/// A tree that was adopted for a set whose first release is not the head yet.
struct Adoption {
    /// The name in `.adopted` that the tree gets by the first flip; nil: it stays where it is.
    let folder: String?
}

extension Session {
    /// The adoption of a set that waits for its first release.
    func adoption(of set: Int64) throws -> Adoption? {
        try first("SELECT folder FROM adoption WHERE set_number = ?", [.integer(set)]) { row in
            Adoption(folder: row.isNull(0) ? nil : try row.text(0))
        }
    }

    /// Notes from which rows on a collection must leave what is there; a later run changes only the folder.
    func beginAdoption(of set: Int64, folder: String?) throws {
        try run(
            """
            INSERT INTO adoption (set_number, folder, last_blob, last_variant, last_list)
            VALUES (?1, ?2, (SELECT COALESCE(MAX(number), 0) FROM blob),
                (SELECT COALESCE(MAX(number), 0) FROM variant), (SELECT COALESCE(MAX(rowid), 0) FROM chunk_list))
            ON CONFLICT (set_number) DO UPDATE SET folder = COALESCE(excluded.folder, folder)
            """, [.integer(set), folder.map { .text($0) } ?? .null])
    }

    /// The set has a head: what was adopted and is not of it may go, and the paths of the old tree say nothing any more.
    func endAdoption(of set: Int64) throws {
        guard try run("DELETE FROM adoption WHERE set_number = ?", [.integer(set)]) > 0 else { return }
        try run("DELETE FROM source WHERE set_number = ?", [.integer(set)])
    }

    /// The highest numbers of blobs, inodes and chunk lists that were there before any adoption that waits began.
    func lastBeforeAdoptions() throws -> (blob: Int64, variant: Int64, list: Int64)? {
        try first(
            "SELECT MIN(last_blob), MIN(last_variant), MIN(last_list) FROM adoption HAVING COUNT(*) > 0", []
        ) { (try $0.integer(0), try $0.integer(1), try $0.integer(2)) }
    }
}
