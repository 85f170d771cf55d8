import Content
import Testing

@Suite struct RemovalsTests {
    @Test func `a file that came back under another path is not removed, one that lost a copy is`() throws {
        let table = NodeTable()
        let old = try table.build(
            ["a", "b", "c", "d"].map { try TreeSamples.file($0, $0 == "d" ? "same as c" : "bytes of \($0)") }
                + [try TreeSamples.file("e", "same as c")])
        // a moves, b is gone, one of the equal d and e goes and comes back in the place of c.
        let new = try table.build([
            try TreeSamples.file("c", "same as c"), try TreeSamples.file("e", "same as c"),
            try TreeSamples.file("f", "bytes of a"),
        ])
        let size = try TreeSamples.file("b", "bytes of b").size
        #expect(
            try ManifestTree.removed(old.digest, new.digest, source: table.source)
                == RemovedContent(files: 1, bytes: size))
    }

    @Test func `files whose path is gone count, and no others`() throws {
        var random = TreeRandom(test: "removals")
        let table = NodeTable()
        let entries = try (0..<2_000).map { try TreeSamples.entry(at: RelativePath("n\($0 + 10_000)"), &random) }
        let old = try table.build(entries)
        var edits: [ManifestEdit] = []
        var expected = RemovedContent.none
        for (index, entry) in entries.enumerated() {
            let isFile = entry.type == .file
            switch index % 5 {
            case 0:
                edits.append(.remove(entry.path))
                if isFile { expected = expected + entry }
            case 1:
                // A link in the place of a file is no file.
                edits.append(.put(try TreeSamples.symlink("n\(index + 10_000)", "elsewhere")))
                if isFile { expected = expected + entry }
            case 2: edits.append(.put(try TreeSamples.file("n\(index + 10_000)", "other \(index)")))
            case 3: edits.append(.put(try TreeSamples.file("n\(index + 10_000)-more", "more")))
            default: break
            }
        }
        let new = try ManifestTree.apply(edits, to: old.digest, source: table.source, sink: table.sink)
        #expect(try ManifestTree.removed(old.digest, new.digest, source: table.source) == expected)
        #expect(expected.files > 100)
        #expect(try ManifestTree.removed(old.digest, old.digest, source: table.source) == .none)
        let empty = try table.build([])
        let all = try ManifestTree.removed(old.digest, empty.digest, source: table.source)
        #expect(all == RemovedContent(files: old.files, bytes: old.bytes))
    }
}

extension RemovedContent {
    fileprivate static func + (sum: RemovedContent, entry: ManifestEntry) -> RemovedContent {
        RemovedContent(files: sum.files + 1, bytes: sum.bytes + entry.size)
    }
}
