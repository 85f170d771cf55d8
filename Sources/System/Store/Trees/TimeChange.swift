import Content
import Database
import LinuxIO
import Synchronization

/// One inode whose time is changed in place: what it is, and what it becomes.
///
/// Its row in `time_change` is written first; then the inode gets a second name that says the new time; at the end one
/// transaction decides (the row, and that of the variant), the time is changed, and the old name goes.
struct TimeChange: Hashable {
    let from: BlobVariant
    let modified: Int64

    var to: BlobVariant {
        BlobVariant(digest: from.digest, modified: modified, isExecutable: from.isExecutable, copy: from.copy)
    }
}

extension Session {
    /// The changes of a set that are noted, and whether they were decided, by digest.
    fileprivate func timeChanges(_ set: Int64) throws -> [(change: TimeChange, isDecided: Bool)] {
        try rows(
            """
            SELECT digest, executable, copy, modified, next_modified, decided FROM time_change
            WHERE set_number = ? ORDER BY digest, executable, copy, modified
            """, [.integer(set)]
        ) { row in
            let from = BlobVariant(
                digest: BlobDigest(try row.digest(0, "time_change")), modified: try row.integer(3),
                isExecutable: try row.flag(1), copy: Int(clamping: try row.integer(2)))
            return (TimeChange(from: from, modified: try row.integer(4)), try row.flag(5))
        }
    }

    func note(_ change: TimeChange, of set: Int64) throws {
        try run(
            """
            INSERT OR REPLACE INTO time_change (set_number, digest, executable, copy, modified, next_modified)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(set), .digest(change.from.digest.raw), .flag(change.from.isExecutable),
                .integer(change.from.copy), .integer(change.from.modified), .integer(change.modified),
            ])
    }

    func forgetTimeChanges(of set: Int64) throws {
        try run("DELETE FROM time_change WHERE set_number = ?", [.integer(set)])
    }

    fileprivate func decide(_ change: TimeChange) throws {
        try run(
            """
            UPDATE variant SET modified = ? WHERE blob = (SELECT number FROM blob WHERE digest = ?)
            AND modified = ? AND executable = ? AND copy = ?
            """,
            [
                .integer(change.modified), .digest(change.from.digest.raw), .integer(change.from.modified),
                .flag(change.from.isExecutable), .integer(change.from.copy),
            ])
    }
}

extension Store {
    /// Notes the changes, and gives each inode its second name.
    /// - Returns: the changes whose inodes have no room for another name: nothing was noted of them.
    func noteTimes(_ changes: [TimeChange], of set: Int64) throws -> [TimeChange] {
        try groupLock.withLock { state in
            try database.withTransaction { session in
                for change in changes { try session.note(change, of: set) }
            }
            let untouched = try state.blobFolders.untouched(changes.lazy.map(\.from), blobs)
            var full: Set<TimeChange> = []
            for change in changes {
                let folder = blobs.folder(change.from.digest)
                try folder.unlinkIfPresent(change.to.name)
                do throws(FileError) {
                    try folder.link(change.from.name, in: folder, to: change.to.name)
                } catch {
                    // Without its file it cannot be changed either: it is made from another inode, or found missing.
                    guard error.isOutOfLinks || error.isNotFound else { throw error }
                    full.insert(change)
                }
            }
            try state.blobFolders.note(untouched, blobs)
            guard !full.isEmpty else { return [] }
            try database.withTransaction { session in
                try session.forgetTimeChanges(of: set)
                for change in changes where !full.contains(change) { try session.note(change, of: set) }
            }
            return changes.filter(full.contains)
        }
    }

    /// Changes the times that were noted. From the transaction on it is done by the next start, if not by this process:
    /// whatever the set's trees show, every row says the time that its inode has or is about to have.
    func changeTimes(of set: Int64) throws {
        try groupLock.withLock { state in
            let changes = try database.withTransaction { session in
                let changes = try session.timeChanges(set).map(\.change)
                for change in changes { try session.decide(change) }
                try session.run("UPDATE time_change SET decided = 1 WHERE set_number = ?", [.integer(set)])
                try session.run("UPDATE content_set SET ahead = 1 WHERE number = ?", [.integer(set)])
                // What equal entries of two releases show need not be equal any more.
                try session.run("UPDATE tree SET sound = 0 WHERE set_number = ?", [.integer(set)])
                return changes
            }
            let untouched = try state.blobFolders.untouched(changes.lazy.map(\.from), blobs)
            for change in changes { try apply(change) }
            try state.blobFolders.note(untouched, blobs)
        }
    }

    /// Finishes the changes that were decided, and takes back those that were only noted. Doing it twice does nothing.
    func settleTimes(of set: Int64) throws {
        // A descriptor from before the first change, so that a failed write-back is reported here.
        let durability = try staging.subfolder(".")
        try groupLock.withLock { state in
            let noted = try database.read { try $0.timeChanges(set) }
            guard !noted.isEmpty else { return }
            let untouched = try state.blobFolders.untouched(noted.lazy.map(\.change.from), blobs)
            for (change, isDecided) in noted {
                if isDecided {
                    try apply(change)
                } else if try !database.read({ try $0.holds(change.to) }) {
                    try blobs.folder(change.to.digest).unlinkIfPresent(change.to.name)
                }
            }
            try state.blobFolders.note(untouched, blobs)
            try durability.syncFileSystem()
            try database.withTransaction { try $0.forgetTimeChanges(of: set) }
        }
    }

    private func apply(_ change: TimeChange) throws {
        let folder = blobs.folder(change.from.digest)
        do throws(FileError) {
            try folder.setModified(change.to.name, FileTime(seconds: change.modified))
        } catch {
            // Somebody removed it: the next proof or `verify` finds that.
            guard error.isNotFound else { throw error }
        }
        if try !database.read({ try $0.holds(change.from) }) { try folder.unlinkIfPresent(change.from.name) }
    }
}
