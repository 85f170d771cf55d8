import Database
import Glibc
import LinuxIO
package import Trust

/// Verifies the document of a release of a set under its sequence. Throws if nobody who may has signed it.
package typealias ReleaseCheck = (_ document: [UInt8], _ set: String, _ sequence: UInt64) throws -> VerifiedRelease

extension Store {
    /// Makes the database and the chunk index of the store in `data` again, from its files alone (decision 0006).
    ///
    /// Every blob is read and hashed, so it takes as long as a full verification. What has wrong bytes goes to
    /// quarantine. An old database is kept beside the new one under another name. Atomic: until the new database is
    /// whole and durable the store is as it was; a rebuild that was cut off is begun again.
    ///
    /// - Parameters:
    ///   - state: as for `open`.
    ///   - verify: says whether the document of a release is signed; what it refuses is not taken.
    ///   - progress: told after some hundred files.
    /// - Throws: `locked` while an agent runs, `noStore` if there is none, `unknownFormat`, and what the disk says.
    package static func rebuild(
        data path: String, state: String? = nil, verify: ReleaseCheck,
        progress: (RebuildProgress) -> Void = { _ in }
    ) throws -> RebuildOutcome {
        let outcome = try rebuildDatabase(path, state, verify, progress)
        // The start fills the index from the rows, and puts right what a crash had left.
        let store = try open(data: path, state: state)
        store.close()
        return outcome
    }

    private static func rebuildDatabase(
        _ path: String, _ state: String?, _ verify: ReleaseCheck, _ progress: (RebuildProgress) -> Void
    ) throws -> RebuildOutcome {
        guard let top = try Folder.open(path).subfolderIfPresent(StoreLayout.storeFolder),
            try top.stat("format") != nil
        else { throw StoreError.noStore(data: path) }
        guard let lock = try FileLock.acquire(in: top, "lock") else {
            throw StoreError.locked(data: path, holder: try FileLock.holder(in: top, Array("lock".utf8)))
        }
        defer { withExtendedLifetime(lock) {} }
        try checkFormat(top, path)
        let folders = try StoreFolders(data: try Folder.open(path), store: top)
        let place = state ?? "\(path)/\(StoreLayout.storeFolder)"
        let stateFolder = try openData(place)
        for suffix in databaseSuffixes {
            try stateFolder.unlinkIfPresent("\(StoreLayout.newDatabaseFile)\(suffix)")
        }
        let outcome = try {
            let database = try Connection(
                path: "\(place)/\(StoreLayout.newDatabaseFile)", migrations: StoreSchema.migrations)
            try database.run("PRAGMA cache_size = -16384")
            var rebuild = try Rebuild(folders, database, verify)
            try rebuild.enterBlobs(progress)
            try rebuild.enterReleases()
            try database.checkpoint()
            return rebuild.outcome
        }()
        return try install(outcome, stateFolder, place)
    }

    private static let databaseSuffixes = ["", "-wal", "-shm"]

    /// Puts the new database in the old one's place: the old one goes away first, so that its log is never taken for
    /// the new one's. A crash in between leaves a store without a database, to be rebuilt.
    private static func install(_ made: RebuildOutcome, _ folder: Folder, _ place: String) throws -> RebuildOutcome {
        var outcome = made
        try folder.openFile(StoreLayout.newDatabaseFile).sync()
        let old = "\(StoreLayout.databaseFile).old-\(time(nil))"
        for suffix in databaseSuffixes where try folder.stat("\(StoreLayout.databaseFile)\(suffix)") != nil {
            try folder.rename("\(StoreLayout.databaseFile)\(suffix)", to: "\(old)\(suffix)")
            outcome.oldDatabase = "\(place)/\(old)"
        }
        try folder.sync()
        try folder.removeTree(StoreLayout.indexFolder)
        try folder.rename(StoreLayout.newDatabaseFile, to: StoreLayout.databaseFile)
        try folder.sync()
        return outcome
    }
}
