import CSQLite

/// One row of a query, valid only while the closure runs that got it: never keep one.
///
/// (Not `~Copyable`, which would enforce it: Swift 6.3.1 crashes while specialising the closures that take one.)
///
/// Columns are counted from 0. A column of another type than asked for throws `wrongType`: nothing is converted, so a
/// damaged or misread row is never taken for a zero. The `optional...` forms give nil for NULL only.
package struct Row {
    private let statement: OpaquePointer
    private let path: String

    init(statement: OpaquePointer, path: String) {
        self.statement = statement
        self.path = path
    }

    /// The column is NULL.
    package func isNull(_ column: Int) -> Bool { type(column) == SQLITE_NULL }

    /// A signed integer.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func integer(_ column: Int) throws(DatabaseError) -> Int64 {
        try expect(column, SQLITE_INTEGER)
        return sqlite3_column_int64(statement, Int32(column))
    }

    /// An integer stored by `Value.unsigned`.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func unsigned(_ column: Int) throws(DatabaseError) -> UInt64 {
        UInt64(bitPattern: try integer(column))
    }

    /// An integer stored by `Value.flag`: anything but 0 is true.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func flag(_ column: Int) throws(DatabaseError) -> Bool { try integer(column) != 0 }

    /// A floating-point number.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func real(_ column: Int) throws(DatabaseError) -> Double {
        try expect(column, SQLITE_FLOAT)
        return sqlite3_column_double(statement, Int32(column))
    }

    /// Text; malformed UTF-8 is `wrongType`.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func text(_ column: Int) throws(DatabaseError) -> String {
        try expect(column, SQLITE_TEXT)
        // The text before its length: the length is that of the form asked for last.
        let start = sqlite3_column_text(statement, Int32(column))
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, Int32(column))))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw mismatch(column, "malformed text")
        }
        return text
    }

    /// A copy of the bytes.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func blob(_ column: Int) throws(DatabaseError) -> [UInt8] {
        try expect(column, SQLITE_BLOB)
        let start = sqlite3_column_blob(statement, Int32(column))
        let count = Int(sqlite3_column_bytes(statement, Int32(column)))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Calls `body` with the bytes where SQLite has them.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type; and what `body` throws.
    package func withBlob<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try expect(column, SQLITE_BLOB)
        let start = sqlite3_column_blob(statement, Int32(column))
        let count = Int(sqlite3_column_bytes(statement, Int32(column)))
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// A signed integer, nil for NULL.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func optionalInteger(_ column: Int) throws(DatabaseError) -> Int64? {
        isNull(column) ? nil : try integer(column)
    }

    /// An integer stored by `Value.unsigned`, nil for NULL.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func optionalUnsigned(_ column: Int) throws(DatabaseError) -> UInt64? {
        isNull(column) ? nil : try unsigned(column)
    }

    /// Text, nil for NULL.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func optionalText(_ column: Int) throws(DatabaseError) -> String? {
        isNull(column) ? nil : try text(column)
    }

    /// A copy of the bytes, nil for NULL.
    /// - Throws: `DatabaseError` with kind `wrongType` for a column of another type.
    package func optionalBlob(_ column: Int) throws(DatabaseError) -> [UInt8]? {
        isNull(column) ? nil : try blob(column)
    }

    private func type(_ column: Int) -> Int32 {
        precondition(
            column >= 0 && column < Int(sqlite3_column_count(statement)), "no column \(column) in this statement")
        return sqlite3_column_type(statement, Int32(column))
    }

    private func expect(_ column: Int, _ wanted: Int32) throws(DatabaseError) {
        let found = type(column)
        if found != wanted { throw mismatch(column, typeName(found) + " instead of " + typeName(wanted)) }
    }

    private func mismatch(_ column: Int, _ what: String) -> DatabaseError {
        let name = sqlite3_column_name(statement, Int32(column)).map { String(cString: $0) } ?? "?"
        let sql = sqlite3_sql(statement).map { String(cString: $0) }
        return DatabaseError(
            kind: .wrongType, path: path, message: "column \(column) (\(name)) holds \(what)", statement: sql)
    }
}

private func typeName(_ type: Int32) -> String {
    switch type {
    case SQLITE_INTEGER: "an integer"
    case SQLITE_FLOAT: "a floating-point number"
    case SQLITE_TEXT: "text"
    case SQLITE_BLOB: "a blob"
    default: "NULL"
    }
}
