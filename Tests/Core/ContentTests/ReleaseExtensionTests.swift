import Content
import Hashing
import Testing

@Suite("Release extensions")
struct ReleaseExtensionTests {
    private func document(_ extensions: [ReleaseExtension]) throws -> ReleaseDocument {
        try ReleaseDocument(
            fleet: "lab", set: "debian", sequence: 1, publishedAt: 1_700_000_000, manifest: ManifestTree.emptyRoot,
            predecessor: .first, changeset: nil, chunkProfile: ChunkProfile.standard.identifier,
            chunkLog: ChunkLog(epoch: 1).head, extensions: extensions)
    }

    @Test("The time of the top directory is that of the source, before 1970 too")
    func topModified() throws {
        for seconds in [Int64(0), -86_400, 1_650_000_000, .max] {
            let decoded = try ReleaseDocument(decoding: document([.topModified(seconds)]).encode())
            #expect(decoded.topModified == seconds)
        }
    }

    @Test("Without a word, or with a damaged one, the top shows the time of publishing")
    func topModifiedAbsent() throws {
        #expect(try document([]).topModified == 1_700_000_000)
        let damaged = ReleaseExtension(id: 1, isCritical: false, bytes: [1, 2, 3])
        #expect(try document([damaged]).topModified == 1_700_000_000)
    }

    @Test("A set says so when its symlinks may leave it")
    func escapingLinks() throws {
        #expect(try ReleaseDocument(decoding: document([.escapingLinks]).encode()).allowsEscapingLinks)
        #expect(try !document([.topModified(1)]).allowsEscapingLinks)
    }
}
