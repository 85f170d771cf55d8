import LinuxIO

/// Writes one sorted run from entries in ascending order.
struct IndexRunWriter {
    private let folder: Folder
    private let file: OpenFile
    private let number: UInt64
    private let level: UInt32
    private let lookup: IndexLookup
    private let buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var written: UInt64
    private var running = IndexChecksum.Running()
    private var bucket = -1
    /// Entries so far.
    private(set) var count: UInt64 = 0

    private static let bufferBytes = 1_048_576 / IndexEntry.byteCount * IndexEntry.byteCount
    /// Writing to the disk begins after so many bytes, so that the sync at the end waits for little.
    private static let writebackBytes: UInt64 = 8 << 20

    /// Creates the file; `close` must follow.
    /// - Parameter limit: the run gets no more entries than that; its table and filter are made for them.
    init(in folder: Folder, number: UInt64, level: UInt32, limit: UInt64) throws {
        let name = IndexFormat.runName(number)
        try folder.unlinkIfPresent(name)
        file = try folder.createFile(name, mode: 0o600)
        self.folder = folder
        self.number = number
        self.level = level
        written = IndexRun.entriesStart
        lookup = IndexLookup(emptyFor: limit)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 64)
    }

    func close() { buffer.deallocate() }

    /// Adds an entry whose key is greater than all before.
    @inline(__always)
    mutating func append(_ entry: IndexEntry) throws {
        guard let base = buffer.baseAddress else { return }
        let next = lookup.bucket(entry.key)
        while bucket < next {
            bucket += 1
            lookup.table.put(UInt32(truncatingIfNeeded: count), at: bucket * 4)
        }
        lookup.add(entry.key)
        entry.write(to: base + filled)
        filled += IndexEntry.byteCount
        count += 1
        if filled == buffer.count { try flush() }
    }

    /// Completes the run and makes its bytes durable (not its name), and opens it.
    mutating func finish(mapped: Bool) throws -> IndexRun {
        guard count <= IndexFormat.runEntryLimit else {
            throw ChunkIndexError.needsRebuild(file: IndexFormat.runName(number), reason: "too many entries")
        }
        try flush()
        while bucket < 1 << lookup.tableBits {
            bucket += 1
            lookup.table.put(UInt32(truncatingIfNeeded: count), at: bucket * 4)
        }
        let (table, filter) = (UnsafeRawBufferPointer(lookup.table), UnsafeRawBufferPointer(lookup.filter))
        try file.write(table, at: written)
        try file.write(filter, at: written + UInt64(table.count))
        let footer = IndexRun.Footer(
            magic: IndexFormat.runEndMagic, version: IndexFormat.version, level: level, count: count,
            tableBits: UInt32(lookup.tableBits), blockCount: lookup.blockCount, number: number,
            entries: running.value, table: IndexChecksum(of: table), filter: IndexChecksum(of: filter))
        try file.write(footer.bytes(), at: written + UInt64(table.count + filter.count))
        try file.write(header(), at: 0)
        try file.syncData()
        let run = try IndexRun(in: folder, number: number, mapped: mapped)
        run.adopt(lookup)
        return run
    }

    private mutating func flush() throws {
        let part = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
        running.update(part)
        try file.write(part, at: written)
        let before = written / Self.writebackBytes
        written += UInt64(filled)
        filled = 0
        if written / Self.writebackBytes != before {
            try file.startWriteback(offset: before * Self.writebackBytes, count: Self.writebackBytes)
        }
    }

    private func header() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: IndexFormat.runHeaderBytes)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.put(IndexFormat.runMagic, at: 0)
            buffer.put(IndexFormat.version, at: 8)
            buffer.put(number, at: 16)
            IndexChecksum(of: UnsafeRawBufferPointer(rebasing: buffer[..<48])).write(to: buffer, at: 48)
        }
        return bytes
    }
}
