import Database

/// What is recorded of one tree of a set: a row says more than the folder's name, and a folder without one is trusted
/// with nothing.
struct TreeRecord: Hashable {
    /// The folder's name: a sequence, or a sequence with the suffix of a spare.
    let name: String
    /// The release that it shows.
    let sequence: UInt64
    /// It was made by this store and no damage of the set was found since, so edits make another release's tree of it.
    let isSound: Bool
    /// The boot in which it went out of service.
    let boot: String?
    /// When it went out of service, in milliseconds since that boot; nil while it is served.
    let retired: Int64?
}

extension Session {
    /// The trees of a set, by name.
    func trees(_ set: Int64) throws -> [String: TreeRecord] {
        let records = try rows(
            "SELECT name, sequence, sound, boot, retired FROM tree WHERE set_number = ?", [.integer(set)]
        ) { row in
            TreeRecord(
                name: try row.text(0), sequence: try row.unsigned(1), isSound: try row.flag(2),
                boot: row.isNull(3) ? nil : try row.text(3), retired: try row.optionalInteger(4))
        }
        return Dictionary(records.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    }

    /// Records a tree that was just made and is right.
    func recordTree(_ set: Int64, name: String, sequence: UInt64) throws {
        try run(
            "INSERT OR REPLACE INTO tree (set_number, name, sequence, sound) VALUES (?, ?, ?, 1)",
            [.integer(set), .text(name), .unsigned(sequence)])
    }

    /// Says that every tree of the set but `sequence` is out of service from now on, if it was not before; the one that
    /// was linked until now in any case, since somebody may have moved the link to it.
    func retireTrees(_ set: Int64, except sequence: UInt64, linked: UInt64?, _ clock: BootClock) throws {
        try run(
            """
            UPDATE tree SET boot = ?, retired = ?
            WHERE set_number = ? AND sequence != ? AND (retired IS NULL OR sequence = ?)
            """,
            [
                .text(clock.boot), .integer(BootClock.milliseconds()), .integer(set), .unsigned(sequence),
                linked.map { .unsigned($0) } ?? .null,
            ])
        try run(
            "UPDATE tree SET boot = NULL, retired = NULL WHERE set_number = ? AND sequence = ?",
            [.integer(set), .unsigned(sequence)])
    }

    /// Forgets a tree that is gone.
    func forgetTree(_ set: Int64, name: String) throws {
        try run("DELETE FROM tree WHERE set_number = ? AND name = ?", [.integer(set), .text(name)])
    }
}
