import Content
import Database
import Hashing
import LinuxIO
import Synchronization
import Trust

extension Store {
    /// Opens the store in the directory `data`, which is made if it is not there, and puts right what a crash left.
    ///
    /// What it does is bounded by what was in flight, not by what the store holds: staged groups are taken back or
    /// kept, finished ones are entered into the chunk index, a flip that was not recorded is. Trees that were being made
    /// or removed only get another name: call `removeLeftovers` when there is time.
    ///
    /// - Parameters:
    ///   - state: a directory for the database and the index, as on a faster disk; nil for `.store` itself.
    ///   - onPhase: told of each phase before it begins, with the set's name (empty for the whole store), on any thread.
    /// - Throws: `StoreError.locked` if another process has it open, `unknownFormat` for a store of a newer program,
    ///   `cannotLink` where hard links or renames do not work, `databaseLost` and `databaseDamaged` where only `rebuild`
    ///   helps, and what the disk says.
    package static func open(
        data path: String, state: String? = nil,
        onPhase: @escaping @Sendable (_ phase: StorePhase, _ set: String) -> Void = { _, _ in }
    ) throws -> Store {
        onPhase(.recover, "")
        let data = try openData(path)
        let top = try data.ensureFolder(StoreLayout.storeFolder, mode: 0o700)
        guard let lock = try FileLock.acquire(in: top, "lock") else {
            throw StoreError.locked(data: path, holder: try FileLock.holder(in: top, Array("lock".utf8)))
        }
        try checkFormat(top, path)
        let folders = try StoreFolders(data: data, store: top)
        do {
            try folders.staging.proveLinks(into: folders.releases)
            try folders.staging.proveLinks(into: data)
        } catch {
            throw StoreError.cannotLink(data: path, error)
        }
        let statePath = try state.map { path in
            _ = try openData(path)
            return path
        }
        let database = try openDatabase(path, statePath, folders)
        // Folding the log back costs two syncs: at 64 MiB, a publish of many files does it rarely.
        try database.run("PRAGMA wal_autocheckpoint = 16384")
        try database.run("PRAGMA cache_size = -16384")
        let index = try openIndex(path, statePath, top, database)
        let store = Store(
            dataPath: path, folders: folders, database: database, index: index.index, lock: lock, onPhase: onPhase)
        try store.recover(rebuildsIndex: index.isNew)
        return store
    }

    /// The database; made if the store is new.
    private static func openDatabase(_ path: String, _ state: String?, _ folders: StoreFolders) throws -> Connection {
        let place = state ?? "\(path)/\(StoreLayout.storeFolder)"
        if try Folder.open(place).stat(StoreLayout.databaseFile) == nil {
            // Without its rows every blob would be fetched again, over the ones that are there.
            guard try folders.blobs.isEmpty(), try folders.releaseFiles.sets().isEmpty else {
                throw StoreError.databaseLost(data: path, place: place)
            }
        }
        do {
            return try Connection(
                path: "\(place)/\(StoreLayout.databaseFile)", migrations: StoreSchema.migrations, readerCount: 4)
        } catch let error as DatabaseError where error.kind == .corrupt || error.kind == .notADatabase {
            throw StoreError.databaseDamaged(data: path, place: place, reason: error.message)
        }
    }

    static func openData(_ path: String) throws -> Folder {
        do {
            return try Folder.open(path)
        } catch {
            guard error.isNotFound else { throw error }
            let (parent, name) = split(path)
            return try Folder.open(parent).ensureFolder(name, mode: 0o755)
        }
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
        let parent = trimmed[..<slash]
        return (parent.isEmpty ? "/" : String(parent), String(trimmed[trimmed.index(after: slash)...]))
    }

    /// The format file is written last of the layout: a store without one is new, or was killed while it was made.
    static func checkFormat(_ top: Folder, _ path: String) throws {
        if let file = try top.openFileIfPresent("format") {
            let bytes = try file.read(256, at: 0)
            let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            guard line == StoreLayout.formatLine else { throw StoreError.unknownFormat(data: path, found: line) }
            return
        }
        try top.unlinkIfPresent("format.new")
        let file = try top.createFile("format.new", mode: 0o644)
        try file.write(Array("\(StoreLayout.formatLine)\n".utf8), at: 0)
        try file.sync()
        try top.rename("format.new", to: "format")
        try top.sync()
    }

