import Content
import Database
import LinuxIO
import Retention
import Synchronization
import Trust

/// Removing what nothing names. Whatever names others goes before them, so that a crash at any point leaves nothing
/// that names what is gone; files go after their rows, and their names are noted until that is durable.
extension Collector {
    /// Files whose names are noted before one sync of the file system lets the notes go.
    private static let notedFiles = 4_096

    mutating func sweep() throws {
        let hasDying = try hasDyingRows()
        try retireReleases()
        if hasDying { try sweepSourceRecords() }
        try sweepNodes()
        try sweepFiles()
        try sweepAttachments()
        try sweepLists()
        try sweepChangesets()
        try sweepLogs()
        try store.removeNotedFiles(durability)
        if options.findsLitter { try sweepLitter() }
    }

    /// Anything that a record of a source file may name goes.
    private func hasDyingRows() throws -> Bool {
        let lists = try store.database.first("SELECT COUNT(*) FROM chunk_list") { try $0.integer(0) } ?? 0
        let blobs = try store.database.first("SELECT blobs FROM blob_total") { try $0.integer(0) } ?? 0
        return blobs != marks.blobs.count || lists != marks.lists.count
    }

    // MARK: Releases

    /// Releases lose their content; their signed documents stay for as long as their changesets do.
    private mutating func retireReleases() throws {
        let (store, scope, nodeBytes) = (store, scope, marks.nodeBytes)
        try inBatch { machine, outcome in
            try store.database.withTransaction { session in
                for release in scope.retired where !machine.needs(release.root) {
                    guard try session.retire(release) else { continue }
                    outcome.releases += 1
                }
                for set in scope.names.keys.sorted() {
                    try session.dropPastReleases(of: set, above: nodeBytes[set] ?? 0)
                }
            }
        }
    }

    // MARK: Rows

    /// What is known of source files whose blob goes: they are read again if they come back.
    private mutating func sweepSourceRecords() throws {
        let (store, scope, marks) = (store, scope, marks)
        for set in scope.names.keys.sorted() {
            var last: [UInt8] = []
            while true {
                let start = last
                let end = try inBatch { _, _ -> [UInt8]? in
                    try store.database.withTransaction { session in
                        let rows = try session.rows(
                            "SELECT path, blob, list FROM source WHERE set_number = ? AND path > ? ORDER BY path LIMIT ?",
                            [.integer(set), .blob(start), .integer(4_096)]
                        ) { row in
                            (
                                path: try row.blob(0), blob: BlobDigest(try row.digest(1, "source")),
                                list: try row.optionalDigest(2, "source")
                            )
                        }
                        for row in rows {
                            let blob = try session.blob(row.blob)?.number
                            var isHere = blob.map { $0 > scope.lastBlob || marks.blobs.contains($0) } ?? false
                            if isHere, let list = row.list {
                                let number = try session.first(
                                    "SELECT rowid FROM chunk_list WHERE digest = ?", [.digest(list)]
                                ) { try $0.integer(0) }
                                isHere = number.map { $0 >= scope.lastList || marks.lists.contains($0) } ?? false
                            }
                            if !isHere { try session.removeSource(row.path, set: set) }
                        }
                        return rows.last?.path
                    }
                }
                guard let end else { break }
                last = end
            }
        }
    }

    /// Nodes, the upper ones first: a node that is there has everything below it.
    private mutating func sweepNodes() throws {
        let (store, scope, marks) = (store, scope, marks)
        var upper: [(level: UInt8, number: Int64)] = []
        var leaves: [Int64] = []
        var last: Int64 = -1
        while true {
            // A node begins with its version and its level.
            let page = try store.database.rows(
                "SELECT rowid, substr(bytes, 1, 2) FROM node WHERE rowid > ?1 AND rowid < ?2 ORDER BY rowid LIMIT 4096",
                [.integer(last), .integer(scope.lastNode)]
            ) { row in (number: try row.integer(0), start: try row.blob(1)) }
            guard let end = page.last?.number else { break }
            last = end
            for node in page where !marks.nodes.contains(node.number) {
                let level = node.start.count == 2 ? node.start[1] : 0
                if level > 0 { upper.append((level, node.number)) } else { leaves.append(node.number) }
            }
        }
        upper.sort { ($0.level, $0.number) > ($1.level, $1.number) }
        let order = upper.map(\.number) + leaves
        for start in stride(from: 0, to: order.count, by: Self.batch) {
            let numbers = order[start..<min(start + Self.batch, order.count)]
            try inBatch { _, outcome in
                // One that a session's root was marked for since then stays.
                outcome.nodes += try store.delete(numbers.filter { !marks.nodes.contains($0) }, from: .node)
            }
        }
    }

    private mutating func sweepAttachments() throws {
        let (store, marks, scope) = (store, marks, scope)
        try inBatches(
            """
            SELECT attachment.number, chunk_list.rowid FROM attachment
            LEFT JOIN chunk_list ON chunk_list.digest = attachment.list
            WHERE attachment.number > ?1 ORDER BY attachment.number LIMIT ?2
            """,
            { row in
                let number = try row.integer(0)
                return (number, (number: number, list: try row.optionalInteger(1)))
            }
        ) { rows, _ in
            try store.database.withTransaction { session in
                for row in rows {
                    let stays = row.list.map { $0 >= scope.lastList || marks.lists.contains($0) } ?? false
                    if !stays { try session.run("DELETE FROM attachment WHERE number = ?", [.integer(row.number)]) }
                }
            }
        }
    }

