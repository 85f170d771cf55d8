import Content
import Hashing
import LinuxIO

/// Values that arrived and are not complete yet, in one file of a session's folder: a crash keeps what was written, and
/// each value proves itself by its digest when it is used. Nothing here is ever synced.
struct StagedValues {
    private let file: OpenFile
    private var places: [BLAKE3Digest: (offset: UInt64, count: Int)] = [:]
    private var end: UInt64 = 0

    private static let headerByteCount = 36
    /// Larger than any node or chunk list that a reader takes.
    private static let valueLimit = 64 << 20

    /// Opens the file; what a crash tore off is cut away. The values are not compared with their digests here.
    init(in folder: Folder, name: String) throws {
        file = try folder.openOrCreateFile(name, mode: 0o600)
        let size = try file.attributes().size
        while end + UInt64(Self.headerByteCount) <= size {
            let header = try file.read(Self.headerByteCount, at: end)
            guard header.count == Self.headerByteCount, let digest = BLAKE3Digest(header[..<32]) else { break }
            let count = header[32...].reversed().reduce(0) { $0 << 8 | Int($1) }
            let start = end + UInt64(Self.headerByteCount)
            guard count <= Self.valueLimit, start + UInt64(count) <= size else { break }
            places[digest] = (start, count)
            end = start + UInt64(count)
        }
        try file.truncate(to: end)
    }

    var count: Int { places.count }

    func holds(_ digest: BLAKE3Digest) -> Bool { places[digest] != nil }

    /// The bytes under a digest, not compared with it.
    func value(_ digest: BLAKE3Digest) throws -> [UInt8]? {
        guard let place = places[digest] else { return nil }
        return try file.read(place.count, at: place.offset)
    }

    /// Adds values, which the caller has compared with their digests; what was there under a digest is replaced.
    mutating func append(_ values: [(BLAKE3Digest, [UInt8])]) throws {
        var bytes: [UInt8] = []
        var added: [(BLAKE3Digest, UInt64, Int)] = []
        for (digest, value) in values {
            bytes += digest.bytes
            var count = UInt32(value.count)
            for _ in 0..<4 {
                bytes.append(UInt8(truncatingIfNeeded: count))
                count >>= 8
            }
            added.append((digest, end + UInt64(bytes.count), value.count))
            bytes += value
        }
        try file.write(bytes, at: end)
        for (digest, offset, count) in added { places[digest] = (offset, count) }
        end += UInt64(bytes.count)
    }

    /// Forgets everything.
    mutating func removeAll() throws {
        places = [:]
        end = 0
        try file.truncate(to: 0)
    }

    /// All digests, sorted.
    var digests: [BLAKE3Digest] { places.keys.sorted() }
}
