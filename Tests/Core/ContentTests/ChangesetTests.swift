import Content
import Hashing
import Testing

@Suite struct ChangesetTests {
    private func sample() throws -> Changeset {
        Changeset(
            from: ManifestTree.emptyRoot.digest, to: NodeDigest(BLAKE3.hash([1])),
            edits: [
                .put(try TreeSamples.directory("a")), .remove(try RelativePath("a/old")),
                .put(try TreeSamples.symlink("a/other", "../b")), .put(try TreeSamples.file("b", "text")),
            ])
    }

    @Test func `a changeset reads back and is small`() throws {
        let changeset = try sample()
        let bytes = changeset.encode()
        #expect(try Changeset(decoding: bytes) == changeset)
        #expect(bytes.count < 170)
        #expect(Changeset.digest(of: bytes).raw != BLAKE3.hash(bytes))
        #expect(Changeset.digest(of: bytes) != Changeset.digest(of: bytes + [0]))
    }

    @Test func `a changeset cut short or with a bit flipped is refused, or is the one encoding of another`() throws {
        let bytes = try sample().encode()
        for count in 0..<bytes.count {
            #expect(throws: (any Error).self) { try Changeset(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: CodecError.trailingBytes(offset: bytes.count, count: 1)) {
            try Changeset(decoding: bytes + [0])
        }
        for bit in 0..<(8 * bytes.count) {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            if let other = try? Changeset(decoding: changed) { #expect(other.encode() == changed) }
        }
    }

    @Test func `edits out of order or there twice, and paths that are none, are refused`() throws {
        func changeset(_ edits: (UInt64, String, [UInt8])...) -> [UInt8] {
            var writer = ByteWriter()
            writer.u8(1)
            writer.digest(BLAKE3.hash([1]))
            writer.digest(BLAKE3.hash([2]))
            writer.varint(UInt64(edits.count))
            for (shared, rest, fields) in edits {
                writer.varint(shared)
                writer.lengthPrefixed(Array(rest.utf8))
                writer.bytes(fields)
            }
            return writer.bytes
        }
        #expect(try Changeset(decoding: changeset((0, "a", [0]), (1, "b", [2, 0]))).edits.count == 2)
        let bad = [
            changeset((0, "b", [0]), (0, "a", [0])), changeset((0, "a", [0]), (0, "a", [0])),
            changeset((0, "a", [0]), (1, "", [0])), changeset((0, "..", [0])), changeset((0, "/a", [0])),
            changeset((0, "", [0])), changeset((0, "a/../b", [0])), changeset((0, "a", [0x80])),
            changeset((0, String(repeating: "a/", count: 2_047) + "bb", [0])), changeset((0, ".store/a", [0])),
        ]
        for bytes in bad { #expect(throws: (any Error).self) { try Changeset(decoding: bytes) } }
    }

    @Test func `counts beyond the limit or the input are refused without reserving memory for them`() throws {
        var writer = ByteWriter()
        writer.u8(1)
        writer.digest(BLAKE3.hash([1]))
        writer.digest(BLAKE3.hash([2]))
        let head = writer
        writer.varint(20_000_001)
        #expect(throws: CodecError.valueTooLarge(offset: 65, value: 20_000_001, limit: 20_000_000)) {
            try Changeset(decoding: writer.bytes)
        }
        writer = head
        writer.varint(20_000_000)
        #expect(throws: CodecError.self) { try Changeset(decoding: writer.bytes) }
        #expect(throws: CodecError.unsupportedVersion(format: "changeset", version: 2)) {
            try Changeset(decoding: [2] + head.bytes.dropFirst() + [0])
        }
    }

    @Test func `a changeset that does not lead to its root is refused`() throws {
        let table = NodeTable()
        let old = try table.build([try TreeSamples.file("a", "1")])
        let new = try table.build([try TreeSamples.file("a", "2"), try TreeSamples.file("b", "3")])
        let right = try Changeset.between(old.digest, new.digest, source: table.source)
        #expect(try right.apply(source: table.source) { _, _ in }.root == new)
        let wrong = Changeset(from: old.digest, to: new.digest, edits: Array(right.edits.dropLast()))
        #expect(throws: ChangesetError.self) { try wrong.apply(source: table.source) { _, _ in } }
        let elsewhere = Changeset(from: ManifestTree.emptyRoot.digest, to: new.digest, edits: [right.edits[0]])
        #expect(throws: ChangesetError.self) { try elsewhere.apply(source: table.source) { _, _ in } }
    }
}
