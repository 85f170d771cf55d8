import FleetCommands
import FleetModel
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// A backup of a coordinator whose content is whatever the input says.
///
/// An input is read as it is, and once more with the right checksum after it: no changed byte would get past the sum
/// otherwise, and an attacker can sum, too.
enum FuzzedBackup {
    private static let shared = Mutex<OpenFile?>(nil)

    /// A file without a name, which lives as long as the process.
    private static func scratch() throws -> OpenFile {
        let top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        let folder = try Folder.open(top)
        let name = "fleet-fuzz-backup-\(getpid())"
        defer { _ = try? folder.unlinkIfPresent(name) }
        return try folder.createFile(name, mode: 0o600)
    }

    private static func withFile<Result>(_ body: (OpenFile) throws -> Result) throws -> Result {
        try shared.withLock { shared in
            let file = try shared ?? scratch()
            shared = file
            try file.truncate(to: 0)
            return try body(file)
        }
    }

    /// Whole backups without their checksums, and one with it.
    static func seeds() throws -> [[UInt8]] {
        let contents: [(name: String, bytes: [UInt8])] = [
            ("state.db", Array(0..<200)), ("keys/issuing.key", [1, 2, 3]),
        ]
        return try [1, 2].flatMap { count -> [[UInt8]] in
            let made = try contents.prefix(count).map { entry in
                let file = try scratch()
                try file.write(entry.bytes, at: 0)
                return file
            }
            let header = BackupHeader(
                fleet: "lab", createdAt: 1_700_000_000, program: "0.1", generation: Generation(term: 2, number: 7),
                entries: contents.prefix(count).map {
                    BackupHeader.Entry(name: $0.name, size: UInt64($0.bytes.count), blake3: BLAKE3.hash($0.bytes).hex)
                })
            let whole = try withFile { file in
                try BackupArchive.write(header, made, to: file)
                return try file.readAll(limit: 64 << 10)
            }
            return [Array(whole.dropLast(BLAKE3Digest.byteCount)), whole]
        }
    }

    /// True if the backup is whole, with the right checksum. Then each file has the size and the digest that the header
    /// says, in the order that it says.
    static func run(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let raw = try read(bytes)
        let summed = try read(bytes + BLAKE3.hash(bytes).bytes)
        return raw || summed
    }

    private static func read(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        do {
            var found: [(name: String, bytes: [UInt8])] = []
            let header = try withFile { file in
                try file.write(bytes, at: 0)
                return try BackupArchive.read(file) { entry, piece in
                    if found.last?.name != entry.name { found.append((entry.name, [])) }
                    found[found.count - 1].bytes += piece
                }
            }
            let files = header.entries.filter { $0.size > 0 }
            guard found.map(\.name) == files.map(\.name),
                zip(found, files).allSatisfy({ found, entry in
                    UInt64(found.bytes.count) == entry.size && BLAKE3.hash(found.bytes).hex == entry.blake3
                })
            else { throw FuzzFinding("a backup was taken that is not as its header says") }
            return true
        } catch let error as FuzzFinding {
            throw error
        } catch let error as BackupDamage {
            return FuzzTarget.refused(error)
        } catch {
            throw FuzzFinding("damage shows as \(error)")
        }
    }
}
