import Content
import Hashing

/// Entries for tests.
enum TreeSamples {
    static func path(_ text: String) throws -> RelativePath {
        try RelativePath(text)
    }

    static func blob(_ number: UInt64) -> BlobDigest {
        BlobDigest(BLAKE3.hash(withUnsafeBytes(of: number.littleEndian) { Array($0) }))
    }

    static func file(_ path: String, _ content: String = "") throws -> ManifestEntry {
        try ManifestEntry(
            path: RelativePath(path), type: .file, modified: 1_700_000_000, size: UInt64(content.utf8.count),
            blob: BlobDigest(BLAKE3.hash(Array(content.utf8))))
    }

    static func directory(_ path: String) throws -> ManifestEntry {
        try ManifestEntry(path: RelativePath(path), type: .directory, modified: 1_700_000_000)
    }

    static func symlink(_ path: String, _ target: String) throws -> ManifestEntry {
        try ManifestEntry(
            path: RelativePath(path), type: .symlink, modified: 1_700_000_000, linkTarget: Array(target.utf8))
    }

    /// An entry at `path` with random fields.
    static func entry(at path: RelativePath, _ random: inout TreeRandom) throws -> ManifestEntry {
        let modified =
            random.once(in: 20) ? Int64(bitPattern: random.next()) : 1_600_000_000 + Int64(random.below(1 << 27))
        switch random.below(12) {
        case 0: return try ManifestEntry(path: path, type: .directory, modified: modified)
        case 1:
            let target = (0..<(1 + random.below(40))).map { _ in UInt8(1 + random.below(255)) }
            return try ManifestEntry(path: path, type: .symlink, modified: modified, linkTarget: target)
        default:
            let size = random.once(in: 10) ? 0 : UInt64(random.below(1 << 30))
            let list = ChunkListDigest(blob(random.next()).raw)
            var digests: [Digest] = []
            if random.once(in: 8), let digest = Digest(.sha256, blob(random.next()).raw.bytes) {
                digests.append(digest)
            }
            if random.once(in: 16), let digest = Digest(.sha3_256, blob(random.next()).raw.bytes) {
                digests.append(digest)
            }
            return try ManifestEntry(
                path: path, type: .file, isExecutable: random.once(in: 5), modified: modified, size: size,
                blob: blob(random.next()), chunkList: size > 1 << 28 ? list : nil, furtherDigests: digests)
        }
    }

    /// A path as in a Debian pool.
    static func poolPath(_ number: Int) throws -> RelativePath {
        let name = "lib" + String(number / 7 &* 2_654_435_761 % 10_000_019, radix: 36)
        let letter = String(name.dropFirst(3).prefix(1))
        return try RelativePath("pool/main/lib\(letter)/\(name)/\(name)-dev_\(number % 7).\(number % 31)-1_amd64.deb")
    }

    /// `count` entries with pool paths and random fields, ascending. (No directories for them: order is all a tree asks.)
    static func pool(_ count: Int, _ random: inout TreeRandom) throws -> [RelativePath: ManifestEntry] {
        var entries: [RelativePath: ManifestEntry] = [:]
        var number = 0
        while entries.count < count {
            let path = try poolPath(number)
            entries[path] = try entry(at: path, &random)
            number += 1
        }
        return entries
    }
}

extension Dictionary<RelativePath, ManifestEntry> {
    /// The entries in the order of a manifest.
    var ascending: [ManifestEntry] { values.sorted { $0.path < $1.path } }
}
