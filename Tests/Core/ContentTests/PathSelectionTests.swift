import Content
import Testing

@Suite struct PathSelectionTests {
    @Test func `a selection has what was asked for, all below it, and the directories above`() throws {
        let selection = PathSelection([try RelativePath("pool/a"), try RelativePath("dists/stable/Release")])
        for path in ["pool", "pool/a", "pool/a/one", "pool/a/b/c", "dists", "dists/stable", "dists/stable/Release"] {
            #expect(selection.contains(try RelativePath(path)), "\(path)")
        }
        for path in ["pool/ab", "pool/a-b", "pool/b", "dists/stable/Releases", "dists/testing", "poo"] {
            #expect(!selection.contains(try RelativePath(path)), "\(path)")
        }
        #expect(PathSelection([]).isWhole)
        #expect(PathSelection.all.contains(try RelativePath("any")))
    }

    @Test func `a walk with a selection asks for few nodes, and for every one that has some of it`() throws {
        var random = TreeRandom(test: "selection")
        let entries = try TreeSamples.pool(20_000, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        for round in 0..<200 {
            // One to three paths, and now and then one that is not there.
            var paths = (0...random.below(3)).map { _ in entries[random.below(entries.count)].path }
            if round % 5 == 0 { paths.append(try RelativePath("pool/not-there-\(round)")) }
            if round % 7 == 0, let parent = paths[0].parent { paths.append(parent) }
            let selection = PathSelection(paths)
            var walk = ManifestWalk(root: root.digest, selection: selection) { _ in false }
            var held: [NodeDigest: [UInt8]] = [:]
            while !walk.isComplete {
                let nodes = try walk.needed(limit: .max).map { ($0, try #require(table.nodes[$0])) }
                try walk.supply(nodes) { _ in false }
                for (digest, bytes) in nodes { held[digest] = bytes }
            }
            var found: [RelativePath] = []
            try ManifestTree.reach(root: root.digest, source: { held[$0] }, enters: { held[$0] != nil }) { entry in
                if selection.contains(entry.path) { found.append(entry.path) }
            }
            #expect(found == entries.map(\.path).filter { selection.contains($0) }, "\(paths)")
            if found.count < 100 {
                #expect(held.count < table.nodes.count / 4, "\(held.count) of \(table.nodes.count)")
            }
        }
    }
}
