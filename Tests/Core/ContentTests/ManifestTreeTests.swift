import Content
import Testing

@Suite struct ManifestTreeTests {
    @Test func `the empty tree is a leaf of two bytes that no source needs to hold`() throws {
        let root = try NodeTable().build([])
        #expect(root == ManifestTree.emptyRoot)
        #expect(root.height == 1 && root.entries == 0 && root.files == 0 && root.bytes == 0)
        let nothing: NodeSource = { _ in nil }
        #expect(try ManifestTree.root(of: root.digest, source: nothing) == root)
        #expect(try ManifestTree.entry(at: RelativePath("a"), root: root.digest, source: nothing) == nil)
        #expect(try ManifestTree.check(root: root.digest, source: nothing) == root)
        let file = try TreeSamples.file("a")
        let one = NodeTable()
        let next = try ManifestTree.apply([.put(file)], to: root.digest, source: nothing, sink: one.sink)
        #expect(try one.entries(next.digest) == [file])
        let back = try ManifestTree.apply(
            [.remove(file.path)], to: next.digest, source: one.source
        ) { _, _ in }
        #expect(back == root)
    }

    @Test func `the root says height, entries, files and bytes`() throws {
        let table = NodeTable()
        let root = try table.build([
            try TreeSamples.directory("d"), try TreeSamples.file("d/a", "12345"), try TreeSamples.symlink("d/b", "a"),
            try TreeSamples.file("d/c", "678"),
        ])
        #expect(root.height == 1 && root.entries == 4 && root.files == 2 && root.bytes == 8)
        #expect(try ManifestTree.root(of: root.digest, source: table.source) == root)
    }

    @Test func `entries are found, and read from any place on`() throws {
        var random = TreeRandom(test: "reading")
        let entries = try TreeSamples.pool(3_000, &random)
        let sorted = entries.ascending
        let table = NodeTable()
        let root = try table.build(sorted)
        for _ in 0..<300 {
            let path = try TreeSamples.poolPath(random.below(6_000))
            #expect(try ManifestTree.entry(at: path, root: root.digest, source: table.source) == entries[path])
        }
        for _ in 0..<20 {
            let path = try TreeSamples.poolPath(random.below(6_000))
            #expect(try table.entries(root.digest, from: path) == sorted.filter { $0.path >= path })
        }
        #expect(try table.entries(root.digest, from: RelativePath("zzz")).isEmpty)
        var seen = 0
        try ManifestTree.forEachEntry(root: root.digest, source: table.source) { _ in
            seen += 1
            return seen < 10
        }
        #expect(seen == 10)
    }

    @Test func `a diff does not read what two trees share`() throws {
        var random = TreeRandom(test: "sharing")
        let entries = try TreeSamples.pool(20_000, &random).ascending
        let table = NodeTable()
        let old = try table.build(entries)
        let edits = [
            ManifestEdit.remove(entries[7_000].path), .put(try TreeSamples.file(entries[12_000].path.description)),
        ]
        .sorted { $0.path < $1.path }
        let new = try ManifestTree.apply(edits, to: old.digest, source: table.source, sink: table.sink)
        table.resetCounts()
        #expect(try table.edits(old.digest, new.digest) == edits)
        #expect(table.readCount <= 2 * 2 * old.height + 4)
        table.resetCounts()
        #expect(try table.edits(old.digest, old.digest).isEmpty)
        #expect(table.readCount == 0)
    }

    @Test func `a diff with the empty tree is all entries`() throws {
        var random = TreeRandom(test: "all")
        let entries = try TreeSamples.pool(500, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        #expect(try table.edits(ManifestTree.emptyRoot.digest, root.digest) == entries.map { .put($0) })
        #expect(try table.edits(root.digest, ManifestTree.emptyRoot.digest) == entries.map { .remove($0.path) })
    }

    @Test func `paths and edits that are not strictly ascending are refused`() throws {
        let a = try TreeSamples.file("a")
        let b = try TreeSamples.file("b")
        #expect(throws: ManifestError.notAscending(previous: b.path, next: a.path)) { try NodeTable().build([b, a]) }
        #expect(throws: ManifestError.notAscending(previous: a.path, next: a.path)) { try NodeTable().build([a, a]) }
        for edits in [[ManifestEdit.put(b), .put(a)], [.put(a), .remove(a.path)]] {
            #expect(throws: ManifestError.self) {
                try ManifestTree.apply(edits, to: ManifestTree.emptyRoot.digest, source: { _ in nil }) { _, _ in }
            }
        }
    }

    @Test func `sums above the limits are refused`() throws {
        let half = UInt64(Int64.max) / 2 + 1
        let blob = TreeSamples.blob(1)
        let entries = try ["a", "b"].map {
            try ManifestEntry(path: RelativePath($0), type: .file, modified: 0, size: half, blob: blob)
        }
        #expect(throws: ManifestError.tooManyBytes) { try NodeTable().build(entries) }
    }

    @Test func `a missing node and a node with other bytes are named`() throws {
        var random = TreeRandom(test: "damage")
        let entries = try TreeSamples.pool(2_000, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        for digest in [root.digest, try table.levels(root.digest)[0][3]] {
            let bytes = try #require(table.nodes[digest])
            table.set(digest, nil)
            #expect(throws: ManifestError.missingNode(digest)) { try table.entries(root.digest) }
            var wrong = bytes
            wrong[bytes.count / 2] ^= 1
            table.set(digest, wrong)
            #expect(throws: ManifestError.wrongDigest(expected: digest)) { try table.entries(root.digest) }
            table.set(digest, bytes)
        }
        #expect(try table.entries(root.digest) == entries)
    }

    @Test func `entries are found at many paths, and no node is read twice`() throws {
        for seed in 0..<20 {
            var random = TreeRandom(test: "many paths \(seed)")
            let all = try (0..<(1 + random.below(3_000))).map { number in
                try TreeSamples.entry(at: RelativePath("n\(100_000 + 2 * number)"), &random)
            }
            let table = NodeTable()
            let root = try table.build(all)
            let there = Dictionary(all.map { ($0.path, $0) }) { $1 }
            // Some of them are absent, before, between and after the others.
            let one = 1 + random.below(50)
            let paths = try (-10..<(2 * all.count + 10)).filter { _ in random.once(in: one) }.map {
                try RelativePath("n\(100_000 + $0)")
            }.sorted()
            var read: [NodeDigest] = []
            var found: [ManifestEntry] = []
            try ManifestTree.forEachEntry(
                at: paths, root: root.digest,
                source: { digest in
                    read.append(digest)
                    return table.nodes[digest]
                }
            ) { found.append($0) }
            #expect(found == paths.compactMap { there[$0] }, "seed \(seed)")
            // But for the root, which tells the height first.
            #expect(
                read.filter { $0 != root.digest }.count == Set(read).subtracting([root.digest]).count, "seed \(seed)")
        }
        try ManifestTree.forEachEntry(
            at: [RelativePath("a")], root: ManifestTree.emptyRoot.digest, source: { _ in nil }
        ) { Issue.record("the empty tree has \($0.path)") }
    }
}
