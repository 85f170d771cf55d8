import Content
import Database
import Hashing
import LinuxIO

/// What was recorded of a source file when it was read: if nothing of it has changed, the file is not read again.
struct SourceRecord {
    /// Of the file, after it was read and, if it was, linked.
    struct Stamp: Hashable {
        let size: UInt64
        let modified: FileTime
        let changed: FileTime
        let inode: UInt64
        let device: UInt64
    }

    let path: RelativePath
    let stamp: Stamp
    let blob: BlobDigest
    let list: ChunkListDigest?
    let further: [Digest]
    let profile: UInt8
    /// The file's inode is in the store: making and removing trees changes its ctime.
    let isLinked: Bool
    /// It had no extended attributes; false also in records that do not say.
    let isBare: Bool

    /// A file that was changed this shortly before it was looked at may change again within the same tick of a coarse
    /// clock, so its ctime proves nothing.
    static let distrustSeconds: Int64 = 2

    // In the column `linked`.
    fileprivate static let linkedBit: Int64 = 1
    fileprivate static let bareBit: Int64 = 2
}

extension SourceRecord {
    /// Of a file that was just read; nil if it changed so shortly before that its times prove nothing.
    init?(_ file: ReadFile, profile: ChunkProfile) {
        let attributes = file.linked ?? file.content.attributes
        let isTrusted =
            attributes.changed.seconds < file.readAt
            && file.readAt - attributes.changed.seconds > Self.distrustSeconds
        guard file.linked != nil || isTrusted else { return nil }
        self.init(
            path: file.item.path, stamp: Stamp(attributes), blob: file.content.blob, list: file.content.list?.digest,
            further: file.content.further, profile: profile.identifier, isLinked: file.linked != nil,
            isBare: file.item.isBare)
    }
}

extension SourceRecord.Stamp {
    init(_ attributes: FileAttributes) {
        self.init(
            size: attributes.size, modified: attributes.modified, changed: attributes.changed,
            inode: attributes.inode, device: attributes.device)
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 48)
        writer.u64(size)
        writer.i64(modified.seconds)
        writer.u32(modified.nanoseconds)
        writer.i64(changed.seconds)
        writer.u32(changed.nanoseconds)
        writer.u64(inode)
        writer.u64(device)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        size = try reader.u64()
        modified = FileTime(seconds: try reader.i64(), nanoseconds: try reader.u32())
        changed = FileTime(seconds: try reader.i64(), nanoseconds: try reader.u32())
        inode = try reader.u64()
        device = try reader.u64()
        try reader.expectEnd()
    }

    /// The ctime in nanoseconds since 1970.
    var changedNanoseconds: Int64 {
        let (product, overflow) = changed.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : product &+ Int64(changed.nanoseconds)
    }

    /// Whether a file that looks like `now` is the one that this stamp was taken of, unchanged.
    func proves(_ now: Self, isLinked: Bool, linking: ClosedRange<Int64>) -> Bool {
        guard size == now.size, modified == now.modified, inode == now.inode, device == now.device else { return false }
        // Linking a tree changes the ctime of an inode that source and store share; a write that fell into the same
        // time has changed the mtime too.
        return isLinked ? linking.contains(now.changedNanoseconds) : changed == now.changed
    }
}

/// The records of a set, read along with a walk in the same order.
struct SourceRecords {
    private let database: Connection
    private let set: Int64
    private var page: [SourceRecord] = []
    private var position = 0
    private var isAtEnd = false
    private var last: [UInt8] = []
    /// Paths that the walk did not meet any more.
    private(set) var passed: [[UInt8]] = []

    private static let pageSize = 512

    init(_ database: Connection, set: Int64) {
        self.database = database
        self.set = set
    }

