import CSQLite

/// One SQLite connection while a caller holds it: what `Connection` gives to the closures of `read` and
/// `withTransaction`. Prepared statements are kept and used again by their text.
///
/// Never let it leave the closure.
package final class Session: @unchecked Sendable {
    // Sendable without checks: every use is under the lock of the `Connection` that owns it, which hands it out to one
    // closure at a time, and none may keep it.

    private let handle: OpaquePointer
    private let path: String
    private var kept: [StatementText: KeptStatement] = [:]

    /// Statements kept ready. More than any part of this program has; beyond it they are prepared each time.
    private static let keptLimit = 256

    init(path: String, busyTimeout: Duration) throws(DatabaseError) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        guard let opened, result == SQLITE_OK else {
            let error = DatabaseError(code: result, connection: opened, path: path)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        self.path = path
        let (seconds, attoseconds) = busyTimeout.components
        let milliseconds = Int64(clamping: seconds).multipliedReportingOverflow(by: 1000)
        let total = milliseconds.overflow ? Int64.max : milliseconds.partialValue
        sqlite3_busy_timeout(handle, Int32(clamping: total &+ attoseconds / 1_000_000_000_000_000))
        _ = csqlite_defend(handle)
    }

    deinit {
        for statement in kept.values { sqlite3_finalize(statement.handle) }
        // The last connection to close folds the write-ahead log into the file.
        sqlite3_close_v2(handle)
    }

    // MARK: Statements

    /// Runs a statement that gives no rows (any that it gives are dropped).
    /// - Returns: how many rows it changed.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    @discardableResult
    package func run(_ sql: String, _ values: [Value] = []) throws(DatabaseError) -> Int {
        let prepared = try prepared(sql)
        defer { giveBack(prepared) }
        let statement = prepared.handle
        try bind(values, to: statement, sql)
        while try step(statement, sql) {}
        return Int(sqlite3_changes64(handle))
    }

    /// Runs a statement of the schema's language, or several separated by `;`, without values.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    package func execute(_ script: String) throws(DatabaseError) {
        let result = sqlite3_exec(handle, script, nil, nil, nil)
        if result != SQLITE_OK {
            throw DatabaseError(code: result, connection: handle, path: path, statement: script)
        }
    }

    /// Calls `body` with every row. What it throws ends the query and is passed on. Other statements may be run
    /// meanwhile.
    package func query(_ sql: String, _ values: [Value] = [], _ body: (Row) throws -> Void) throws {
        let prepared = try prepared(sql)
        defer { giveBack(prepared) }
        let statement = prepared.handle
        try bind(values, to: statement, sql)
        while try step(statement, sql) { try body(Row(statement: statement, path: path)) }
    }

    /// What `transform` makes of every row.
    /// - Throws: `DatabaseError`, and what `transform` throws.
    package func rows<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (Row) throws -> Element
    ) throws -> [Element] {
        var elements: [Element] = []
        try query(sql, values) { row in elements.append(try transform(row)) }
        return elements
    }

    /// What `transform` makes of the first row, nil if there is none.
    /// - Throws: `DatabaseError`, and what `transform` throws.
    package func first<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (Row) throws -> Element
    ) throws -> Element? {
        let prepared = try prepared(sql)
        defer { giveBack(prepared) }
        let statement = prepared.handle
        try bind(values, to: statement, sql)
        return try step(statement, sql) ? try transform(Row(statement: statement, path: path)) : nil
    }

    /// The row number that the last INSERT made.
    package var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    // MARK: Inside

    /// A transaction is open.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` between `begin` and COMMIT; whatever it throws rolls back.
    func inTransaction(_ begin: String, _ body: (Session) throws -> Void) throws {
        try run(begin)
        do {
            try body(self)
            try run("COMMIT")
        } catch {
            // Some failures have rolled back already. If this one fails too, closing the connection does it.
            if isInTransaction { _ = try? run("ROLLBACK") }
            throw error
        }
    }

    /// The busy timeout does not cover a damaged or foreign file: the first read of the header tells.
    func configure(isReader: Bool) throws {
        let mode = try first("PRAGMA journal_mode = WAL") { try $0.text(0) }
        guard mode == "wal" else {
            throw DatabaseError(
                kind: .cannotOpen, path: path,
                message: "its file system allows no write-ahead log (journal mode \(mode ?? "none"))")
        }
        try execute(
            """
            PRAGMA synchronous = FULL;
            PRAGMA foreign_keys = ON;
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA journal_size_limit = 67108864;
            """)
        if isReader { try execute("PRAGMA query_only = ON") }
    }

    private func prepared(_ sql: String) throws(DatabaseError) -> KeptStatement {
        // A query inside a query with the same text gets another one.
        let known = kept[StatementText(text: sql)]
        if let known, !known.isInUse {
            known.isInUse = true
            return known
        }
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard let statement, result == SQLITE_OK else {
            throw DatabaseError(
                code: result == SQLITE_OK ? SQLITE_MISUSE : result, connection: handle, path: path, statement: sql)
        }
        let made = KeptStatement(statement)
        if known == nil, kept.count < Session.keptLimit {
            made.isKept = true
            kept[StatementText(text: sql)] = made
        }
        return made
    }

    private func giveBack(_ statement: KeptStatement) {
        guard statement.isKept else {
            sqlite3_finalize(statement.handle)
            return
        }
        sqlite3_reset(statement.handle)
        sqlite3_clear_bindings(statement.handle)
        statement.isInUse = false
    }

    private func bind(_ values: [Value], to statement: OpaquePointer, _ sql: String) throws(DatabaseError) {
        let wanted = Int(sqlite3_bind_parameter_count(statement))
        precondition(values.count == wanted, "\(values.count) values for \(wanted) parameters of: \(sql)")
        for (offset, value) in values.enumerated() {
            let index = Int32(offset + 1)
            let result =
                switch value {
                case .null: sqlite3_bind_null(statement, index)
                case .integer(let number): sqlite3_bind_int64(statement, index, number)
                case .real(let number): sqlite3_bind_double(statement, index, number)
                case .text(let text): bindText(text, statement, index)
                case .blob(let bytes):
                    bytes.withUnsafeBytes { csqlite_bind_blob(statement, index, $0.baseAddress, UInt64($0.count)) }
                }
            guard result == SQLITE_OK else {
                throw DatabaseError(code: result, connection: handle, path: path, statement: sql)
            }
        }
    }

    private func bindText(_ text: String, _ statement: OpaquePointer, _ index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                csqlite_bind_text(statement, index, $0.baseAddress, UInt64($0.count))
            }
        }
    }

    private func step(_ statement: OpaquePointer, _ sql: String) throws(DatabaseError) -> Bool {
        let result = sqlite3_step(statement)
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw DatabaseError(code: result, connection: handle, path: path, statement: sql)
        }
    }
}

/// A prepared statement of a session, in use from when it is made.
private final class KeptStatement {
    let handle: OpaquePointer
    var isInUse = true
    /// The session has it under its text; else it ends after its use.
    var isKept = false

    init(_ handle: OpaquePointer) { self.handle = handle }
}

/// The text of a statement as a key. Hashed by its length alone: the statements of a program are some dozens, mostly of
/// different lengths, and to hash a few hundred bytes takes longer than to look up a row.
private struct StatementText: Hashable {
    let text: String

    func hash(into hasher: inout Hasher) { hasher.combine(text.utf8.count) }
}
