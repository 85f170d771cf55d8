import Database
import Glibc
import Testing

/// A folder of one test, removed when the last reference goes.
final class DatabaseFolder: Sendable {
    let path: String
    var file: String { path + "/test.db" }

    init() throws {
        var template = Array("/tmp/fleet-database-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) } != nil
        try #require(made)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in ["test.db", "test.db-wal", "test.db-shm", "test.db-journal"] { unlink(path + "/" + name) }
        rmdir(path)
    }
}

private struct Abandoned: Error {}

@Suite struct ConnectionTests {
    let place: DatabaseFolder
    let schema = [
        Migration(1, "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, value ANY) STRICT"),
        Migration(2, "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item (id), name TEXT NOT NULL) STRICT"),
    ]

    init() throws { place = try DatabaseFolder() }

    private func open(readers: Int = 0) throws -> Connection {
        try Connection(path: place.file, migrations: schema, readerCount: readers, busyTimeout: .milliseconds(50))
    }

    @Test func `Every value comes back as it was bound`() throws {
        let connection = try open()
        let text = "text with \0 and \u{1f600}"
        let values: [Value] = [
            .integer(Int64.min), .unsigned(.max), .real(0.5), .text(text), .text(""), .blob([]), .blob([0, 1, 255]),
            .null, .flag(true), .optional(nil as [UInt8]?), .optional("x"),
        ]
        try connection.withTransaction { session in
            for value in values { try session.run("INSERT INTO item (value) VALUES (?)", [value]) }
        }
        func one<Element>(_ id: Int, _ read: (Row) throws -> Element) throws -> Element? {
            try connection.first("SELECT value FROM item WHERE id = ?", [.integer(id)], read)
        }
        #expect(try one(1) { try $0.integer(0) } == Int64.min)
        #expect(try one(2) { try $0.unsigned(0) } == UInt64.max)
        #expect(try one(3) { try $0.real(0) } == 0.5)
        #expect(try one(4) { try $0.text(0) } == text)
        #expect(try one(5) { try $0.text(0) } == "")
        #expect(try one(6) { try $0.blob(0) } == [])
        #expect(try one(6) { $0.isNull(0) } == false)
        #expect(try one(7) { try $0.blob(0) } == [0, 1, 255])
        #expect(try one(7) { row in try row.withBlob(0) { $0.count } } == 3)
        #expect(try one(8) { $0.isNull(0) } == true)
        #expect(try one(8) { try $0.optionalText(0) } == .some(nil))
        #expect(try one(9) { try $0.flag(0) } == true)
        #expect(try one(10) { try $0.optionalBlob(0) } == .some(nil))
        #expect(try one(11) { try $0.optionalText(0) } == "x")
        #expect(try one(99) { try $0.integer(0) } == nil)
    }

    @Test func `A column of another type is an error that names it`() throws {
        let connection = try open()
        try connection.run("INSERT INTO item (value) VALUES (NULL)")
        let error = #expect(throws: DatabaseError.self) {
            _ = try connection.first("SELECT value FROM item") { try $0.integer(0) }
        }
        #expect(error?.kind == .wrongType)
        #expect(error?.description.contains("column 0 (value) holds NULL instead of an integer") == true)
    }

