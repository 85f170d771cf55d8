import Content
import Testing
import Trust
import TrustSupport
import UpdateFramework

@Suite struct RepositoryDocumentsTests {
    @Test func `documents and versions come back as they were written, and nothing else is read`() throws {
        let documents = try samplePublisher().documents(naming: [(5, [1, 2])], of: "debian")
        let bytes = documents.encode()
        #expect(try RepositoryDocuments(decoding: bytes) == documents)
        for end in [0, 4, 5, 6, bytes.count / 2, bytes.count - 1] {
            #expect(throws: CodecError.self) { try RepositoryDocuments(decoding: Array(bytes[..<end])) }
        }
        #expect(throws: CodecError.self) { try RepositoryDocuments(decoding: bytes + [0]) }
        let versions = MetadataVersions(root: 3, roles: [.timestamp: 7, .targets: 1])
        #expect(try MetadataVersions(decoding: versions.encoded) == versions)
        #expect(throws: CodecError.self) { try MetadataVersions(decoding: versions.encoded + [0]) }
        #expect(versions[.root] == 3 && versions[.timestamp] == 7 && versions[.snapshot] == 0)
    }

    @Test func `a root that stands among the other documents, and disorder, are refused`() throws {
        var writer = ByteWriter()
        writer.bytes(Array("MFTD".utf8))
        writer.u8(1)
        writer.varint(0)
        writer.varint(1)
        writer.lengthPrefixed(Array("root".utf8))
        writer.lengthPrefixed([1])
        #expect(throws: CodecError.self) { try RepositoryDocuments(decoding: writer.bytes) }
        var roots = ByteWriter()
        roots.bytes(Array("MFTD".utf8))
        roots.u8(1)
        roots.varint(2)
        for version: UInt64 in [2, 1] {
            roots.varint(version)
            roots.lengthPrefixed([1])
        }
        roots.varint(0)
        #expect(throws: CodecError.self) { try RepositoryDocuments(decoding: roots.bytes) }
    }

    @Test func `only what is newer is given to somebody who has the rest`() throws {
        let publisher = try samplePublisher()
        let first = try publisher.verified(publisher.publish([1], sequence: 1, of: "debian"))
        #expect(first.documents(newerThan: first.versions).isEmpty)
        #expect(first.documents(newerThan: MetadataVersions()) == first.documents)
        // A thief of the online key may have signed numbers that nobody reaches; the next root takes them away.
        let forward = MetadataVersions(root: 0, roles: [.timestamp: .max, .snapshot: .max])
        #expect(first.documents(newerThan: forward) == first.documents)
        let second = try publisher.verified(publisher.publish([2], sequence: 2, of: "debian"))
        let newer = second.documents(newerThan: first.versions)
        #expect(newer.roots.isEmpty)
        #expect(newer.documents.keys.sorted() == [FleetRoles.role(ofSet: "debian"), .snapshot, .timestamp])
    }
}
