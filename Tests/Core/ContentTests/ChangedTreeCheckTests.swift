import Content
import Testing

/// A check of what changed must find what a check of everything finds.
@Suite struct ChangedTreeCheckTests {
    private static let names = ["a", "a-b", "a.d", "b", "l"]

    /// A random entry of a small world, in which parents are missing and links leave the set often enough.
    private func entry(_ random: inout TreeRandom) throws -> ManifestEntry {
        let path = (0...random.below(3)).map { _ in Self.names[random.below(Self.names.count)] }.joined(separator: "/")
        let targets = ["b", "../b", "l/../b", "../l/../../b", "a/..", "../../.."]
        return switch random.below(4) {
        case 0: try TreeSamples.file(path)
        case 1: try TreeSamples.symlink(path, targets[random.below(targets.count)])
        default: try TreeSamples.directory(path)
        }
    }

    private func isTree(_ entries: [ManifestEntry], allowsEscapingLinks: Bool) -> Bool {
        var rules = TreeRules(allowsEscapingLinks: allowsEscapingLinks)
        do {
            for entry in entries { try rules.check(entry) }
            try rules.finish { path in entries.first { $0.path == path }?.type }
            return true
        } catch {
            return false
        }
    }

    @Test func `changes of a right tree are refused if and only if the whole tree is`() throws {
        var random = TreeRandom(test: "changed trees")
        var (right, wrong) = (0, 0)
        for _ in 0..<200 {
            let allows = random.below(5) == 0
            var base: [ManifestEntry] = []
            for _ in 0..<40 {
                var next = Dictionary(base.map { ($0.path, $0) }) { $1 }
                for _ in 0...random.below(4) {
                    let entry = try entry(&random)
                    next[entry.path] = random.below(4) == 0 ? nil : entry
                }
                let entries = next.values.sorted { $0.path < $1.path }
                let table = NodeTable()
                let (old, new) = (try table.build(base), try table.build(entries))
                let rules = TreeRules(allowsEscapingLinks: allows)
                let isRight = isTree(entries, allowsEscapingLinks: allows)
                let found = try? ManifestTree.check(
                    root: new.digest, since: old.digest, source: table.source, rules: rules)
                #expect(found == (isRight ? new : nil), "\(base.map(\.path)) -> \(entries.map(\.path))")
                (right, wrong) = isRight ? (right + 1, wrong) : (right, wrong + 1)
                if isRight { base = entries }
            }
        }
        print("changed trees: \(right) right, \(wrong) wrong")
        #expect(right > 1_000 && wrong > 1_000)
    }

    @Test func `a small change of a large tree is checked by few nodes`() throws {
        var random = TreeRandom(test: "checked nodes")
        let entries = try (0..<20_000).map { try TreeSamples.entry(at: RelativePath("n\($0 + 100_000)"), &random) }
        let table = NodeTable()
        let old = try table.build(entries)
        let edit = ManifestEdit.put(try TreeSamples.entry(at: entries[7_000].path, &random))
        let new = try ManifestTree.apply([edit], to: old.digest, source: table.source, sink: table.sink)
        table.resetCounts()
        #expect(
            try ManifestTree.check(
                root: new.digest, since: old.digest, source: table.source, rules: TreeRules()) == new)
        #expect(table.readCount < 60)
        // What changed must be there, whatever else is.
        let leaf = try #require(
            Set(table.levels(new.digest)[0]).subtracting(table.levels(old.digest)[0]).first)
        table.set(leaf, nil)
        #expect(throws: ManifestError.missingNode(leaf)) {
            try ManifestTree.check(root: new.digest, since: old.digest, source: table.source, rules: TreeRules())
        }
    }
}
