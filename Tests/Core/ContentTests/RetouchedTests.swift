import Content
import Testing

@Suite struct RetouchedTests {
    @Test func `files that differ in their time alone are found, with what they were`() throws {
        var random = TreeRandom(test: "retouched")
        let table = NodeTable()
        let entries = try (0..<2_000).map { try TreeSamples.entry(at: RelativePath("n\($0 + 10_000)"), &random) }
            .filter { $0.type == .file }
        let old = try table.build(entries)
        var edits: [ManifestEdit] = []
        var touched: [RelativePath] = []
        var bytes: UInt64 = 0
        for (index, entry) in entries.enumerated() {
            // Touched; touched and made executable; other bytes with another time; gone; as it was.
            switch index % 7 {
            case 0:
                edits.append(.put(try again(entry)))
                touched.append(entry.path)
                bytes += entry.size
            case 1: edits.append(.put(try again(entry, isExecutable: !entry.isExecutable)))
            case 2: edits.append(.put(try TreeSamples.entry(at: entry.path, &random)))
            case 3: edits.append(.remove(entry.path))
            default: break
            }
        }
        let new = try ManifestTree.apply(edits, to: old.digest, source: table.source, sink: table.sink)
        var found: [RelativePath] = []
        try ManifestTree.forEachRetouched(old.digest, new.digest, source: table.source) { before, after in
            #expect(before.path == after.path && before.modified + 1 == after.modified)
            found.append(after.path)
        }
        #expect(found == touched && touched.count > 100)
        #expect(try ManifestTree.retouchedBytes(old.digest, new.digest, source: table.source) == bytes)
        #expect(try ManifestTree.retouchedBytes(old.digest, old.digest, source: table.source) == 0)
    }

    /// The same file a second later.
    private func again(_ entry: ManifestEntry, isExecutable: Bool? = nil) throws -> ManifestEntry {
        try ManifestEntry(
            path: entry.path, type: .file, isExecutable: isExecutable ?? entry.isExecutable,
            modified: entry.modified + 1, size: entry.size, blob: entry.blob,
            chunkList: entry.chunkList, furtherDigests: entry.furtherDigests)
    }
}