    @Test func `What a transaction throws rolls all of it back and comes out`() throws {
        let connection = try open()
        #expect(throws: Abandoned.self) {
            try connection.withTransaction { session in
                try session.run("INSERT INTO item (value) VALUES (1)")
                throw Abandoned()
            }
        }
        #expect(try connection.rows("SELECT id FROM item") { try $0.integer(0) } == [])
        try connection.withTransaction { session in
            try session.run("INSERT INTO item (value) VALUES (1)")
            #expect(session.lastInsertedRow > 0)
        }
        #expect(try connection.rows("SELECT value FROM item") { try $0.integer(0) } == [1])
    }

    @Test func `What was committed is there when the file is opened again`() throws {
        try open().run("INSERT INTO item (value) VALUES ('kept')")
        #expect(try open().rows("SELECT value FROM item") { try $0.text(0) } == ["kept"])
    }

    @Test func `Commits are full syncs to a write-ahead log, and foreign keys are enforced`() throws {
        let connection = try open()
        #expect(try connection.first("PRAGMA synchronous") { try $0.integer(0) } == 2)
        #expect(try connection.first("PRAGMA journal_mode") { try $0.text(0) } == "wal")
        let error = #expect(throws: DatabaseError.self) {
            try connection.run("INSERT INTO part VALUES (5, 'orphan')")
        }
        #expect(error?.kind == .constraint)
    }

    @Test func `Migrations run once, in order, from wherever the file is`() throws {
        let first = try Connection(path: place.file, migrations: Array(schema[..<1]))
        #expect(try first.schemaVersion() == 1)
        #expect(try open().schemaVersion() == 2)
        #expect(try open().schemaVersion() == 2)
    }

    @Test func `A migration that fails changes nothing`() throws {
        #expect(throws: DatabaseError.self) {
            _ = try Connection(
                path: place.file,
                migrations: schema + [Migration(3, "CREATE TABLE third (x); INSERT INTO nowhere VALUES (1)")])
        }
        let connection = try open()
        #expect(try connection.schemaVersion() == 2)
        #expect(try connection.rows("SELECT name FROM sqlite_schema WHERE name = 'third'") { _ in 0 } == [])
    }

    @Test func `A file of a newer program is refused by name and left alone`() throws {
        _ = try Connection(path: place.file, migrations: schema + [Migration(3, "CREATE TABLE third (x)")])
        let error = #expect(throws: DatabaseError.self) { _ = try open() }
        #expect(error?.kind == .newer(version: 3, supported: 2))
        #expect(error?.description.contains(place.file) == true)
    }

    @Test func `A file that is no database is refused`() throws {
        let file = try #require(fopen(place.file, "w"))
        fputs(String(repeating: "not a database. ", count: 100), file)
        fclose(file)
        let error = #expect(throws: DatabaseError.self) { _ = try open() }
        #expect(error?.kind == .notADatabase)
    }

    @Test func `A damaged page is found by the integrity check or when it is read`() throws {
        do {
            let connection = try open()
            try connection.withTransaction { session in
                for number in 0..<2000 {
                    try session.run("INSERT INTO item (value) VALUES (?)", [.text("value \(number)")])
                }
            }
            try connection.checkpoint()
            #expect(try connection.integrityProblems() == [])
        }
        let descriptor = Glibc.open(place.file, O_RDWR)
        try #require(descriptor >= 0)
        let noise = [UInt8](repeating: 0xa5, count: 512)
        for page in 3..<8 { try #require(pwrite(descriptor, noise, noise.count, off_t(page * 4096)) == noise.count) }
        close(descriptor)
        do {
            let problems = try open().integrityProblems()
            #expect(!problems.isEmpty)
        } catch let error as DatabaseError {
            #expect(error.kind == .corrupt)
        }
    }

    @Test func `Two processes' locks: the second waits and then says busy`() throws {
        let (first, second) = (try open(), try open())
        let error = #expect(throws: DatabaseError.self) {
            try first.withTransaction { _ in
                try second.withTransaction { _ in }
            }
        }
        #expect(error?.kind == .busy)
    }

    @Test func `Readers see the state before while a transaction is open, and cannot write`() throws {
        let connection = try open(readers: 2)
        try connection.run("INSERT INTO item (value) VALUES (1)")
        try connection.withTransaction { session in
            try session.run("INSERT INTO item (value) VALUES (2)")
            #expect(try connection.first("SELECT count(*) FROM item") { try $0.integer(0) } == 1)
        }
        #expect(try connection.first("SELECT count(*) FROM item") { try $0.integer(0) } == 2)
        let error = #expect(throws: DatabaseError.self) {
            try connection.read { try $0.run("INSERT INTO item (value) VALUES (3)") }
        }
        #expect(error?.kind == .readOnly)
    }

    @Test func `A query may run inside a query with the same text`() throws {
        let connection = try open()
        for number in 1...3 { try connection.run("INSERT INTO item (value) VALUES (?)", [.integer(number)]) }
        var pairs = 0
        try connection.read { session in
            try session.query("SELECT value FROM item") { _ in
                try session.query("SELECT value FROM item") { _ in pairs += 1 }
            }
        }
        #expect(pairs == 9)
    }

    @Test func `Many threads at once lose no row`() async throws {
        let connection = try open(readers: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<50 {
                        try connection.withTransaction { session in
                            try session.run("INSERT INTO item (value) VALUES (?)", [.integer(number)])
                        }
                        _ = try connection.first("SELECT max(id) FROM item") { try $0.integer(0) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try connection.first("SELECT count(*) FROM item") { try $0.integer(0) } == 400)
    }

    @Test func `An error names the file and the statement`() throws {
        let error = #expect(throws: DatabaseError.self) { try open().run("SELECT nonsense FROM nowhere") }
        #expect(error?.description.contains(place.file) == true)
        #expect(error?.description.contains("SELECT nonsense") == true)
    }
}
