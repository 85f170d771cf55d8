import Content
import FoundationEssentials
import Hashing
import Testing

/// The frozen vectors of docs/formats/{manifest,changeset,proof}.md. They were computed first by another implementation
/// of those pages, in Python. A change here makes every manifest that exists unreadable.
@Suite struct TreeVectorTests {
    /// The lines `name = value` of a fixture, which the page of the format shows too.
    private func vectors(_ format: String) throws -> [String: String] {
        let here = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let text = try read(here.joined(separator: "/") + "/Fixtures/\(format)-vectors.txt")
        let page = try read(here.dropLast(3).joined(separator: "/") + "/docs/formats/\(format).md")
        var vectors: [String: String] = [:]
        for line in text.split(separator: "\n") {
            #expect(page.contains(line), "docs/formats/\(format).md does not show this vector")
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
            vectors[String(parts[0].dropLast())] = String(parts[1])
        }
        return vectors
    }

    private func read(_ path: String) throws -> String {
        let bytes = try Data(contentsOf: URL(filePath: path))
        return try #require(String(data: bytes, encoding: .utf8))
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func expect(_ root: ManifestRoot, _ name: String, _ vectors: [String: String]) {
        #expect(root.digest.description == vectors[name + " root"])
        let sums = "height \(root.height), entries \(root.entries), files \(root.files), bytes \(root.bytes)"
        #expect(sums == vectors[name + " sums"])
    }

    private func blob(_ text: String) -> BlobDigest { BlobDigest(BLAKE3.hash(Array(text.utf8))) }

    private func small() throws -> [ManifestEntry] {
        let sha = try #require(Digest(.sha256, blob("sha256").raw.bytes))
        return [
            try ManifestEntry(path: RelativePath("bin"), type: .directory, modified: 1_700_000_000),
            try ManifestEntry(
                path: RelativePath("bin/tool"), type: .file, isExecutable: true, modified: 1_700_000_001,
                size: 1_000_000, blob: blob("tool"), chunkList: ChunkListDigest(blob("list").raw), furtherDigests: [sha]
            ),
            try ManifestEntry(
                path: RelativePath("bin/tool-link"), type: .symlink, modified: -1, linkTarget: Array("tool".utf8)),
            try ManifestEntry(
                path: RelativePath("e\u{301}.txt"), type: .file, modified: 1_700_000_002, size: 5, blob: blob("hello")),
            try ManifestEntry(path: RelativePath("empty"), type: .file, modified: 0, size: 0, blob: blob("")),
        ].sorted { $0.path < $1.path }
    }

    private func numbered(_ numbers: Range<Int>) throws -> [ManifestEntry] {
        try numbers.map { try ManifestEntry(path: RelativePath("n\($0)"), type: .directory, modified: 0) }
    }

    @Test func `small trees have the nodes and roots that were frozen`() throws {
        let vectors = try vectors("manifest")
        let table = NodeTable()
        let empty = try table.build([])
        expect(empty, "empty", vectors)
        #expect(hex(try #require(table.nodes[empty.digest])) == vectors["empty node"])
        let root = try table.build(try small())
        expect(root, "small", vectors)
        #expect(hex(try #require(table.nodes[root.digest])) == vectors["small node"])
    }

    @Test func `trees of several levels are cut where they were`() throws {
        let vectors = try vectors("manifest")
        let table = NodeTable()
        let thousand = try table.build(try numbered(1_000..<2_000))
        expect(thousand, "thousand", vectors)
        let counts = try table.levels(thousand.digest)[0].map { leaf in String(try table.entries(leaf).count) }
        #expect(counts.joined(separator: " ") == vectors["thousand leaf counts"])
        let boundary = BLAKE3Context("mirrorfleet v1 manifest boundary").hash(Array("n1000".utf8))
        #expect(boundary.hex == vectors["thousand boundary n1000"])

        let many = try table.build(try numbered(10_000..<30_000))
        expect(many, "twenty thousand", vectors)
        let nodes = try table.levels(many.digest).map { String($0.count) }
        #expect(nodes.joined(separator: " ") == vectors["twenty thousand nodes"])

        let longest = try table.build(
            try (0..<100).map { try HostileSamples.longLink($0) }.sorted { $0.path < $1.path })
        expect(longest, "longest", vectors)
        let full = try table.levels(longest.digest).map { String($0.count) }
        #expect(full.joined(separator: " ") == vectors["longest nodes"])
    }

    @Test func `the changeset and its digest are those that were frozen`() throws {
        let vectors = try vectors("changeset")
        let to = try NodeTable().build(try small())
        var edits = try small().filter { $0.size > 0 || $0.type != .file }.map { ManifestEdit.put($0) }
        edits.append(.remove(try RelativePath("gone")))
        let changeset = Changeset(from: ManifestTree.emptyRoot.digest, to: to.digest, edits: edits)
        let bytes = changeset.encode()
        #expect(hex(bytes) == vectors["changeset"])
        #expect(Changeset.digest(of: bytes).description == vectors["changeset digest"])
        #expect(try Changeset(decoding: bytes) == changeset)
    }

    @Test func `proofs of presence and absence are those that were frozen`() throws {
        let vectors = try vectors("proof")
        let table = NodeTable()
        let root = try table.build(try small())
        for (name, path, root) in [
            ("proof present", "empty", root), ("proof absent", "zzz", root),
            ("proof in the empty tree", "a", ManifestTree.emptyRoot),
        ] {
            let proof = try ManifestProof.make(RelativePath(path), root: root.digest, source: table.source)
            #expect(hex(proof.encode()) == vectors[name])
            #expect(try proof.verify(root: root.digest)?.path.description == (name == "proof present" ? path : nil))
        }
    }
}
