import Content
import Database

/// One content set as the database has it.
struct SetRecord {
    let number: Int64
    let name: String
    /// The sequence of the head.
    let head: UInt64?
    /// Something that a release names was found missing or bad: the next session looks at everything.
    let isDamaged: Bool
    /// Times of the head's files were changed in place for a release that is not the head yet: the head's entries do not
    /// have the inodes that they name.
    let isAhead: Bool
    let verifiedAt: Int64?
    /// The encoded state of the chunk log as of the head.
    let log: [UInt8]?
    /// When this store itself last made and removed links in the set's trees, in nanoseconds since 1970.
    let linking: ClosedRange<Int64>
}

/// One held release as the database has it.
struct ReleaseRecord {
    let sequence: UInt64
    let digest: ReleaseDigest
    let root: NodeDigest
}

extension Session {
    /// The set called `name`, nil if this store never saw it.
    func contentSet(_ name: String) throws -> SetRecord? {
        try first(
            """
            SELECT number, head, damaged, verified_at, log, link_from, link_until, ahead FROM content_set
            WHERE name = ?
            """, [.text(name)]
        ) { row in
            let from = try row.integer(5)
            return SetRecord(
                number: try row.integer(0), name: name, head: try row.optionalUnsigned(1),
                isDamaged: try row.flag(2), isAhead: try row.flag(7), verifiedAt: try row.optionalInteger(3),
                log: try row.optionalBlob(4),
                linking: from...max(from, try row.integer(6)))
        }
    }

    /// The set called `name`, made if it is not there.
    func ensureContentSet(_ name: String) throws -> SetRecord {
        try run("INSERT OR IGNORE INTO content_set (name) VALUES (?)", [.text(name)])
        guard let record = try contentSet(name) else {
            throw StoreError.damagedRecord(table: "content_set", reason: "no row after an insert")
        }
        return record
    }

    /// Every set of this store with its head, by name.
    func headsBySet() throws -> [(name: String, number: Int64, head: UInt64?)] {
        try rows("SELECT name, number, head FROM content_set ORDER BY name") {
            (try $0.text(0), try $0.integer(1), try $0.optionalUnsigned(2))
        }
    }

    /// A held release.
    func release(_ set: Int64, _ sequence: UInt64) throws -> ReleaseRecord? {
        try first(
            "SELECT digest, root FROM release WHERE set_number = ? AND sequence = ?",
            [.integer(set), .unsigned(sequence)]
        ) { row in
            ReleaseRecord(
                sequence: sequence, digest: ReleaseDigest(try row.digest(0, "release")),
                root: NodeDigest(try row.digest(1, "release")))
        }
    }

    /// Marks the set so that the next session looks at everything, or takes the mark away.
    func setDamaged(_ set: Int64, _ isDamaged: Bool) throws {
        try run("UPDATE content_set SET damaged = ? WHERE number = ?", [.flag(isDamaged), .integer(set)])
        // A tree that lacks a path, or shows bad bytes, must not become another release's by edits.
        if isDamaged { try run("UPDATE tree SET sound = 0 WHERE set_number = ?", [.integer(set)]) }
    }
}
