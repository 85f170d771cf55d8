import Synchronization

/// A SQLite database: one connection that writes and any number that only read, usable from every thread.
///
/// - Write-ahead log, `synchronous = FULL`, foreign keys enforced: a transaction is durable when `withTransaction`
///   returns, and costs one fdatasync, at times a few more to fold the log back.
/// - Every call blocks: keep it off event loops and cooperative threads.
/// - A closure that got a `Session` must not call this connection again (it would wait for itself), and must not keep
///   the session.
package final class Connection: Sendable {
    /// The file of the database.
    package let path: String

    private let writer: Mutex<Session>
    private let readers: [Reader]
    private let nextReader = Atomic<Int>(0)

    /// One reading connection with its lock.
    private final class Reader: Sendable {
        let session: Mutex<Session>
        init(_ session: Session) { self.session = Mutex(session) }
    }

    /// Opens the database, makes it if it is not there, and brings its schema to the last migration.
    /// - Parameters:
    ///   - migrations: the history of the schema, all of it, from version 1 on. A database with a version beyond the
    ///     last one is refused by name (`DatabaseError.Kind.newer`) and left as it is.
    ///   - readerCount: connections for `read` that do not wait for the writer; with 0 `read` takes the writer.
    ///   - busyTimeout: how long to wait for another process that holds the lock.
    /// - Throws: `DatabaseError` for a file that is no database, is damaged or newer than this program, or cannot be
    ///   opened.
    package init(
        path: String, migrations: [Migration], readerCount: Int = 0, busyTimeout: Duration = .seconds(10)
    ) throws {
        self.path = path
        let session = try Session(path: path, busyTimeout: busyTimeout)
        try session.configure(isReader: false)
        try session.migrate(migrations, path: path)
        writer = Mutex(session)
        var readers: [Reader] = []
        for _ in 0..<readerCount {
            let reader = try Session(path: path, busyTimeout: busyTimeout)
            try reader.configure(isReader: true)
            readers.append(Reader(reader))
        }
        self.readers = readers
    }

    /// Opens a database that is there, whatever the version of its schema, and leaves that as it is: to copy it, or to
    /// look at what every version has. Another process may be using it.
    /// - Throws: `DatabaseError` for a file that is no database, is damaged or newer than this program, or cannot be
    ///   opened.
    package init(asItIs path: String, busyTimeout: Duration = .seconds(10)) throws {
        self.path = path
        let session = try Session(path: path, busyTimeout: busyTimeout)
        try session.configure(isReader: false)
        writer = Mutex(session)
        readers = []
    }

    /// Writes one consistent state of the database into the new file `target`, without its log and without waiting for
    /// those who write. Not durable: sync the file.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    package func copy(to target: String) throws {
        try writer.withLock { _ = try $0.run("VACUUM INTO ?", [.text(target)]) }
    }

    /// Runs `body` in a transaction (BEGIN IMMEDIATE) on the writing connection. Returns after it is durable; whatever
    /// `body` throws rolls all of it back. Atomic: readers see all of it or nothing.
    @discardableResult
    package func withTransaction<Result>(_ body: (Session) throws -> Result) throws -> Result {
        var outcome: Result?
        try writer.withLock { session in
            try session.inTransaction("BEGIN IMMEDIATE") { outcome = try body($0) }
        }
        guard let outcome else { preconditionFailure("a transaction returned without running") }
        return outcome
    }

    /// Runs `body` on one consistent state of the database, which it must not change.
    /// - Throws: `DatabaseError`, and what `body` throws.
    package func read<Result>(_ body: (Session) throws -> Result) throws -> Result {
        var outcome: Result?
        func run(_ session: Session) throws { try session.inTransaction("BEGIN") { outcome = try body($0) } }
        if readers.isEmpty {
            try writer.withLock { try run($0) }
        } else {
            let first = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
            // A free one if there is any, else the next in turn.
            for offset in 0..<readers.count where outcome == nil {
                let reader = readers[Int(UInt(bitPattern: first &+ offset) % UInt(readers.count))]
                _ = try reader.session.withLockIfAvailable { try run($0) }
            }
            if outcome == nil {
                try readers[Int(UInt(bitPattern: first) % UInt(readers.count))].session.withLock { try run($0) }
            }
        }
        guard let outcome else { preconditionFailure("a read returned without running") }
        return outcome
    }

    /// Runs one statement as a transaction of its own: durable when it returns.
    /// - Returns: how many rows it changed.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    @discardableResult
    package func run(_ sql: String, _ values: [Value] = []) throws -> Int {
        try writer.withLock { try $0.run(sql, values) }
    }

    /// What `transform` makes of every row.
    /// - Throws: `DatabaseError`, and what `transform` throws.
    package func rows<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (Row) throws -> Element
    ) throws -> [Element] {
        try read { try $0.rows(sql, values, transform) }
    }

    /// What `transform` makes of the first row, nil if there is none.
    /// - Throws: `DatabaseError`, and what `transform` throws.
    package func first<Element>(
        _ sql: String, _ values: [Value] = [], _ transform: (Row) throws -> Element
    ) throws -> Element? {
        try read { try $0.first(sql, values, transform) }
    }

    /// The version of the schema.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    package func schemaVersion() throws -> Int { try read { try $0.schemaVersion() } }

    /// Reads the whole file and says what is wrong with it; empty if nothing is.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    package func integrityProblems() throws -> [String] {
        let problems = try rows("PRAGMA integrity_check") { try $0.text(0) }
        return problems == ["ok"] ? [] : problems
    }

    /// Folds the write-ahead log back into the file and cuts it to nothing.
    /// - Throws: `DatabaseError`: busy, full, damaged, or a statement that breaks a constraint.
    package func checkpoint() throws {
        try writer.withLock { session in try session.query("PRAGMA wal_checkpoint(TRUNCATE)") { _ in } }
    }
}