    /// The chunk index, empty and marked new if there is none that can be used.
    private static func openIndex(
        _ path: String, _ state: String?, _ top: Folder, _ database: Connection
    ) throws -> (index: any ChunkIndex, isNew: Bool) {
        let parent = try state.map { try Folder.open($0) } ?? top
        let isNew = try parent.stat(StoreLayout.indexFolder) == nil
        let folder = try parent.ensureFolder(StoreLayout.indexFolder, mode: 0o700)
        do {
            return (try DiskChunkIndex(folder: folder), isNew)
        } catch ChunkIndexError.needsRebuild {
            // Durable before the index is emptied: a crash while it is filled leaves one that is filled from the start.
            try database.withTransaction { session in
                try session.setMark("indexed-blob", 0)
                try session.setMark("indexed-attachment", 0)
            }
            try folder.removeContents()
            return (try DiskChunkIndex(folder: folder), true)
        }
    }

    // MARK: Recovery

    private func recover(rebuildsIndex: Bool) throws {
        try recoverStaging()
        // Before the flip is looked at that it belongs to: recording that one forgets them.
        for set in try database.read({ try $0.headsBySet() }) { try settleTimes(of: set.number) }
        try recoverTrees()
        try recoverTending()
        try enforceYanks()
        try recoverIndex(fromStart: rebuildsIndex)
    }

    /// Takes back what was moved into `blobs` and not recorded; keeps what a fetch can go on with.
    private func recoverStaging() throws {
        for entry in try staging.list() {
            guard entry.type == .directory, let folder = try staging.subfolderIfPresent(entry.name) else {
                try staging.unlinkIfPresent(entry.name)
                continue
            }
            let isFetch = entry.name.suffix(6).elementsEqual(".fetch".utf8)
            for variant in try StagingFolder.journalled(in: folder) {
                let from = blobs.folder(variant.digest)
                guard try !database.read({ try $0.holds(variant) }), try from.stat(variant.name) != nil else {
                    continue
                }
                if isFetch {
                    try from.rename(variant.name, in: folder, to: BlobVariant.hex(variant.digest))
                } else {
                    try from.unlinkIfPresent(variant.name)
                }
            }
            try folder.unlinkIfPresent(Array(StoreLayout.journal.utf8))
            if !isFetch { try staging.removeTree(entry.name) }
        }
    }

    /// Puts aside trees that were being linked or removed, and records a flip that was not.
    private func recoverTrees() throws {
        for entry in try releases.list() where entry.type == .directory {
            let folder = try releases.subfolder(entry.name)
            for tree in try folder.list() where StoreLayout.isUnfinished(tree.name) { try putAside(tree.name, folder) }
        }
        for (name, number, head) in try database.read({ try $0.headsBySet() }) {
            try keepFile(of: head, name)
            guard let sequence = try linkedSequence(name) else { continue }
            let isHeld = try database.read { try $0.release(number, sequence) } != nil
            guard CommitOrder.recordsFlip(linked: sequence, head: head, isHeld: isHeld) else { continue }
            try data.sync()
            try recordHead(number, sequence)
        }
    }

    /// Gives a tree a name that no session uses, so that nobody waits for its removal.
    private func putAside(_ name: [UInt8], _ folder: Folder) throws {
        guard !name.ends(with: StoreLayout.leftoverSuffix.utf8) else { return }
        var number = 0
        while try folder.stat("\(number)\(StoreLayout.leftoverSuffix)") != nil { number += 1 }
        try folder.rename(name, to: Array("\(number)\(StoreLayout.leftoverSuffix)".utf8))
    }

