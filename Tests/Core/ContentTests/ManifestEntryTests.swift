import Content
import Hashing
import Testing

@Suite struct ManifestEntryTests {
    private let path = try? RelativePath("p")
    private let blob = TreeSamples.blob(1)
    private let list = ChunkListDigest(TreeSamples.blob(2).raw)

    @Test func `fields that do not fit together are refused`() throws {
        let path = try #require(path)
        let sha = try #require(Digest(.sha256, blob.raw.bytes))
        let sha3 = try #require(Digest(.sha3_256, blob.raw.bytes))
        let blake = try #require(Digest(.blake3, blob.raw.bytes))
        #expect(throws: EntryError.missingBlob) { try ManifestEntry(path: path, type: .file, modified: 0) }
        #expect(throws: EntryError.chunkListOfEmptyFile) {
            try ManifestEntry(path: path, type: .file, modified: 0, blob: blob, chunkList: list)
        }
        #expect(throws: EntryError.sizeTooLarge(1 << 63)) {
            try ManifestEntry(path: path, type: .file, modified: 0, size: 1 << 63, blob: blob)
        }
        for digests in [[sha3, sha], [sha, sha]] {
            #expect(throws: EntryError.digestOrder(digests[1].algorithm)) {
                try ManifestEntry(path: path, type: .file, modified: 0, blob: blob, furtherDigests: digests)
            }
        }
        #expect(throws: EntryError.digestRepeatsBlob) {
            try ManifestEntry(path: path, type: .file, modified: 0, blob: blob, furtherDigests: [blake])
        }
        for length in [0, 4_096] {
            #expect(throws: EntryError.linkTargetLength(length)) {
                try ManifestEntry(
                    path: path, type: .symlink, modified: 0, linkTarget: [UInt8](repeating: 1, count: length))
            }
        }
        #expect(throws: EntryError.linkTargetContainsNUL(offset: 1)) {
            try ManifestEntry(path: path, type: .symlink, modified: 0, linkTarget: [1, 0])
        }
    }

    @Test func `directories and symlinks have no fields of files, nor files a target`() throws {
        let path = try #require(path)
        let sha = try #require(Digest(.sha256, blob.raw.bytes))
        for type in [EntryType.directory, .symlink] {
            let target: [UInt8] = type == .symlink ? [1] : []
            #expect(throws: EntryError.fieldNotOfType(field: "isExecutable", type: type)) {
                try ManifestEntry(path: path, type: type, isExecutable: true, modified: 0, linkTarget: target)
            }
            #expect(throws: EntryError.fieldNotOfType(field: "size", type: type)) {
                try ManifestEntry(path: path, type: type, modified: 0, size: 1, linkTarget: target)
            }
            #expect(throws: EntryError.fieldNotOfType(field: "blob", type: type)) {
                try ManifestEntry(path: path, type: type, modified: 0, blob: blob, linkTarget: target)
            }
            #expect(throws: EntryError.fieldNotOfType(field: "chunkList", type: type)) {
                try ManifestEntry(path: path, type: type, modified: 0, chunkList: list, linkTarget: target)
            }
            #expect(throws: EntryError.fieldNotOfType(field: "furtherDigests", type: type)) {
                try ManifestEntry(path: path, type: type, modified: 0, linkTarget: target, furtherDigests: [sha])
            }
        }
        #expect(throws: EntryError.fieldNotOfType(field: "linkTarget", type: .directory)) {
            try ManifestEntry(path: path, type: .directory, modified: 0, linkTarget: [1])
        }
        #expect(throws: EntryError.fieldNotOfType(field: "linkTarget", type: .file)) {
            try ManifestEntry(path: path, type: .file, modified: 0, blob: blob, linkTarget: [1])
        }
    }

    @Test func `entries read back, and every other encoding is refused`() throws {
        var random = TreeRandom(test: "entries")
        for number in 0..<200 {
            let entry = try TreeSamples.entry(at: try TreeSamples.poolPath(number), &random)
            var writer = ByteWriter()
            entry.encode(into: &writer)
            var reader = ByteReader(writer.bytes)
            #expect(try ManifestEntry(decoding: &reader) == entry)
            #expect(reader.isAtEnd)
            for count in 0..<writer.count {
                #expect(throws: (any Error).self) {
                    var reader = ByteReader(Array(writer.bytes[..<count]))
                    _ = try ManifestEntry(decoding: &reader)
                }
            }
            for bit in 0..<(8 * writer.count) {
                var bytes = writer.bytes
                bytes[bit / 8] ^= 1 << (bit % 8)
                var reader = ByteReader(bytes)
                // What is still an entry is another one, with this very encoding.
                guard let other = try? ManifestEntry(decoding: &reader) else { continue }
                var again = ByteWriter()
                other.encode(into: &again)
                #expect(again.bytes[...] == bytes[..<reader.offset] && other != entry)
            }
        }
    }
}