    /// The record of `path`, if there is one; whoever removes a blob removes its records. Paths must be asked in ascending
    /// order.
    mutating func record(at path: RelativePath) throws -> SourceRecord? {
        while true {
            if position == page.count {
                if isAtEnd { return nil }
                try readPage()
                continue
            }
            let record = page[position]
            if record.path == path {
                position += 1
                return record
            }
            if path < record.path { return nil }
            passed.append(record.path.bytes)
            position += 1
        }
    }

    /// The walk is over: all that is left was not met.
    mutating func finish() throws {
        while !isAtEnd || position < page.count {
            passed += page[position...].map(\.path.bytes)
            position = page.count
            if !isAtEnd { try readPage() }
        }
    }

    mutating func takePassed() -> [[UInt8]] {
        defer { passed = [] }
        return passed
    }

    private mutating func readPage() throws {
        // That the blobs are held is not asked: it would be most of the time of a publish that changes little.
        page = try database.rows(
            """
            SELECT path, attributes, blob, list, further, profile, linked FROM source
            WHERE set_number = ? AND path > ? ORDER BY path LIMIT \(Self.pageSize)
            """, [.integer(set), .blob(last)]
        ) { row in
            SourceRecord(
                path: try RelativePath(row.blob(0)), stamp: try SourceRecord.Stamp(decoding: row.blob(1)),
                blob: BlobDigest(try row.digest(2, "source")),
                list: try row.optionalDigest(3, "source").map { ChunkListDigest($0) },
                further: try Self.digests(row.blob(4)), profile: UInt8(clamping: try row.integer(5)),
                isLinked: try row.integer(6) & SourceRecord.linkedBit != 0,
                isBare: try row.integer(6) & SourceRecord.bareBit != 0)
        }
        position = 0
        isAtEnd = page.count < Self.pageSize
        if let record = page.last { last = record.path.bytes }
    }

    static func encode(_ digests: [Digest]) -> [UInt8] {
        var writer = ByteWriter()
        for digest in digests {
            writer.u8(digest.algorithm.rawValue)
            writer.lengthPrefixed(digest.bytes)
        }
        return writer.bytes
    }

    private static func digests(_ bytes: [UInt8]) throws -> [Digest] {
        var reader = ByteReader(bytes)
        var digests: [Digest] = []
        while !reader.isAtEnd {
            guard let algorithm = HashAlgorithm(rawValue: try reader.u8()),
                let digest = Digest(algorithm, try reader.lengthPrefixed(max: 64))
            else { throw StoreError.damagedRecord(table: "source", reason: "an unknown digest") }
            digests.append(digest)
        }
        return digests
    }
}

extension Session {
    /// Writes or replaces a record.
    func write(_ record: SourceRecord, set: Int64) throws {
        try run(
            """
            INSERT OR REPLACE INTO source (set_number, path, attributes, blob, list, further, profile, linked)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(set), .blob(record.path.bytes), .blob(record.stamp.encoded), .digest(record.blob.raw),
                .digest(record.list?.raw), .blob(SourceRecords.encode(record.further)),
                .integer(Int64(record.profile)),
                .integer(
                    (record.isLinked ? SourceRecord.linkedBit : 0) | (record.isBare ? SourceRecord.bareBit : 0)),
            ])
    }

    /// The blobs of files whose inode is in the store: they are the publisher's own.
    func linkedSources() throws -> Set<BlobDigest> {
        Set(
            try rows("SELECT DISTINCT blob FROM source WHERE linked & \(SourceRecord.linkedBit) != 0") {
                BlobDigest(try $0.digest(0, "source"))
            })
    }

    /// Removes the records of a blob that is gone. Reads all records, which is as rare as damage; a collection sweeps
    /// them itself.
    func removeSources(of blob: BlobDigest) throws {
        try run("DELETE FROM source WHERE blob = ?", [.digest(blob.raw)])
    }

    /// Removes the record of a path.
    func removeSource(_ path: [UInt8], set: Int64) throws {
        try run("DELETE FROM source WHERE set_number = ? AND path = ?", [.integer(set), .blob(path)])
    }
}
