import Database
import FleetAPI
import FleetModel
import Glibc
import LinuxIO

/// The coordinator's state on disk, in one folder that one process uses at a time.
///
/// Every `save` is one transaction and durable when it returns. All calls block.
struct StateDatabase: Sendable {
    /// A release as it is kept.
    struct StoredRelease {
        var set: String
        var registeredAt: Int64
        var document: [UInt8]
    }

    /// A report as it is kept.
    struct StoredReport {
        var receivedAt: Int64
        var body: [UInt8]
        var signed: [UInt8]
    }

    private static let migrations = [
        Migration(
            1,
            """
            CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
            CREATE TABLE policy (
                number INTEGER PRIMARY KEY, digest TEXT NOT NULL, text BLOB NOT NULL, accepted_at INTEGER NOT NULL);
            CREATE TABLE report (
                mirror TEXT PRIMARY KEY, received_at INTEGER NOT NULL, body BLOB NOT NULL, signed BLOB NOT NULL);
            CREATE TABLE first_named (
                mirror TEXT NOT NULL, set_name TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
                PRIMARY KEY (mirror, set_name, sequence)) WITHOUT ROWID;
            CREATE TABLE release (
                set_name TEXT NOT NULL, sequence INTEGER NOT NULL, registered_at INTEGER NOT NULL,
                signed BLOB NOT NULL, PRIMARY KEY (set_name, sequence));
            CREATE TABLE plan (
                term INTEGER NOT NULL, number INTEGER NOT NULL, created_at INTEGER NOT NULL, body BLOB NOT NULL,
                PRIMARY KEY (term, number));
            """),
        // Releases are signed as targets of TUF. Those of before are forgotten: their origins hand them in again.
        Migration(
            2,
            """
            DELETE FROM release;
            ALTER TABLE release RENAME COLUMN signed TO document;
            """),
        // Hosts that join by token, and what operators said of those that lost their standing.
        Migration(
            3,
            """
            CREATE TABLE enrolment (
                name TEXT PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE, expires_at INTEGER NOT NULL,
                admission BLOB NOT NULL, root BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE member (
                name TEXT PRIMARY KEY, joined_at INTEGER NOT NULL, admission BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE standing (name TEXT PRIMARY KEY, signed BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE override (
                mirror TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (mirror, kind)) WITHOUT ROWID;
            """),
    ]

    let connection: Connection
    /// Held as long as the database is open.
    private let lock: FileLock

    /// Opens the state in the folder `path`, made with mode 0700 if it is not there.
    ///
    /// - Throws: `StartError.inUse` if another coordinator has it; `FileError`, `DatabaseError`.
    init(folder path: String) throws {
        makeFolders(path)
        let folder = try Folder.open(path)
        guard let lock = try FileLock.acquire(in: folder, "lock") else {
            let holder = try FileLock.holder(in: folder, [UInt8]("lock".utf8))
            throw StartError.inUse(folder: path, process: holder)
        }
        self.lock = lock
        connection = try Connection(path: path + "/state.db", migrations: Self.migrations)
    }

    // MARK: Settings

    /// A setting; nil if it was never saved.
    func setting(_ name: Setting) throws -> String? {
        try connection.first("SELECT value FROM setting WHERE name = ?", [.text(name.rawValue)]) { try $0.text(0) }
    }

    /// Keeps a setting.
    func save(_ name: Setting, _ value: String) throws {
        try connection.run("INSERT OR REPLACE INTO setting VALUES (?, ?)", [.text(name.rawValue), .text(value)])
    }

    /// What is kept beside the tables.
    enum Setting: String {
        case fleet
        /// The encoded `SignedTerm` of the term in force, in base64.
        case signedTerm = "signed-term"
        case reportNow = "report-now"
        /// BLAKE3 of the coordinator's own fleet.yaml as it was read last, in hexadecimal.
        case fileDigest = "file-digest"
        /// The encoded `RepositoryDocuments` that were verified last, in base64.
        case metadata
    }

    // MARK: Policy

    /// Keeps a fleet.yaml if its digest is not that of the last one.
    ///
    /// - Returns: when this text was accepted.
    func accept(text: [UInt8], digest: String, at now: Int64) throws -> Int64 {
        try connection.withTransaction { session in
            let last = try session.first(
                "SELECT digest, accepted_at FROM policy ORDER BY number DESC LIMIT 1"
            ) { row in (digest: try row.text(0), at: try row.integer(1)) }
            if let last, last.digest == digest { return last.at }
            try session.run(
                "INSERT INTO policy (digest, text, accepted_at) VALUES (?, ?, ?)",
                [.text(digest), .blob(text), .integer(now)])
            return now
        }
    }

