import FleetCommands
import FleetModel
import Hashing
import LinuxIO
import Testing

@Suite("The file of a backup")
struct BackupArchiveTests {
    private let folder: ScratchFolder
    private let contents: [String: [UInt8]] = [
        "state.db": (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }, "keys/issuing.key": [1, 2, 3],
    ]

    init() throws { folder = try ScratchFolder() }

    private func header(_ names: [String]) -> BackupHeader {
        BackupHeader(
            fleet: "lab", createdAt: 5, program: "test", generation: Generation(term: 2, number: 7),
            entries: names.map { name in
                let bytes = contents[name] ?? []
                return BackupHeader.Entry(name: name, size: UInt64(bytes.count), blake3: BLAKE3.hash(bytes).hex)
            })
    }

    private func made(_ header: BackupHeader) throws -> [UInt8] {
        let folder = try Folder.open(folder.path)
        let target = try folder.openOrCreateFile("backup", mode: 0o600)
        try target.truncate(to: 0)
        let files = try header.entries.indices.map { index in
            let file = try folder.openOrCreateFile("content-\(index)", mode: 0o600)
            try file.truncate(to: 0)
            try file.write(contents[header.entries[index].name] ?? [], at: 0)
            return file
        }
        try BackupArchive.write(header, files, to: target)
        return try target.readAll(limit: 1 << 20)
    }

    private func read(_ bytes: [UInt8]) throws -> (BackupHeader, [String: [UInt8]]) {
        let file = try Folder.open(folder.path).openOrCreateFile("read", mode: 0o600)
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
        var found: [String: [UInt8]] = [:]
        let header = try BackupArchive.read(file) { found[$0.name, default: []] += $1 }
        return (header, found)
    }

    @Test("It gives back what was put in")
    func roundTrip() throws {
        let wanted = header(["keys/issuing.key", "state.db"])
        let (found, files) = try read(made(wanted))
        #expect(found == wanted && files == contents)
    }

    @Test("A changed byte, a byte less and a byte more are found, wherever they are")
    func damage() throws {
        let good = try made(header(["state.db"]))
        for position in stride(from: 0, to: good.count, by: 7) {
            var bad = good
            bad[position] ^= 1
            #expect(throws: BackupDamage.self, "byte \(position)") { try read(bad) }
            #expect(throws: BackupDamage.self, "cut at \(position)") { try read(Array(good[..<position])) }
        }
        #expect(throws: BackupDamage.self) { try read(good + [0]) }
    }

    @Test("Files that no backup has are refused", arguments: ["keys/../x", "keys/", "/etc/passwd", "keys/.x", "other"])
    func names(_ name: String) throws {
        #expect(throws: BackupDamage.self) { try read(made(header(["state.db", name]))) }
    }

    @Test("One without a state, and one with a file twice, are refused")
    func entries() throws {
        #expect(throws: BackupDamage.self) { try read(made(header(["keys/issuing.key"]))) }
        #expect(throws: BackupDamage.self) { try read(made(header(["state.db", "state.db"]))) }
    }
}
