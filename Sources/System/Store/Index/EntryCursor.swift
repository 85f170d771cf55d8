import LinuxIO

/// Walks the entries of a run, or of a sorted table, in order. Of a run it checks every entry, the order, and at the
/// end the checksum over all: what was damaged is never copied into the next run.
struct EntryCursor {
    /// The entry it stands at; of no meaning at the end.
    private(set) var entry: IndexEntry
    private(set) var isAtEnd = false

    private var next: UnsafeRawPointer
    private var end: UnsafeRawPointer
    private let source: Source

    /// Where the bytes come from; owns the memory that the cursor points into.
    private final class Source {
        let buffer: UnsafeMutableRawBufferPointer
        /// Nil for a table.
        let run: IndexRun?
        private let table: EntryTable?
        private let order: [UInt32]
        /// Where the next refill begins: a byte of the run, or a place in the table's order.
        private var offset: UInt64
        private var running = IndexChecksum.Running()

        /// 5,461 entries.
        static let bufferBytes = 262_144 / IndexEntry.byteCount * IndexEntry.byteCount

        init(_ run: IndexRun) {
            (self.run, table, order) = (run, nil, [])
            offset = IndexRun.entriesStart
            buffer = .allocate(byteCount: Self.bufferBytes, alignment: 64)
        }

        init(_ table: EntryTable) {
            (run, self.table, order) = (nil, table, table.sortedOrder())
            offset = 0
            buffer = .allocate(byteCount: Self.bufferBytes, alignment: 64)
        }

        deinit { buffer.deallocate() }

        /// The next entries; none at the end, of a run once the checksum was found right.
        func refill() throws -> UnsafeRawBufferPointer {
            if let run { return try refill(from: run) }
            let part = order[Int(offset)...].prefix(Self.bufferBytes / IndexEntry.byteCount)
            if let base = buffer.baseAddress { table?.write(part, to: base) }
            offset += UInt64(part.count)
            return UnsafeRawBufferPointer(rebasing: buffer[..<(part.count * IndexEntry.byteCount)])
        }

        private func refill(from run: IndexRun) throws -> UnsafeRawBufferPointer {
            let wanted = Int(min(UInt64(buffer.count), run.entriesEnd - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            guard try run.file.read(into: part, at: offset) == wanted else { throw run.damaged("it was cut off") }
            running.update(UnsafeRawBufferPointer(part))
            offset += UInt64(wanted)
            if wanted == 0 && running.value != run.entriesChecksum {
                throw run.damaged("the checksum of its entries is wrong")
            }
            return UnsafeRawBufferPointer(part)
        }
    }

    /// Stands at the first entry of a run.
    init(_ run: IndexRun) throws {
        try self.init(Source(run))
    }

    /// Stands at the first of the entries of a table, in the order of their keys. The table must not change meanwhile.
    init(sorted table: EntryTable) throws {
        try self.init(Source(table))
    }

    private init(_ source: Source) throws {
        self.source = source
        guard let base = source.buffer.baseAddress else { preconditionFailure("a cursor without a buffer") }
        next = UnsafeRawPointer(base)
        end = next
        // Any entry will do as the one before the first: `step` does not look at it then.
        entry = withUnsafeTemporaryAllocation(byteCount: IndexEntry.byteCount, alignment: 8) { zeros in
            zeros.initializeMemory(as: UInt8.self, repeating: 0)
            guard let base = zeros.baseAddress else { preconditionFailure("no room for an entry") }
            return IndexEntry(at: base)
        }
        try step(isFirst: true)
    }

    /// Goes on to the next entry.
    @inline(__always)
    mutating func advance() throws { try step(isFirst: false) }

    @inline(__always)
    private mutating func step(isFirst: Bool) throws {
        if next == end {
            let bytes = try source.refill()
            guard let base = bytes.baseAddress, bytes.count > 0 else {
                isAtEnd = true
                return
            }
            next = base
            end = base + bytes.count
        }
        let following = IndexEntry(at: next)
        next += IndexEntry.byteCount
        if let run = source.run {
            guard following.isSound else { throw run.damaged("an entry is damaged") }
            guard isFirst || entry.key < following.key else { throw run.damaged("its entries are out of order") }
        }
        entry = following
    }

    /// Calls `body` once for each key that any of the cursors has, in ascending order, with the entry of the first
    /// cursor that has it: the newest comes first. None of the cursors may be used afterwards.
    static func merge(_ cursors: [EntryCursor], _ body: (IndexEntry) throws -> Void) throws {
        var cursors = cursors.filter { !$0.isAtEnd }
        try cursors.withUnsafeMutableBufferPointer { cursors in
            var live = cursors.count
            while live > 0 {
                var least = 0
                for index in 1..<max(1, live) where cursors[index].entry.key < cursors[least].entry.key {
                    least = index
                }
                let entry = cursors[least].entry
                try body(entry)
                // Those before `least` have greater keys; those after it may have the same one, which is older.
                var index = least
                while index < live {
                    if cursors[index].entry.key == entry.key {
                        try cursors[index].advance()
                        if cursors[index].isAtEnd {
                            // Keep the order of the others: it says which is newer.
                            for later in (index + 1)..<max(index + 1, live) { cursors.swapAt(later - 1, later) }
                            live -= 1
                            continue
                        }
                    }
                    index += 1
                }
            }
        }
    }
}
