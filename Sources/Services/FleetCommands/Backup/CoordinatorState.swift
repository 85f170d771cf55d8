import Database
import FleetModel
import Glibc
import Hashing
import LinuxIO

/// The coordinator's state folder, as `backup` and `restore` see it.
struct CoordinatorState {
    static let lockName = "lock"
    let folder: String

    var database: String { "\(folder)/\(BackupArchive.stateName)" }

    /// Whether there is a state.
    var isThere: Bool { access(database, F_OK) == 0 }

    /// A consistent copy of the state in the new file `target`; the coordinator may run. Throws a `FleetctlError`.
    func copy(to target: String) throws {
        guard isThere else {
            throw FleetctlError(
                .failed, "there is no coordinator's state in \(folder)",
                hint: "run this on the coordinator's host, as its user or root; --state names another folder")
        }
        do {
            try Connection(asItIs: database).copy(to: target)
        } catch let error as DatabaseError {
            throw FleetctlError(.failed, "\(error)", hint: "run this as the coordinator's user or root")
        }
    }

    /// Takes the state's lock; throws a `FleetctlError` if a coordinator runs.
    func lock() throws -> FileLock {
        let open = try Folder.open(folder)
        if let lock = try FileLock.acquire(in: open, Self.lockName) { return lock }
        let holder = try FileLock.holder(in: open, Array(Self.lockName.utf8))
        throw FleetctlError(
            .tryAgain, "a coordinator\(holder.map { " (process \($0))" } ?? "") uses the state in \(folder)",
            hint: "stop it first")
    }

    /// What a state's file says: whose it is, and its newest plan.
    static func describe(_ path: String) throws -> (fleet: String, generation: Generation?) {
        let database = try Connection(asItIs: path)
        let fleet = try database.first("SELECT value FROM setting WHERE name = 'fleet'") { try $0.text(0) }
        let generation = try database.first("SELECT term, number FROM plan ORDER BY term DESC, number DESC LIMIT 1") {
            Generation(term: try $0.unsigned(0), number: try $0.unsigned(1))
        }
        return (fleet ?? "", generation)
    }

    /// Makes an old state one that a coordinator can go on from: what it planned, what hosts reported, and tokens that
    /// may have been used since, are forgotten. So agents must report and an operator must begin a new term first, as
    /// after the loss of the disk.
    static func renew(_ path: String) throws {
        let database = try Connection(asItIs: path)
        try database.withTransaction { session in
            for table in ["plan", "report", "enrolment"] { try session.run("DELETE FROM \(table)") }
            try session.run("DELETE FROM setting WHERE name = 'signed-term'")
        }
        try database.checkpoint()
    }

    /// Puts the file `path`, which lies in the folder, in the state's place; what was there is kept beside it, under the
    /// name that is returned. The caller holds the lock. Durable when it returns.
    func install(_ name: String, at time: Int64) throws -> String? {
        let open = try Folder.open(folder)
        try open.openFile(name).sync()
        let old = "\(BackupArchive.stateName).before-\(time)"
        var hadOld = false
        for suffix in ["-wal", "-shm", ""] where try open.stat(BackupArchive.stateName + suffix) != nil {
            try open.rename(BackupArchive.stateName + suffix, to: old + suffix)
            hadOld = true
        }
        try open.rename(name, to: BackupArchive.stateName)
        try open.sync()
        return hadOld ? "\(folder)/\(old)" : nil
    }
}

/// BLAKE3 of a file, and its size.
func digest(of file: OpenFile) throws -> (size: UInt64, blake3: String) {
    var hasher = BLAKE3.Hasher()
    var size: UInt64 = 0
    while true {
        let bytes = try file.read(1 << 20, at: size)
        guard !bytes.isEmpty else { return (size, hasher.finalize().hex) }
        hasher.update(bytes)
        size += UInt64(bytes.count)
    }
}
