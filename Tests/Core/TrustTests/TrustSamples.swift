import Content
import Hashing
import Testing
import Trust
import TrustSupport

func sampleDigest(_ number: Int) throws -> BLAKE3Digest {
    try #require(BLAKE3Digest([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32)))
}

/// A publisher of the sample documents; the same number has the same keys.
func samplePublisher(_ number: UInt8 = 1, sets: [String] = ["debian", "iso"]) throws -> TestPublisher {
    try TestPublisher(fleet: "example", sets: sets, seed: number &* 16)
}

func sampleDocument(
    fleet: String = "example", set: String = "debian", sequence: UInt64 = 5, note: String = "",
    manifest: ManifestRoot? = nil
) throws -> ReleaseDocument {
    let root = ManifestRoot(digest: NodeDigest(try sampleDigest(1)), height: 2, entries: 9, files: 7, bytes: 5)
    return try ReleaseDocument(
        fleet: fleet, set: set, sequence: sequence, publishedAt: 1_767_225_600, manifest: manifest ?? root,
        predecessor: sequence == 1 ? .first : .release(ReleaseDigest(try sampleDigest(3))), changeset: nil,
        chunkProfile: 1, chunkLog: ChunkLogHead(epoch: 1, size: 3, root: LogEntryDigest(try sampleDigest(2))),
        note: note)
}
