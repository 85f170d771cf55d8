import LinuxIO
import Synchronization

/// One sorted run of an index: a file that never changes.
final class IndexRun: Sendable {
    let file: OpenFile
    let name: String
    let number: UInt64
    /// Runs of level n+1 were merged from four of level n.
    let level: UInt32
    let count: UInt64

    let entriesChecksum: IndexChecksum
    private let tableChecksum: IndexChecksum
    private let filterChecksum: IndexChecksum
    private let tableBits: Int
    private let blockCount: UInt64
    /// The whole file in memory, if the index asked for it.
    private let mapping: FileMapping?
    /// Read at the first look-up, so that opening an index reads two small pieces of each run.
    private let lookup: Mutex<IndexLookup?>

    private static let checksumBytes = IndexChecksum.byteCount

    /// Entries begin here.
    static let entriesStart = UInt64(IndexFormat.runHeaderBytes)
    var entriesEnd: UInt64 { IndexRun.entriesStart + count * UInt64(IndexEntry.byteCount) }

    /// Opens a run, checks its header and footer and that its length fits them.
    init(in folder: Folder, number: UInt64, mapped: Bool) throws {
        name = IndexFormat.runName(number)
        self.number = number
        let damaged = { [name] (reason: String) in ChunkIndexError.needsRebuild(file: name, reason: reason) }
        guard let file = try folder.openFileIfPresent(name) else { throw damaged("the run is missing") }
        self.file = file
        let size = try file.attributes().size
        let (headerBytes, footerBytes) = (IndexFormat.runHeaderBytes, IndexFormat.runFooterBytes)
        guard size >= UInt64(headerBytes + footerBytes) else { throw damaged("the run is cut off") }

        let header = try file.read(headerBytes, at: 0)
        let footer = try file.read(footerBytes, at: size - UInt64(footerBytes))
        guard header.count == headerBytes, footer.count == footerBytes,
            IndexRun.hasChecksum(header), IndexRun.hasChecksum(footer)
        else { throw damaged("its header or footer is damaged") }
        let version = header.withUnsafeBytes { $0.number(at: 8, as: UInt32.self) }
        guard version <= IndexFormat.version else {
            throw ChunkIndexError.newerFormat(file: name, version: version, supported: IndexFormat.version)
        }
        guard header.withUnsafeBytes({ $0.number(at: 0, as: UInt64.self) }) == IndexFormat.runMagic,
            header.withUnsafeBytes({ $0.number(at: 16, as: UInt64.self) }) == number
        else { throw damaged("it is another file") }

        let end = footer.withUnsafeBytes { IndexRun.Footer($0) }
        guard end.magic == IndexFormat.runEndMagic, end.number == number, end.count <= IndexFormat.runEntryLimit,
            end.tableBits <= 28, end.blockCount <= IndexLookup.blockCount(IndexFormat.runEntryLimit),
            end.fileSize == size
        else { throw damaged("its length does not fit its footer") }
        level = end.level
        count = end.count
        tableBits = Int(end.tableBits)
        blockCount = end.blockCount
        entriesChecksum = end.entries
        tableChecksum = end.table
        filterChecksum = end.filter
        mapping = mapped && end.count > 0 ? try FileMapping(file, count: Int(size)) : nil
        lookup = Mutex(nil)
        file.advise(.random)
    }