    /// The text that was accepted last; nil: none was.
    func newestPolicy() throws -> [UInt8]? {
        try connection.first("SELECT text FROM policy ORDER BY number DESC LIMIT 1") { try $0.blob(0) }
    }

    /// Forgets all that is kept of a host, but what operators said of its standing.
    func forget(mirror name: String) throws {
        try connection.withTransaction { session in
            for table in ["report", "first_named", "override"] {
                try session.run("DELETE FROM \(table) WHERE mirror = ?", [.text(name)])
            }
            for table in ["enrolment", "member"] {
                try session.run("DELETE FROM \(table) WHERE name = ?", [.text(name)])
            }
        }
    }

    // MARK: Reports

    /// Keeps the report of a mirror in place of its last one, and the releases that it is the first to name.
    func save(
        _ report: MirrorReport, body: [UInt8], signed: [UInt8], receivedAt: Int64, named: [ReleaseName], keep: Int
    ) throws {
        try connection.withTransaction { session in
            try session.run(
                "INSERT OR REPLACE INTO report VALUES (?, ?, ?, ?)",
                [.text(report.mirror), .integer(receivedAt), .blob(body), .blob(signed)])
            for name in named {
                let key: [Value] = [.text(report.mirror), .text(name.set)]
                try session.run(
                    "INSERT OR IGNORE INTO first_named VALUES (?, ?, ?, ?)",
                    key + [.unsigned(name.sequence), .integer(receivedAt)])
                try session.run(
                    """
                    DELETE FROM first_named WHERE mirror = ?1 AND set_name = ?2 AND sequence NOT IN (
                        SELECT sequence FROM first_named WHERE mirror = ?1 AND set_name = ?2
                        ORDER BY sequence DESC LIMIT ?3)
                    """, key + [.integer(keep)])
            }
        }
    }

    /// Every kept report, ascending by mirror.
    func reports() throws -> [StoredReport] {
        try connection.rows("SELECT received_at, body, signed FROM report ORDER BY mirror") { row in
            StoredReport(receivedAt: try row.integer(0), body: try row.blob(1), signed: try row.blob(2))
        }
    }

    /// When each mirror first named which release: by mirror, set and sequence.
    func firstNamed() throws -> [String: [String: [UInt64: Int64]]] {
        var times: [String: [String: [UInt64: Int64]]] = [:]
        let rows = try connection.rows("SELECT mirror, set_name, sequence, at FROM first_named") { row in
            (try row.text(0), try row.text(1), try row.unsigned(2), try row.integer(3))
        }
        for (mirror, set, sequence, at) in rows {
            times[mirror, default: [:]][set, default: [:]][sequence] = at
        }
        return times
    }

    // MARK: Releases

    /// Keeps a release.
    func save(_ release: RegisteredRelease, document: [UInt8]) throws {
        try connection.run(
            "INSERT INTO release VALUES (?, ?, ?, ?)",
            [
                .text(release.set), .unsigned(release.sequence), .integer(release.registeredAt), .blob(document),
            ])
    }

    /// Every kept release, ascending.
    func releases() throws -> [StoredRelease] {
        try connection.rows("SELECT set_name, registered_at, document FROM release ORDER BY set_name, sequence") {
            row in
            StoredRelease(set: try row.text(0), registeredAt: try row.integer(1), document: try row.blob(2))
        }
    }

    // MARK: Plans

    /// Keeps a plan; one of the same generation is an error and stays as it is.
    func save(_ plan: Plan) throws {
        try connection.run(
            "INSERT INTO plan VALUES (?, ?, ?, ?)",
            [
                .unsigned(plan.generation.term), .unsigned(plan.generation.number), .integer(plan.createdAt),
                .blob(try WireJSON.encode(plan)),
            ])
    }

    /// The newest plan.
    func newestPlan() throws -> Plan? {
        try connection.first("SELECT body FROM plan ORDER BY term DESC, number DESC LIMIT 1") { row in
            try WireJSON.decode(Plan.self, from: try row.blob(0))
        }
    }

    /// The plan of that generation.
    func plan(_ generation: Generation) throws -> Plan? {
        try connection.first(
            "SELECT body FROM plan WHERE term = ? AND number = ?",
            [.unsigned(generation.term), .unsigned(generation.number)]
        ) { row in try WireJSON.decode(Plan.self, from: try row.blob(0)) }
    }
}

/// Makes the folder `path` for this user alone, and what is missing above it. What fails shows when it is opened.
private func makeFolders(_ path: String) {
    guard mkdir(path, 0o700) != 0, errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        return
    }
    makeFolders(String(path[..<slash]))
    mkdir(path, 0o700)
}
