import Content
import Database
import Hashing

/// A blob as the database has it.
struct BlobRecord {
    let number: Int64
    let size: UInt64
    let list: ChunkListDigest?
}

/// A variant with its row's number.
struct VariantRecord {
    let number: Int64
    let variant: BlobVariant
}

extension Row {
    /// A BLAKE3 digest; any other length is damage.
    func digest(_ column: Int, _ table: String) throws -> BLAKE3Digest {
        let digest = try withBlob(column) { $0.count == BLAKE3Digest.byteCount ? BLAKE3Digest(Array($0)) : nil }
        guard let digest else { throw StoreError.damagedRecord(table: table, reason: "a digest of wrong length") }
        return digest
    }

    /// A digest, nil for NULL.
    func optionalDigest(_ column: Int, _ table: String) throws -> BLAKE3Digest? {
        isNull(column) ? nil : try digest(column, table)
    }
}

extension Value {
    /// A digest as 32 bytes.
    static func digest(_ digest: BLAKE3Digest) -> Value { .blob(digest.bytes) }
    /// A digest, or NULL.
    static func digest(_ digest: BLAKE3Digest?) -> Value { digest.map { .blob($0.bytes) } ?? .null }
}

extension Session {
    /// The row of a blob, nil if the store does not hold it.
    func blob(_ digest: BlobDigest) throws -> BlobRecord? {
        try first("SELECT number, size, list FROM blob WHERE digest = ?", [.digest(digest.raw)]) { row in
            BlobRecord(
                number: try row.integer(0), size: try row.unsigned(1),
                list: try row.optionalDigest(2, "blob").map { ChunkListDigest($0) })
        }
    }

    /// Whether the first inode of these attributes is recorded.
    func holds(_ variant: BlobVariant) throws -> Bool {
        try first(
            """
            SELECT variant.number FROM blob JOIN variant ON variant.blob = blob.number
            WHERE blob.digest = ? AND variant.modified = ? AND variant.executable = ? AND variant.copy = ?
            """,
            [
                .digest(variant.digest.raw), .integer(variant.modified), .flag(variant.isExecutable),
                .integer(variant.copy),
            ]
        ) { try $0.integer(0) } != nil
    }

    /// All inodes of a blob, oldest first.
    func variants(of digest: BlobDigest, number: Int64) throws -> [VariantRecord] {
        try rows(
            "SELECT number, modified, executable, copy FROM variant WHERE blob = ? ORDER BY number", [.integer(number)]
        ) { row in
            VariantRecord(
                number: try row.integer(0),
                variant: BlobVariant(
                    digest: digest, modified: try row.integer(1), isExecutable: try row.flag(2),
                    copy: Int(try row.integer(3))))
        }
    }

    /// Records a blob and one of its inodes; either may be there already.
    /// - Returns: the blob's number, and whether its row is new.
    func record(_ variant: BlobVariant, size: UInt64, list: ChunkListDigest?) throws -> (number: Int64, isNew: Bool) {
        // Most are new: one statement finds that out and writes the row.
        let added = try run(
            "INSERT OR IGNORE INTO blob (digest, size, list) VALUES (?, ?, ?)",
            [.digest(variant.digest.raw), .unsigned(size), .digest(list?.raw)])
        var number = lastInsertedRow
        if added == 0 {
            guard let record = try blob(variant.digest) else {
                throw StoreError.damagedRecord(table: "blob", reason: "the row of \(variant.digest) cannot be written")
            }
            number = record.number
        }
        try run(
            "INSERT OR IGNORE INTO variant (blob, modified, executable, copy) VALUES (?, ?, ?, ?)",
            [.integer(number), .integer(variant.modified), .flag(variant.isExecutable), .integer(variant.copy)])
        return (number, added > 0)
    }

    /// Forgets one inode, and its blob when it was the last one.
    /// - Returns: the blob's number if the blob is no longer held.
    func forget(_ variant: BlobVariant) throws -> Int64? {
        guard let record = try blob(variant.digest) else { return nil }
        try run(
            "DELETE FROM variant WHERE blob = ? AND modified = ? AND executable = ? AND copy = ?",
            [
                .integer(record.number), .integer(variant.modified), .flag(variant.isExecutable),
                .integer(variant.copy),
            ])
        guard try variants(of: variant.digest, number: record.number).isEmpty else { return nil }
        try run("DELETE FROM attachment WHERE blob = ?", [.integer(record.number)])
        try run("DELETE FROM blob WHERE number = ?", [.integer(record.number)])
        return record.number
    }

    /// A stored value by its digest, from `node`, `chunk_list` or `changeset`.
    func value(_ table: ContentTable, _ digest: BLAKE3Digest) throws -> [UInt8]? {
        try first(table.select, [.digest(digest)]) { try $0.blob(0) }
    }

    /// Whether a value is there, without reading it.
    func holds(_ table: ContentTable, _ digest: BLAKE3Digest) throws -> Bool {
        try first(table.probe, [.digest(digest)]) { try $0.integer(0) } != nil
    }

    /// Stores a value under its digest, if it is not there.
    func insert(_ table: ContentTable, _ digest: BLAKE3Digest, _ bytes: [UInt8]) throws {
        try run(table.insert, [.digest(digest), .blob(bytes)])
    }

    func mark(_ name: String) throws -> Int64 {
        try first("SELECT value FROM mark WHERE name = ?", [.text(name)]) { try $0.integer(0) } ?? 0
    }

    func setMark(_ name: String, _ value: Int64) throws {
        try run("INSERT OR REPLACE INTO mark (name, value) VALUES (?, ?)", [.text(name), .integer(value)])
    }
}

/// A table of values by their digests.
enum ContentTable: Sendable {
    case node, chunkList, changeset

    // Whole statements, so that a prepared one is found by its text without making it up each time.
    var select: String {
        switch self {
        case .node: "SELECT bytes FROM node WHERE digest = ?"
        case .chunkList: "SELECT bytes FROM chunk_list WHERE digest = ?"
        case .changeset: "SELECT bytes FROM changeset WHERE digest = ?"
        }
    }

    var probe: String {
        switch self {
        case .node: "SELECT 1 FROM node WHERE digest = ?"
        case .chunkList: "SELECT 1 FROM chunk_list WHERE digest = ?"
        case .changeset: "SELECT 1 FROM changeset WHERE digest = ?"
        }
    }

    var insert: String {
        switch self {
        case .node: "INSERT OR IGNORE INTO node (digest, bytes) VALUES (?, ?)"
        case .chunkList: "INSERT OR IGNORE INTO chunk_list (digest, bytes) VALUES (?, ?)"
        case .changeset: "INSERT OR IGNORE INTO changeset (digest, bytes) VALUES (?, ?)"
        }
    }

    var delete: String {
        switch self {
        case .node: "DELETE FROM node WHERE digest = ?"
        case .chunkList: "DELETE FROM chunk_list WHERE digest = ?"
        case .changeset: "DELETE FROM changeset WHERE digest = ?"
        }
    }
}