    private static func hasChecksum(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            let end = bytes.count - checksumBytes
            return IndexChecksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<end])) == IndexChecksum(bytes, at: end)
        }
    }

    /// The fields of a run's last 128 bytes.
    struct Footer {
        var magic: UInt64
        var version: UInt32
        var level: UInt32
        var count: UInt64
        var tableBits: UInt32
        var blockCount: UInt64
        var number: UInt64
        var entries: IndexChecksum
        var table: IndexChecksum
        var filter: IndexChecksum

        /// Bytes of a file with such a footer; its fields are within their limits, so nothing overflows.
        var fileSize: UInt64 {
            UInt64(IndexFormat.runHeaderBytes + IndexFormat.runFooterBytes) + count * UInt64(IndexEntry.byteCount)
                + UInt64(IndexLookup.tableBytes(Int(tableBits))) + blockCount * 64
        }
    }

    // MARK: Look-ups

    /// The table and filter, read and checked once.
    func loadedLookup() throws -> IndexLookup {
        try lookup.withLock { held in
            if let held { return held }
            let fresh = IndexLookup(tableBits: tableBits, blockCount: blockCount)
            let tableRead = try file.read(into: fresh.table, at: entriesEnd)
            let filterRead = try file.read(into: fresh.filter, at: entriesEnd + UInt64(fresh.table.count))
            guard tableRead == fresh.table.count, filterRead == fresh.filter.count,
                IndexChecksum(of: UnsafeRawBufferPointer(fresh.table)) == tableChecksum,
                IndexChecksum(of: UnsafeRawBufferPointer(fresh.filter)) == filterChecksum
            else { throw damaged("its table or filter is damaged") }
            held = fresh
            return fresh
        }
    }

    /// Gives the run what its writer had in memory anyway.
    func adopt(_ fresh: IndexLookup) { lookup.withLock { $0 = fresh } }

    func damaged(_ reason: String) -> ChunkIndexError { .needsRebuild(file: name, reason: reason) }

    /// Looks up those of the keys that are not found yet, and marks those it finds.
    func find(_ search: IndexSearch) throws {
        let lookup = try loadedLookup()
        // First the filter for all: its misses of the cache overlap, and most keys end here in most runs.
        var maybe: [(first: UInt64, number: UInt32)] = []
        for number in search.pending {
            let key = search.keys[Int(number)]
            if lookup.mayHold(key) { maybe.append((key.a, number)) }
        }
        if maybe.isEmpty { return }
        // In the order of the file: neighbours share pages, and what the kernel and the processor know of them.
        maybe.sort { $0.first < $1.first }
        // Where the keys asked for lie close together, one read of some kilobytes serves many.
        let isDense = count / UInt64(maybe.count) <= 32
        // Then the table for all, for the same reason.
        let ranges = maybe.map { item in
            let bucket = lookup.bucket(first: item.first)
            return (start: lookup.start(bucket), end: lookup.start(bucket + 1))
        }
        var reader = EntryReader(run: self, readAhead: isDense ? 16384 : 0)
        defer { reader.close() }
        for (item, range) in zip(maybe, ranges) {
            guard range.start <= range.end, range.end <= Int(count) else { throw damaged("its table is damaged") }
            let number = Int(item.number)
            if let entry = try reader.find(search.keys[number], range.start, range.end) {
                search.found(number, entry)
            }
        }
        search.dropFound()
    }

    /// The mapped bytes at `offset`; nil if the file is not mapped.
    @inline(__always)
    func mapped(_ offset: UInt64) -> UnsafeRawPointer? { mapping.map { $0.bytes + Int(offset) } }

    // MARK: Verification

    /// Reads the whole run and compares every checksum, the order of the keys, the table and the filter.
    func verify() throws {
        let lookup = try loadedLookup()
        var cursor = try EntryCursor(self)
        var position = 0
        var bucket = -1
        while !cursor.isAtEnd {
            let key = cursor.entry.key
            guard lookup.mayHold(key) else { throw damaged("its filter does not know entry \(position)") }
            let next = lookup.bucket(key)
            while bucket < next {
                bucket += 1
                guard lookup.start(bucket) == position else { throw damaged("its table is wrong at \(bucket)") }
            }
            position += 1
            try cursor.advance()
        }
        while bucket < 1 << tableBits {
            bucket += 1
            guard lookup.start(bucket) == position else { throw damaged("its table is wrong at \(bucket)") }
        }
    }
}

extension IndexRun.Footer {
    /// Reads the fields of 128 bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        magic = bytes.number(at: 0, as: UInt64.self)
        version = bytes.number(at: 8, as: UInt32.self)
        level = bytes.number(at: 12, as: UInt32.self)
        count = bytes.number(at: 16, as: UInt64.self)
        tableBits = bytes.number(at: 24, as: UInt32.self)
        blockCount = bytes.number(at: 32, as: UInt64.self)
        number = bytes.number(at: 40, as: UInt64.self)
        entries = IndexChecksum(bytes, at: 48)
        table = IndexChecksum(bytes, at: 64)
        filter = IndexChecksum(bytes, at: 80)
    }

    /// The 128 bytes, with their checksum.
    func bytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: IndexFormat.runFooterBytes)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.put(magic, at: 0)
            buffer.put(version, at: 8)
            buffer.put(level, at: 12)
            buffer.put(count, at: 16)
            buffer.put(tableBits, at: 24)
            buffer.put(blockCount, at: 32)
            buffer.put(number, at: 40)
            entries.write(to: buffer, at: 48)
            table.write(to: buffer, at: 64)
            filter.write(to: buffer, at: 80)
            IndexChecksum(of: UnsafeRawBufferPointer(rebasing: buffer[..<112])).write(to: buffer, at: 112)
        }
        return bytes
    }
}
