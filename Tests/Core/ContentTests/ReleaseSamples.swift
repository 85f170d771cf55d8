import Content
import Hashing
import Testing

/// The digest with which vectors and tests name something: 32 equal bytes.
func sampleDigest(_ number: Int) throws -> BLAKE3Digest {
    try #require(BLAKE3Digest([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32)))
}

/// Every way to change one bit of `bytes`, and every way to cut them short.
func damaged(_ bytes: [UInt8]) -> [[UInt8]] {
    var all: [[UInt8]] = []
    for index in bytes.indices {
        for bit in 0..<8 {
            var copy = bytes
            copy[index] ^= 1 << UInt8(bit)
            all.append(copy)
        }
        all.append(Array(bytes[..<index]))
    }
    all.append(bytes + [0])
    return all
}

extension ReleaseDocument {
    /// A document of `sequence` with one thing after another given.
    static func sample(
        fleet: String = "example", set: String = "debian", sequence: UInt64 = 2, publishedAt: Int64 = 1_767_225_600,
        manifest: ManifestRoot? = nil, predecessor: ReleasePredecessor? = nil, changeset: ChangesetReference? = nil,
        chunkProfile: UInt8 = 1, chunkLog: ChunkLogHead? = nil, note: String = "",
        extensions: [ReleaseExtension] = []
    ) throws -> ReleaseDocument {
        let root = ManifestRoot(digest: NodeDigest(try sampleDigest(1)), height: 2, entries: 9, files: 7, bytes: 5)
        let log = ChunkLogHead(epoch: 1, size: 3, root: LogEntryDigest(try sampleDigest(2)))
        let previous = ReleaseDigest(try sampleDigest(3))
        return try ReleaseDocument(
            fleet: fleet, set: set, sequence: sequence, publishedAt: publishedAt, manifest: manifest ?? root,
            predecessor: predecessor ?? (sequence == 1 ? .first : .release(previous)), changeset: changeset,
            chunkProfile: chunkProfile, chunkLog: chunkLog ?? log, note: note, extensions: extensions)
    }
}
