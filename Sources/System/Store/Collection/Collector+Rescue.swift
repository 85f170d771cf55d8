import Content
import Database
import Synchronization

/// The chunk index knows one place for each chunk. Before a blob goes, each of its chunks that a blob which stays also
/// holds is given that place.
extension Collector {
    private static let page = 256

    /// Looks at the chunks of every blob that stays, if any goes: a look-up each, which reads next to nothing of what
    /// is not there. Durable when it returns.
    func rescue() throws {
        guard try hasDyingBlobs() else { return }
        try rescueFromBlobs()
        try rescueFromAttachments()
        try rescueWhole()
        try store.groupLock.withLock { try store.syncIndex(&$0) }
    }

    private func hasDyingBlobs() throws -> Bool {
        var last: Int64 = 0
        while true {
            let numbers = try store.database.rows(
                "SELECT number FROM blob WHERE number > ? ORDER BY number LIMIT 65536", [.integer(last)]
            ) { try $0.integer(0) }
            if numbers.contains(where: isDying(blob:)) { return true }
            guard let end = numbers.last, end < scope.lastBlob else { return false }
            last = end
        }
    }

    /// Blobs of several chunks.
    private func rescueFromBlobs() throws {
        try pages(
            """
            SELECT blob.number, blob.number, blob.digest, blob.size, chunk_list.bytes FROM blob
            JOIN chunk_list ON chunk_list.digest = blob.list WHERE blob.number > ?1 ORDER BY blob.number LIMIT ?2
            """)
    }

    /// Blobs that a set with another chunk profile cuts elsewhere.
    private func rescueFromAttachments() throws {
        try pages(
            """
            SELECT attachment.number, blob.number, blob.digest, blob.size, chunk_list.bytes FROM attachment
            JOIN blob ON blob.number = attachment.blob JOIN chunk_list ON chunk_list.digest = attachment.list
            WHERE attachment.number > ?1 ORDER BY attachment.number LIMIT ?2
            """)
    }

    private func pages(_ sql: String) throws {
        var last: Int64 = 0
        while true {
            let end = try store.groupLock.withLock { _ -> Int64? in
                var end: Int64?
                var entries: [ChunkIndexEntry] = []
                try store.database.read { session in
                    try session.query(sql, [.integer(last), .integer(Self.page)]) { row in
                        end = try row.integer(0)
                        let number = try row.integer(1)
                        guard !isDying(blob: number) else { return }
                        store.appendLocations(
                            &entries, BlobDigest(try row.digest(2, "blob")), try row.unsigned(3),
                            try ChunkList(decoding: row.blob(4)).chunks, number)
                    }
                }
                try enter(entries)
                return end
            }
            guard let end else { return }
            last = end
        }
    }

    /// Blobs of one chunk that is also in a longer blob which goes.
    private func rescueWhole() throws {
        var last: Int64 = 0
        while true {
            let end = try store.groupLock.withLock { _ -> Int64? in
                var end: Int64?
                var entries: [ChunkIndexEntry] = []
                try store.database.read { session in
                    var chunks: [ChunkDigest] = []
                    try session.query(
                        "SELECT number, digest FROM blob WHERE number > ?1 ORDER BY number LIMIT ?2",
                        [.integer(last), .integer(Self.page)]
                    ) { row in
                        let number = try row.integer(0)
                        end = number
                        guard isDying(blob: number) else { return }
                        let blob = BlobDigest(try row.digest(1, "blob"))
                        chunks += try session.chunksOfAllLists(blob).filter { $0.raw != blob.raw }
                    }
                    for chunk in chunks {
                        guard let record = try session.blob(BlobDigest(chunk.raw)), !isDying(blob: record.number) else {
                            continue
                        }
                        store.appendLocations(&entries, BlobDigest(chunk.raw), record.size, [], record.number)
                    }
                }
                try enter(entries)
                return end
            }
            guard let end else { return }
            last = end
        }
    }

    /// Enters those of the places whose chunk lies in a blob that goes, or nowhere.
    private func enter(_ entries: [ChunkIndexEntry]) throws {
        guard !entries.isEmpty else { return }
        let places = try store.locate(entries.map(\.digest))
        let lost = zip(entries, places).filter { _, place in
            place.map { isDying(blob: Int64($0.blobNumber)) } ?? true
        }
        try store.index.insert(lost.map(\.0))
    }
}
