import LinuxIO

/// Reads the entries of one bucket of a run at a time, from the mapping or with one pread.
struct EntryReader {
    private let run: IndexRun
    /// At least this many bytes are read, so that the next bucket may already be there.
    private let readAhead: Int
    private let buffer: UnsafeMutableRawBufferPointer
    /// What of the file the buffer holds.
    private var windowStart: UInt64 = 0
    private var windowCount = 0

    /// Entries looked at one by one. A bucket has 8 to 16; one with more than this was made by someone who searched
    /// for digests with equal beginnings.
    private static let scanLimit = 128

    init(run: IndexRun, readAhead: Int) {
        self.run = run
        self.readAhead = readAhead
        buffer = .allocate(byteCount: max(readAhead, Self.scanLimit * IndexEntry.byteCount), alignment: 64)
    }

    func close() { buffer.deallocate() }

    /// The entry with this key among those numbered from `start` to `end`, which are in order.
    @inline(__always)
    mutating func find(_ key: IndexKey, _ start: Int, _ end: Int) throws -> IndexEntry? {
        var (start, end) = (start, end)
        if end - start > EntryReader.scanLimit { (start, end) = try narrowed(key, start, end) }
        guard start < end else { return nil }
        let first = try bytes(start, end - start)
        let after = first + (end - start) * IndexEntry.byteCount
        var pointer = first
        let wanted = key.a.bigEndian
        while pointer < after {
            if pointer.loadUnaligned(as: UInt64.self) == wanted {
                let entry = IndexEntry(at: pointer)
                guard entry.isSound else { throw damage(start, end) }
                if entry.key == key { return entry }
            }
            pointer += IndexEntry.byteCount
        }
        // Not there, although the filter knows it, as happens once in 200 times: or is the entry here, with a flipped
        // bit in its key?
        pointer = first
        while pointer < after {
            guard IndexEntry(at: pointer).isSound else { throw damage(start, end) }
            pointer += IndexEntry.byteCount
        }
        return nil
    }

    private func damage(_ start: Int, _ end: Int) -> ChunkIndexError {
        run.damaged("an entry between \(start) and \(end) is damaged")
    }

    /// Halves a range until it is short enough to read as a whole.
    private mutating func narrowed(_ key: IndexKey, _ start: Int, _ end: Int) throws -> (Int, Int) {
        var (low, high) = (start, end)
        while high - low > EntryReader.scanLimit {
            let middle = low + (high - low) / 2
            let entry = IndexEntry(at: try bytes(middle, 1))
            guard entry.isSound else { throw run.damaged("entry \(middle) is damaged") }
            if entry.key <= key { low = middle } else { high = middle }
        }
        return (low, high)
    }

    /// The bytes of `count` entries from `first` on.
    @inline(__always)
    private mutating func bytes(_ first: Int, _ count: Int) throws -> UnsafeRawPointer {
        let offset = IndexRun.entriesStart + UInt64(first * IndexEntry.byteCount)
        if let pointer = run.mapped(offset) { return pointer }
        let wanted = count * IndexEntry.byteCount
        if offset < windowStart || offset + UInt64(wanted) > windowStart + UInt64(windowCount) {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<max(wanted, readAhead)])
            windowCount = try run.file.read(into: room, at: offset)
            windowStart = offset
            guard windowCount >= wanted else { throw run.damaged("it was cut off while open") }
        }
        guard let base = buffer.baseAddress else { preconditionFailure("a reader without a buffer") }
        return UnsafeRawPointer(base) + Int(offset - windowStart)
    }
}