    /// Writes the file of a head that has none: its release was stored before there were such files.
    private func keepFile(of head: UInt64?, _ set: String) throws {
        guard let head, try !releaseFiles.holds(set: set, sequence: head), let bytes = try releaseDocument(set: set)
        else {
            return
        }
        let document = try ReleaseDocument(decoding: bytes)
        var further: [HashAlgorithm] = []
        do {
            try ManifestTree.forEachEntry(root: document.manifest.digest, source: { try self.node($0) }) { entry in
                further = entry.furtherDigests.map(\.algorithm)
                return entry.type != .file
            }
        } catch is ManifestError {
            // A node is missing: the next session of the set finds that out, and writes the file.
            return
        }
        try releaseFiles.write(bytes, set: set, sequence: head, furtherDigests: further)
    }

    /// Removes what a killed process left of trees; it takes as long as those were large. Beside everything else: no
    /// session uses their names.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func removeLeftovers() throws {
        for entry in try releases.list() where entry.type == .directory {
            let folder = try releases.subfolder(entry.name)
            for tree in try folder.list() where tree.name.ends(with: StoreLayout.leftoverSuffix.utf8) {
                try folder.removeTree(tree.name)
            }
        }
    }

    /// Enters the blobs into the chunk index that it may not have kept, or all of them.
    private func recoverIndex(fromStart: Bool) throws {
        var (blob, attachment) = try database.read { session in
            fromStart ? (0, 0) : (try session.mark("indexed-blob"), try session.mark("indexed-attachment"))
        }
        let isComplete = try database.read { session in
            try session.first("SELECT 1 FROM blob WHERE number > ?", [.integer(blob)]) { _ in true } == nil
                && session.first("SELECT 1 FROM attachment WHERE number > ?", [.integer(attachment)]) { _ in true }
                    == nil
        }
        if !isComplete {
            blob = try enterBlobs(after: blob)
            attachment = try enterAttachments(after: attachment)
            try index.sync()
            try database.withTransaction { session in
                try session.setMark("indexed-blob", blob)
                try session.setMark("indexed-attachment", attachment)
            }
        }
        groupLock.withLock { state in
            (state.indexedBlob, state.toldBlob) = (blob, blob)
            (state.indexedAttachment, state.toldAttachment) = (attachment, attachment)
        }
    }

    /// Enters all blobs above a number, a few thousand at a time; the last number.
    private func enterBlobs(after start: Int64) throws -> Int64 {
        var last = start
        while true {
            var entries: [ChunkIndexEntry] = []
            let count = try database.read { session -> Int in
                let rows = try session.rows(
                    "SELECT number, digest, size, list FROM blob WHERE number > ? ORDER BY number LIMIT 1024",
                    [.integer(last)]
                ) { row in
                    (
                        number: try row.integer(0), digest: BlobDigest(try row.digest(1, "blob")),
                        size: try row.unsigned(2), list: try row.optionalDigest(3, "blob")
                    )
                }
                for row in rows {
                    last = row.number
                    guard let list = row.list else {
                        appendLocations(&entries, row.digest, row.size, [], row.number)
                        continue
                    }
                    guard let bytes = try session.value(.chunkList, list) else { continue }
                    appendLocations(&entries, row.digest, row.size, try ChunkList(decoding: bytes).chunks, row.number)
                }
                return rows.count
            }
            try index.insert(entries)
            if count < 1024 { return last }
        }
    }

    private func enterAttachments(after start: Int64) throws -> Int64 {
        let rows = try database.read { session in
            try session.rows(
                """
                SELECT attachment.number, blob.number, blob.digest, blob.size, chunk_list.bytes FROM attachment
                JOIN blob ON blob.number = attachment.blob JOIN chunk_list ON chunk_list.digest = attachment.list
                WHERE attachment.number > ? ORDER BY attachment.number
                """, [.integer(start)]
            ) { row in
                (
                    attachment: try row.integer(0), number: try row.integer(1),
                    digest: BlobDigest(try row.digest(2, "blob")), size: try row.unsigned(3), bytes: try row.blob(4)
                )
            }
        }
        var entries: [ChunkIndexEntry] = []
        for row in rows {
            appendLocations(&entries, row.digest, row.size, try ChunkList(decoding: row.bytes).chunks, row.number)
        }
        try index.insert(entries)
        return rows.last?.attachment ?? start
    }
}
