import CSQLite

/// Something that a database refused or failed at.
package struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a caller may act on.
    package enum Kind: Hashable, Sendable {
        /// Another connection holds the lock for longer than the busy timeout: try again later.
        case busy
        /// No room on the disk, or the quota is used up.
        case full
        case readOnly
        /// The file is damaged: nothing in it may be trusted.
        case corrupt
        /// The file is not a database at all.
        case notADatabase
        /// The file was written by a newer program.
        case newer(version: Int, supported: Int)
        /// A constraint of the schema was broken.
        case constraint
        /// The disk or file system failed.
        case inputOutput
        case cannotOpen
        /// A column holds another type than was asked for: a damaged file or a wrong query.
        case wrongType
        /// Anything else: a mistake in a statement, memory.
        case other
    }

    package let kind: Kind
    /// SQLite's extended result code; 0 where the error is not SQLite's.
    package let code: Int32
    /// The file of the database.
    package let path: String
    /// What SQLite, or this layer, says about it.
    package let message: String
    /// The statement that failed, if it was one.
    package let statement: String?

    init(kind: Kind, code: Int32 = 0, path: String, message: String, statement: String? = nil) {
        self.kind = kind
        self.code = code
        self.path = path
        self.message = message
        self.statement = statement
    }

    /// From a result code and what the connection says about its last failure.
    init(code: Int32, connection: OpaquePointer?, path: String, statement: String? = nil) {
        let extended = connection.map { sqlite3_extended_errcode($0) } ?? code
        let said = connection.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
        self.init(
            kind: Kind(code: code), code: extended == SQLITE_OK ? code : extended, path: path,
            message: said.map { String(cString: $0) } ?? "unknown error", statement: statement)
    }

    package var description: String {
        let place = "database \"\(path)\": \(message)" + (statement.map { " (in: \($0))" } ?? "")
        return place + (remedy.map { "; " + $0 } ?? "")
    }

    /// What the operator can do, or nil where the error itself says it.
    package var remedy: String? {
        switch kind {
        case .busy: "another process uses it; try again when it is done"
        case .full: "free space on its file system"
        case .readOnly: "check its mode, its owner and whether the file system is mounted read-write"
        case .corrupt, .notADatabase: "it is damaged: restore it or have it made again"
        case .newer: "use a program at least as new as the one that wrote it"
        case .inputOutput: "look at the kernel's log and the disk's health"
        case .cannotOpen: "check that its directory exists and who may write there"
        case .constraint, .wrongType, .other: nil
        }
    }
}

extension DatabaseError.Kind {
    fileprivate init(code: Int32) {
        switch code & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_FULL: self = .full
        case SQLITE_READONLY: self = .readOnly
        case SQLITE_CORRUPT: self = .corrupt
        case SQLITE_NOTADB: self = .notADatabase
        case SQLITE_CONSTRAINT: self = .constraint
        case SQLITE_IOERR: self = .inputOutput
        case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH: self = .cannotOpen
        default: self = .other
        }
    }
}
