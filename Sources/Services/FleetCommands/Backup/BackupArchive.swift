import FleetAPI
package import FleetModel
import Glibc
import Hashing
package import LinuxIO

/// What a backup says of itself (docs/formats/backup.md).
package struct BackupHeader: Codable, Equatable, Sendable {
    /// One file in it.
    package struct Entry: Codable, Equatable, Sendable {
        /// `state.db`, or `keys/NAME`.
        package var name: String
        package var size: UInt64
        /// BLAKE3 in hexadecimal.
        package var blake3: String

        /// Makes the entry from its parts.
        package init(name: String, size: UInt64, blake3: String) {
            self.name = name
            self.size = size
            self.blake3 = blake3
        }
    }

    /// The fleet's name.
    package var fleet: String
    /// When it was made, in seconds since 1970.
    package var createdAt: Int64
    /// The program that made it.
    package var program: String
    /// The newest plan in it; nil: there is none.
    package var generation: Generation?
    /// In the order in which they follow.
    package var entries: [Entry]

    /// Makes the header from its parts.
    package init(fleet: String, createdAt: Int64, program: String, generation: Generation?, entries: [Entry]) {
        self.fleet = fleet
        self.createdAt = createdAt
        self.program = program
        self.generation = generation
        self.entries = entries
    }
}

/// A backup that is no whole one, and why.
package struct BackupDamage: Error, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { reason }
}

/// The one file of a backup: a line that says what it is, the header, the files, and a checksum of all that.
package enum BackupArchive {
    /// Begins every backup; the number goes up when an older program must not read it.
    private static let magic = Array("mirrorfleet-backup 1\n".utf8)
    /// A header with as many keys as anybody has.
    private static let headerLimit = 64 << 10
    private static let piece = 1 << 20
    /// The names that an entry may have: the state, and key files by plain names.
    private static let nameLimit = 128

    /// Writes `header` and `files`, which are those of its entries, into `target`, from its beginning on; durable when it
    /// returns. Throws `BackupDamage` if a file became shorter than its entry says, and what the disk says.
    package static func write(_ header: BackupHeader, _ files: [OpenFile], to target: OpenFile) throws {
        var hasher = BLAKE3.Hasher()
        var offset: UInt64 = 0
        func append(_ bytes: [UInt8]) throws {
            try target.write(bytes, at: offset)
            hasher.update(bytes)
            offset += UInt64(bytes.count)
        }
        let encoded = try WireJSON.encode(header)
        try append(magic + littleEndian(UInt32(encoded.count)) + encoded)
        for (entry, file) in zip(header.entries, files) {
            var done: UInt64 = 0
            while done < entry.size {
                let bytes = try file.read(Int(min(UInt64(piece), entry.size - done)), at: done)
                guard !bytes.isEmpty else {
                    throw BackupDamage(reason: "\(entry.name) became shorter while it was read")
                }
                try append(bytes)
                done += UInt64(bytes.count)
            }
        }
        try target.write(hasher.finalize().bytes, at: offset)
        try target.sync()
    }

    /// Reads a backup to its end, gives the bytes of its files to `take`, a piece at a time, and says what it is. What
    /// `take` got is good only when this has returned.
    /// - Throws: `BackupDamage` for anything but a whole backup, and what `take` and the disk say.
    package static func read(
        _ file: OpenFile, take: (BackupHeader.Entry, [UInt8]) throws -> Void
    ) throws -> BackupHeader {
        let size = try file.attributes().size
        var hasher = BLAKE3.Hasher()
        var offset: UInt64 = 0
        func next(_ count: Int) throws -> [UInt8] {
            let bytes = try file.read(count, at: offset)
            guard bytes.count == count else { throw BackupDamage(reason: "it is cut off") }
            offset += UInt64(count)
            hasher.update(bytes)
            return bytes
        }
        guard try next(min(magic.count, Int(clamping: size))) == magic else {
            throw BackupDamage(reason: "it is no backup, or one of a newer program")
        }
        let length = try next(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= headerLimit else { throw BackupDamage(reason: "its header has \(length) bytes") }
        let header: BackupHeader
        do {
            header = try WireJSON.decode(BackupHeader.self, from: try next(length))
        } catch let error as MalformedJSON {
            throw BackupDamage(reason: "its header is not valid: \(error)")
        }
        try check(header, fits: size - offset)
        for entry in header.entries {
            var own = BLAKE3.Hasher()
            var left = entry.size
            while left > 0 {
                let bytes = try next(Int(min(UInt64(piece), left)))
                own.update(bytes)
                left -= UInt64(bytes.count)
                try take(entry, bytes)
            }
            guard own.finalize().hex == entry.blake3 else { throw BackupDamage(reason: "\(entry.name) is damaged") }
        }
        let sum = hasher.finalize()
        guard try file.read(BLAKE3Digest.byteCount + 1, at: offset) == sum.bytes else {
            throw BackupDamage(reason: "its checksum is wrong")
        }
        return header
    }

    private static func check(_ header: BackupHeader, fits size: UInt64) throws {
        var names: Set<String> = []
        var total: UInt64 = 0
        for entry in header.entries {
            guard isName(entry.name), names.insert(entry.name).inserted else {
                throw BackupDamage(reason: "it has a file that no backup has")
            }
            let (sum, isOver) = total.addingReportingOverflow(entry.size)
            guard !isOver, sum <= size else { throw BackupDamage(reason: "it is cut off") }
            total = sum
        }
        guard names.contains(stateName) else { throw BackupDamage(reason: "it has no state") }
    }

    /// The state's file.
    package static let stateName = "state.db"
    /// Begins the names of keys.
    package static let keyPrefix = "keys/"

    private static func isName(_ name: String) -> Bool {
        if name == stateName { return true }
        guard name.hasPrefix(keyPrefix), name.utf8.count <= nameLimit else { return false }
        let rest = name.utf8.dropFirst(keyPrefix.utf8.count)
        return rest.first != UInt8(ascii: ".") && !rest.isEmpty
            && rest.allSatisfy { $0 != UInt8(ascii: "/") && (0x21...0x7e).contains($0) }
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
