/// One step of a schema's history. Steps are never changed once released: a change is a new step.
package struct Migration: Sendable {
    /// The version of the schema after this step; the first is 1, each one more than the step before.
    package let version: Int
    /// Statements separated by `;`, run in one transaction together with the new version number.
    package let script: String

    package init(_ version: Int, _ script: String) {
        self.version = version
        self.script = script
    }
}

extension Session {
    /// Brings the schema to the last of `migrations`, each step in its own transaction; refuses a newer schema.
    func migrate(_ migrations: [Migration], path: String) throws {
        for (offset, migration) in migrations.enumerated() {
            precondition(migration.version == offset + 1, "migration \(migration.version) at place \(offset + 1)")
        }
        let found = try schemaVersion()
        guard found <= migrations.count else {
            throw DatabaseError(
                kind: .newer(version: found, supported: migrations.count), path: path,
                message: "its schema has version \(found), this program knows versions up to \(migrations.count)")
        }
        for migration in migrations.dropFirst(found) {
            try inTransaction("BEGIN IMMEDIATE") { session in
                // Another process may have been faster.
                guard try session.schemaVersion() < migration.version else { return }
                try session.execute(migration.script)
                try session.execute("PRAGMA user_version = \(migration.version)")
            }
        }
    }

    func schemaVersion() throws -> Int {
        let version = try first("PRAGMA user_version") { try $0.integer(0) } ?? 0
        // A negative number is none of ours: treat it as newer than anything.
        return version < 0 ? Int.max : Int(version)
    }
}
