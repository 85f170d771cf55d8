package import Content
import Database

/// Reading the chunk log of a set that is published here.
extension Store {
    /// The state of a set's chunk log when it had `size` entries, and the entries from there up to `end`; nil if this
    /// host does not keep the log, as a mirror, or it is not that long. Costs a hash for every entry before `size`.
    /// - Throws: `DatabaseError` if the database cannot be read, `ChunkLogError` if what it has is no log.
    package func chunkLog(
        set name: String, from size: UInt64, to end: UInt64
    ) throws -> (state: ChunkLog, entries: [ChunkReference])? {
        guard let record = try database.read({ try $0.contentSet(name) }), let encoded = record.log else { return nil }
        let log = try ChunkLog(decoding: encoded)
        guard size <= end, end <= log.size else { return nil }
        var state = ChunkLog(epoch: log.epoch)
        var entries: [ChunkReference] = []
        for from in stride(from: 0, to: end, by: Int(Self.logBatch)) {
            let batch = try logEntries(record.number, log.epoch, from..<min(from + Self.logBatch, end))
            let before = min(batch.count, Int(size - min(size, from)))
            try state.append(Array(batch[..<before]))
            entries += batch[before...]
        }
        guard state.size == size, UInt64(entries.count) == end - size else { return nil }
        return (state, entries)
    }

    /// Whether this host keeps the chunk log of a set: it publishes the set.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func keepsChunkLog(ofSet name: String) throws -> Bool {
        try database.read { try $0.contentSet(name) }?.log != nil
    }

    private static let logBatch: UInt64 = 65_536

    private func logEntries(_ set: Int64, _ epoch: UInt32, _ range: Range<UInt64>) throws -> [ChunkReference] {
        try database.read { session in
            try session.rows(
                """
                SELECT chunk, length FROM log_entry
                WHERE set_number = ? AND epoch = ? AND ordinal >= ? AND ordinal < ? ORDER BY ordinal
                """,
                [.integer(set), .integer(Int64(epoch)), .unsigned(range.lowerBound), .unsigned(range.upperBound)]
            ) { row in
                ChunkReference(
                    digest: ChunkDigest(try row.digest(0, "log_entry")), length: UInt32(clamping: try row.integer(1)))
            }
        }
    }
}
