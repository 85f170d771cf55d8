import Content
import Testing

@Suite struct ManifestProofTests {
    /// What a reader with the root alone learns from bytes.
    private func verify(_ bytes: [UInt8], _ root: ManifestRoot) throws -> ManifestEntry? {
        let proof = try ManifestProof(decoding: bytes)
        let entry = try proof.verify(root: root.digest)
        #expect(proof.entryCount == root.entries && proof.isPresent == (entry != nil))
        return entry
    }

    @Test func `in small trees every path is proven present or absent, and any changed bit is found`() throws {
        var random = TreeRandom(test: "small proofs")
        for count in [0, 1, 2, 3, 9, 120] {
            let entries = try TreeSamples.pool(count, &random)
            let table = NodeTable()
            let root = try table.build(entries.ascending)
            let paths = try ["0", "pool", "zzz"].map { try RelativePath($0) } + entries.keys.sorted().prefix(2)
            for path in paths {
                let proof = try ManifestProof.make(path, root: root.digest, source: table.source)
                let bytes = proof.encode()
                #expect(try ManifestProof(decoding: bytes) == proof)
                #expect(try verify(bytes, root) == entries[path])
                for bit in stride(from: 0, to: 8 * bytes.count, by: count < 10 ? 1 : 37) {
                    var changed = bytes
                    changed[bit / 8] ^= 1 << (bit % 8)
                    #expect(throws: (any Error).self) { try verify(changed, root) }
                }
                for length in stride(from: 0, to: bytes.count, by: count < 10 ? 1 : 53) {
                    #expect(throws: (any Error).self) { try verify(Array(bytes[..<length]), root) }
                }
                #expect(throws: (any Error).self) { try verify(bytes + [0], root) }
            }
        }
    }

    @Test func `in large trees presence and absence are proven by a few nodes`() throws {
        var random = TreeRandom(test: "large proofs")
        let entries = try TreeSamples.pool(20_000, &random)
        let table = NodeTable()
        let root = try table.build(entries.ascending)
        var presentCount = 0
        for _ in 0..<300 {
            let path = try TreeSamples.poolPath(random.below(40_000))
            let bytes = try ManifestProof.make(path, root: root.digest, source: table.source).encode()
            #expect(bytes.count < root.height * 12_000)
            #expect(try verify(bytes, root) == entries[path])
            presentCount += entries[path] == nil ? 0 : 1
            for _ in 0..<20 {
                var changed = bytes
                let bit = random.below(8 * bytes.count)
                changed[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: (any Error).self) { try verify(changed, root) }
            }
        }
        #expect((50...250).contains(presentCount))
    }

    @Test func `hostile names are proven too, within the limit`() throws {
        let entries = try (0..<200).map { try HostileSamples.longLink($0) }.sorted { $0.path < $1.path }
        let table = NodeTable()
        let root = try table.build(entries)
        for number in [0, 5, 199, 200, 5_000] {
            let path = try HostileSamples.longPath(number)
            let bytes = try ManifestProof.make(path, root: root.digest, source: table.source).encode()
            #expect(bytes.count <= ManifestProof.maximumByteCount)
            #expect(try verify(bytes, root) == entries.first { $0.path == path })
        }
    }

    @Test func `a proof says nothing about another root, and nothing can be made of its parts`() throws {
        var random = TreeRandom(test: "other roots")
        let entries = try TreeSamples.pool(3_000, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        let other = try ManifestTree.apply(
            [.remove(entries[5].path)], to: root.digest, source: table.source, sink: table.sink)
        let path = entries[2_000].path
        let proof = try ManifestProof.make(path, root: root.digest, source: table.source)
        #expect(try proof.verify(root: root.digest) == entries[2_000])
        #expect(throws: ManifestProofError.self) { try proof.verify(root: other.digest) }
        #expect(throws: ManifestProofError.self) { try proof.verify(root: ManifestTree.emptyRoot.digest) }
        // A leaf is no root: its own digest proves nothing about the tree, and its digest is not under that of the tree.
        let leaf = try table.levels(root.digest)[0][0]
        let part = try ManifestProof.make(entries[0].path, root: leaf, source: table.source)
        #expect(throws: ManifestProofError.self) { try part.verify(root: root.digest) }
    }

    @Test func `a proof of a tree whose node is missing cannot be made`() throws {
        var random = TreeRandom(test: "missing")
        let entries = try TreeSamples.pool(500, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        let leaf = try table.levels(root.digest)[0][0]
        table.set(leaf, nil)
        #expect(throws: ManifestError.missingNode(leaf)) {
            try ManifestProof.make(entries[0].path, root: root.digest, source: table.source)
        }
    }
}
