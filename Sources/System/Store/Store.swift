package import Content
import Database
package import LinuxIO
import Synchronization
import Trust

/// What one host holds: blobs, chunk index, manifest nodes, releases and served trees, in one data directory.
///
/// Every call blocks on the disk: keep it off event loops and cooperative threads. Everything may be called from any
/// thread; publishes and fetches of different sets run side by side, and reading never waits for them.
///
/// The order in which things become durable stands in docs/formats/store-layout.md. In short: blobs, then their rows
/// and index entries, then the proof that everything a release names is there, then its tree, then the link, and the
/// head last.
package final class Store: Sendable {
    /// How many releases keep their served trees unless asked otherwise.
    package static let defaultKeptReleases = 5

    /// The data directory as the operator wrote it.
    package let dataPath: String
    private let folders: StoreFolders
    let database: Connection
    let index: any ChunkIndex
    private let onPhase: @Sendable (StorePhase, String) -> Void
    let readers = BlobReaders()
    /// Held while a group of blobs becomes durable: so a final name without a row is never another session's.
    let groupLock = Mutex<GroupState>(GroupState())
    private let running = Mutex<[String]>([])
    /// Says what a collection may sweep beside sessions and readers.
    let gate = CollectionGate()
    /// How much of the disk is left free.
    let room = DiskRoom()
    private let lock: Mutex<FileLock?>
    let bootClock = BootClock()
    let treeLocks = Mutex<[String: TreeLock]>([:])
    let timesLock = TimesLock()
    /// Whether files can share blocks; nil until that was tried.
    let sharing = Mutex<Bool?>(nil)

    /// What all group commits share.
    struct GroupState {
        /// Blobs and attachments up to these numbers are durable in the chunk index.
        var indexedBlob: Int64 = 0
        var indexedAttachment: Int64 = 0
        /// The highest numbers that the index was told.
        var toldBlob: Int64 = 0
        var toldAttachment: Int64 = 0
        var bytesSinceIndexSync: UInt64 = 0
        var blobFolders = BlobFolderStamps()
    }

    init(
        dataPath: String, folders: StoreFolders, database: Connection, index: any ChunkIndex, lock: FileLock,
        onPhase: @escaping @Sendable (StorePhase, String) -> Void
    ) {
        self.dataPath = dataPath
        self.folders = folders
        self.database = database
        self.index = index
        self.lock = Mutex(lock)
        self.onPhase = onPhase
    }

    /// The folder `.store`, mode 0700: other parts of the agent may keep files in it under names of their own.
    package var privateFolder: Folder { folders.store }
    var data: Folder { folders.data }
    var releases: Folder { folders.releases }
    var staging: Folder { folders.staging }
    var quarantine: Folder { folders.quarantine }
    var blobs: BlobFiles { folders.blobs }
    var releaseFiles: ReleaseFiles { folders.releaseFiles }

    // MARK: Sessions

    /// Takes the one place for a session of `set`, or throws `busy`.
    func begin(_ set: String) throws {
        guard PlainName.accepts(set) else { throw StoreError.invalidSetName(set) }
        let isTaken = running.withLock { running in
            if running.contains(set) { return true }
            running.append(set)
            return false
        }
        if isTaken { throw StoreError.busy(set: set) }
        gate.sessionBegan(set)
    }

    /// Whether a session of the set runs.
    func isRunning(_ set: String) -> Bool { running.withLock { $0.contains(set) } }

    /// Gives the place back.
    /// - Parameter leavesRows: the session has stored rows of a tree that it never settled on, and which may count on
    ///   what a running collection takes for unneeded.
    func end(_ set: String, leavesRows: Bool = true) {
        gate.sessionEnded(set, leavesRows: leavesRows)
        running.withLock { running in running.removeAll { $0 == set } }
    }

    func note(_ phase: StorePhase, _ set: String = "") { onPhase(phase, set) }

    /// Lets the data directory go, with all that was written in its place: the database's log is folded back, so that
    /// the next start has nothing to read there. No session may run, and the store must not be used afterwards. Closing
    /// it twice does nothing; a store that is not closed lets go with its last reference.
    package func close() {
        lock.withLock { lock in
            guard lock != nil else { return }
            // What fails is done by the next start.
            try? index.sync()
            try? database.checkpoint()
            lock = nil
        }
    }

    // MARK: Metadata

    /// The bytes of a manifest node, nil if it is not held.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func node(_ digest: NodeDigest) throws -> [UInt8]? {
        try database.read { try $0.value(.node, digest.raw) }
    }

    /// The bytes of a chunk list, nil if it is not held.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func chunkList(_ digest: ChunkListDigest) throws -> [UInt8]? {
        try database.read { try $0.value(.chunkList, digest.raw) }
    }

    /// The bytes of a changeset, nil if it is not held.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func changeset(_ digest: ChangesetDigest) throws -> [UInt8]? {
        try database.read { try $0.value(.changeset, digest.raw) }
    }

    /// Bytes and bytes' length of many nodes at once, in the order asked; one consistent read.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func nodes(_ digests: [NodeDigest]) throws -> [[UInt8]?] {
        try database.read { session in try digests.map { try session.value(.node, $0.raw) } }
    }

    /// Many chunk lists at once, in the order asked.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func chunkLists(_ digests: [ChunkListDigest]) throws -> [[UInt8]?] {
        try database.read { session in try digests.map { try session.value(.chunkList, $0.raw) } }
    }

    /// The document of a release, byte for byte; nil `sequence` means the head. Nil if it is neither held nor one of the
    /// past ones whose changesets are kept.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func releaseDocument(set: String, sequence: UInt64? = nil) throws -> [UInt8]? {
        try database.read { session -> [UInt8]? in
            guard let record = try session.contentSet(set), let wanted = sequence ?? record.head else { return nil }
            return try session.first(
                """
                SELECT document FROM release WHERE set_number = ?1 AND sequence = ?2
                UNION ALL SELECT document FROM past_release WHERE set_number = ?1 AND sequence = ?2
                """, [.integer(record.number), .unsigned(wanted)]
            ) { try $0.blob(0) }
        }
    }

    /// The sequences of all held releases of a set, ascending.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func sequences(set: String) throws -> [UInt64] {
        try database.read { session in
            guard let record = try session.contentSet(set) else { return [] }
            return try session.rows(
                "SELECT sequence FROM release WHERE set_number = ? ORDER BY sequence", [.integer(record.number)]
            ) { try $0.unsigned(0) }
        }
    }

    /// The newest release of a set that is held completely; nil if there is none.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func head(set: String) throws -> StoreHead? {
        try database.read { session in
            guard let record = try session.contentSet(set), let head = record.head else { return nil }
            guard let release = try session.release(record.number, head) else {
                throw StoreError.damagedRecord(table: "content_set", reason: "head \(head) of \(set) has no release")
            }
            return StoreHead(sequence: head, root: release.root, releaseDigest: release.digest)
        }
    }

    /// The names of all sets with a head, sorted.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func sets() throws -> [String] {
        try database.read { session in try session.headsBySet().filter { $0.head != nil }.map(\.name) }
    }

    /// Bytes held and free.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func usage() throws -> StoreUsage {
        let disk = try DiskUsage.of(data)
        let sums = try database.first("SELECT bytes, blobs FROM blob_total") {
            (UInt64(clamping: try $0.integer(0)), UInt64(clamping: try $0.integer(1)))
        }
        return StoreUsage(
            totalBytes: disk.totalBytes, freeBytes: disk.freeBytes, freeInodes: disk.freeInodes,
            storeBytes: sums?.0 ?? 0, blobs: sums?.1 ?? 0)
    }

    /// Proves that `path` is, or is not, in a held release; nil `sequence` means the head.
    /// - Throws: `StoreError.notFound` for a release that is not held; `ManifestError` if a node is missing.
    package func proof(set: String, sequence: UInt64? = nil, path: RelativePath) throws -> ManifestProof {
        let root = try database.read { session -> NodeDigest? in
            guard let record = try session.contentSet(set), let wanted = sequence ?? record.head else { return nil }
            return try session.release(record.number, wanted)?.root
        }
        guard let root else {
            throw StoreError.notFound(sequence.map { "release \($0) of \(set)" } ?? "a release of \(set)")
        }
        return try ManifestProof.make(path, root: root, source: { try self.node($0) })
    }

    // MARK: Served trees

    /// What the set's link shows at this moment; nil if there is no link, or it shows no release of this store.
    ///
    /// Read back from the link and the database each time: a link moved by hand shows here.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func served(set: String) throws -> ServedState? {
        guard PlainName.accepts(set), let sequence = try linkedSequence(set) else { return nil }
        return try database.read { session in
            guard let record = try session.contentSet(set),
                let release = try session.release(record.number, sequence)
            else { return nil }
            return ServedState(
                sequence: sequence, root: release.root, release: release.digest,
                verifiedAt: record.isDamaged || record.head != sequence ? nil : record.verifiedAt)
        }
    }

    /// The sequence in the target of the set's link; nil if there is no link, its target is none of ours, or the tree
    /// it names is gone.
    func linkedSequence(_ set: String) throws -> UInt64? { try folders.linkedSequence(set) }

    /// Paths that were found bad and not repaired since, sorted; each once, in the newest release that shows it.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func badPaths(set: String) throws -> [BadPath] {
        try database.read { session in
            guard let record = try session.contentSet(set) else { return [] }
            return try session.rows(
                """
                SELECT path, MAX(sequence), blob, reason, bytes, found_at FROM bad_path WHERE set_number = ?
                GROUP BY path ORDER BY path
                """, [.integer(record.number)]
            ) { row in
                BadPath(
                    path: try RelativePath(row.blob(0)), sequence: try row.unsigned(1),
                    blob: try row.optionalDigest(2, "bad_path").map { BlobDigest($0) }, reason: try row.text(3),
                    bytes: try row.unsigned(4), foundAt: try row.integer(5))
            }
        }
    }
}
