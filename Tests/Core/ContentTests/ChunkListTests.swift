import Content
import Hashing
import Testing
import TestSupport

@Suite struct ChunkListTests {
    private func references(_ lengths: [UInt32]) throws -> [ChunkReference] {
        try lengths.enumerated().map { index, length in
            ChunkReference(digest: ChunkDigest(try sampleDigest(index + 1)), length: length)
        }
    }

    @Test(arguments: ["two", "three", "many"])
    func `frozen vectors of an independent implementation are met`(title: String) throws {
        let fixture = try FormatFixture("chunk-list.txt")
        let lengths = try fixture.text(title + ".lengths").split(separator: ",").map { try #require(UInt32($0)) }
        let list = try ChunkList(try references(lengths))
        #expect(list.encode() == (try fixture.bytes(title + ".encoded")))
        #expect(list.digest.description == (try fixture.text(title + ".digest")))
        #expect(list.byteCount == lengths.reduce(0) { $0 + UInt64($1) })
        #expect(try ChunkList(decoding: list.encode()) == list)
    }

    @Test func `a list of fewer than two chunks is refused, made or read`() throws {
        #expect(throws: ChunkListError.tooFewChunks(0)) { try ChunkList([]) }
        #expect(throws: ChunkListError.tooFewChunks(1)) { try ChunkList(try references([5])) }
        #expect(throws: ChunkListError.tooFewChunks(0)) { try ChunkList(decoding: [1, 0]) }
        let one = [1, 1, 5] + (try sampleDigest(1)).bytes
        #expect(throws: ChunkListError.tooFewChunks(1)) { try ChunkList(decoding: one) }
    }

    @Test func `a chunk without a byte or longer than 1 MiB is refused by its index`() throws {
        #expect(throws: ChunkListError.badLength(index: 1, length: 0)) { try ChunkList(try references([1, 0])) }
        #expect(throws: ChunkListError.badLength(index: 0, length: 1 << 20 + 1)) {
            try ChunkList(try references([1 << 20 + 1, 1]))
        }
        var writer = ByteWriter()
        writer.u8(1)
        writer.varint(2)
        writer.varint(1)
        writer.digest(try sampleDigest(1))
        writer.varint(.max)
        writer.digest(try sampleDigest(2))
        #expect(throws: ChunkListError.badLength(index: 1, length: .max)) { try ChunkList(decoding: writer.bytes) }
    }

    @Test func `a count beyond the bytes or the limit is refused before anything is reserved`() {
        var writer = ByteWriter()
        writer.u8(1)
        writer.varint(1 << 26)
        #expect(throws: ChunkListError.self) { try ChunkList(decoding: writer.bytes) }
        writer = ByteWriter()
        writer.u8(1)
        writer.varint(.max)
        #expect(throws: ChunkListError.tooManyChunks(.max)) { try ChunkList(decoding: writer.bytes) }
    }

    @Test func `a later version is refused by its number`() throws {
        var bytes = try ChunkList(try references([1, 2])).encode()
        bytes[0] = 2
        #expect(throws: ChunkListError.unknownVersion(2)) { try ChunkList(decoding: bytes) }
    }

    @Test func `damaged bytes either fail or are another list with another digest, and never trap`() throws {
        let list = try ChunkList(try references([300, 1, 1 << 20]))
        let bytes = list.encode()
        for damage in damaged(bytes) {
            #expect(ChunkList.digest(of: damage) != list.digest)
            guard let other = try? ChunkList(decoding: damage) else { continue }
            #expect(other != list)
            #expect(other.encode() == damage)
        }
    }

    @Test func `bytes from anyone must have the digest and the size that the manifest names`() throws {
        let list = try ChunkList(try references([300, 1]))
        let bytes = list.encode()
        #expect(try ChunkList(verifying: bytes, digest: list.digest, blobSize: 301) == list)
        #expect(throws: ChunkListError.otherSize(expected: 302, found: 301)) {
            try ChunkList(verifying: bytes, digest: list.digest, blobSize: 302)
        }
        let other = try ChunkList(try references([300, 2]))
        #expect(throws: ChunkListError.otherDigest(expected: list.digest, found: other.digest)) {
            try ChunkList(verifying: other.encode(), digest: list.digest, blobSize: 301)
        }
    }

    @Test func `the digest of a list is not the plain digest of its bytes`() throws {
        let list = try ChunkList(try references([1, 2]))
        #expect(list.digest.raw != BLAKE3.hash(list.encode()))
    }
}