    private mutating func sweepLists() throws {
        let (store, marks, last) = (store, marks, scope.lastList)
        try inBatches(
            "SELECT rowid FROM chunk_list WHERE rowid > ?1 AND rowid < \(last) ORDER BY rowid LIMIT ?2",
            { row in (try row.integer(0), try row.integer(0)) }
        ) { numbers, outcome in
            outcome.chunkLists += try store.delete(numbers.filter { !marks.lists.contains($0) }, from: .chunkList)
        }
    }

    /// Changesets that no document which stays names.
    private mutating func sweepChangesets() throws {
        let (store, last) = (store, scope.lastChangeset)
        try inBatches(
            "SELECT rowid, digest FROM changeset WHERE rowid > ?1 AND rowid < \(last) ORDER BY rowid LIMIT ?2",
            { row in
                let number = try row.integer(0)
                return (number, (number: number, digest: try row.digest(1, "changeset")))
            }
        ) { rows, outcome in
            let named = try store.database.read { try $0.namedChangesets() }
            outcome.changesets += try store.delete(
                rows.filter { !named.contains(ChangesetDigest($0.digest)) }.map(\.number), from: .changeset)
        }
    }

    /// Entries of chunk logs that ended: what stays is the log of the head's epoch, and what a draft begins after it.
    private mutating func sweepLogs() throws {
        let store = store
        for set in scope.names.keys.sorted() {
            var isDone = false
            while !isDone {
                isDone = try inBatch { _, _ in
                    try store.database.withTransaction { try $0.dropEndedLog(of: set, atMost: Self.batch) } == 0
                }
            }
        }
    }

    // MARK: Files

    /// All inodes with numbers above ?1, at most ?2, for `file`.
    static let files = """
        SELECT variant.number, blob.number, blob.digest, modified, executable, copy
        FROM variant JOIN blob ON blob.number = variant.blob
        WHERE variant.number > ?1 ORDER BY variant.number LIMIT ?2
        """

    /// One row of `files`.
    static func file(
        _ row: Row
    ) throws -> (number: Int64, element: (number: Int64, blob: Int64, variant: BlobVariant)) {
        let variant = BlobVariant(
            digest: BlobDigest(try row.digest(2, "blob")), modified: try row.integer(3),
            isExecutable: try row.flag(4), copy: Int(try row.integer(5)))
        let number = try row.integer(0)
        return (number, (number, try row.integer(1), variant))
    }

    /// Inodes that nothing shows, and the blobs that have no other.
    private mutating func sweepFiles() throws {
        let (store, marks, scope, durability) = (store, marks, scope, durability)
        var noted = 0
        try inBatches(Self.files, Self.file) { rows, outcome in
            let dying = rows.filter { $0.number <= scope.lastVariant && !marks.variants.contains($0.number) }
            guard !dying.isEmpty else { return }
            let kept = { (blob: Int64) in blob > scope.lastBlob || marks.blobs.contains(blob) }
            try store.remove(dying.map { ($0.variant, $0.blob) }, keepingBlob: kept, &outcome)
            noted += dying.count
            if noted >= Self.notedFiles {
                noted = 0
                try store.removeNotedFiles(durability)
            }
        }
    }

    /// Files without a row, while no session runs: what is being moved there belongs to one.
    private mutating func sweepLitter() throws {
        let store = store
        for byte in UInt8.min...UInt8.max {
            let names = try store.blobNames(byte)
            for start in stride(from: 0, to: names.count, by: Self.batch) {
                let variants = names[start..<min(start + Self.batch, names.count)].compactMap { BlobVariant(name: $0) }
                let rowless = try store.database.read { session in try variants.filter { try !session.holds($0) } }
                guard !rowless.isEmpty else { continue }
                let isDone = try store.gate.machine.withLock { machine -> Bool in
                    guard !machine.hasSessions else { return false }
                    try store.groupLock.withLock { _ in
                        for variant in rowless where try !store.database.read({ try $0.holds(variant) }) {
                            guard let bytes = try store.unlink(variant) else { continue }
                            outcome.litterFiles += 1
                            outcome.litterBytes += bytes
                        }
                    }
                    return true
                }
                if !isDone { return }
            }
        }
    }
}

extension Session {
    /// Removes up to so many entries of the oldest log of a set that is not the head's any more; how many it removed.
    fileprivate func dropEndedLog(of set: Int64, atMost limit: Int) throws -> Int {
        let encoded = try first("SELECT log FROM content_set WHERE number = ? AND log NOT NULL", [.integer(set)]) {
            try $0.blob(0)
        }
        guard let encoded else { return 0 }
        return try run(
            """
            DELETE FROM log_entry WHERE set_number = ?1 AND (epoch, ordinal) IN (
                SELECT epoch, ordinal FROM log_entry WHERE set_number = ?1 AND epoch < ?2
                ORDER BY epoch, ordinal LIMIT ?3)
            """, [.integer(set), .integer(Int64(try ChunkLog(decoding: encoded).epoch)), .integer(Int64(limit))])
    }
}
