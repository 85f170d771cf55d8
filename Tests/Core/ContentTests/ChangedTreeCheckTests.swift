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

    @Test func `more changes than are kept are read again`() throws {
        var random = TreeRandom(test: "many changes")
        let count = KnownChanges.limit + 1
        let entries = try (0..<count).map { try TreeSamples.entry(at: RelativePath("n\($0 + 100_000)"), &random) }
        let table = NodeTable()
        let (old, all, most) = (try table.build([]), try table.build(entries), try table.build(entries.dropLast()))
        for (new, isKept) in [(all, false), (most, true)] {
            var known = KnownChanges()
            _ = try ManifestTree.check(
                root: new.digest, since: old.digest, source: table.source, rules: TreeRules(allowsEscapingLinks: true),
                known: &known)
            for known in [known, try ManifestTree.changes(old.digest, new.digest, source: table.source)] {
                table.resetCounts()
                var found = 0
                try ManifestTree.diff(old.digest, new.digest, known: known, source: table.source) { _ in found += 1 }
                #expect(UInt64(found) == new.entries)
                #expect((table.readCount == 0) == isKept)
            }
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
                var known = KnownChanges()
                let found = try? ManifestTree.check(
                    root: new.digest, since: old.digest, source: table.source, rules: rules, known: &known)
                #expect(found == (isRight ? new : nil), "\(base.map(\.path)) -> \(entries.map(\.path))")
                if isRight { try table.expectKnown(known, old.digest, new.digest) }
                // Whoever made the tree of the base knows the changes, and is told the same of the rules.
                var made = try Changeset.between(old.digest, new.digest, source: table.source)
                    .apply(source: table.source) { _, _ in }.changes
                let again = try? ManifestTree.check(
                    root: new.digest, since: old.digest, source: table.source, rules: rules, known: &made)
                #expect(again == found, "\(base.map(\.path)) -> \(entries.map(\.path))")
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
        var known = KnownChanges()
        #expect(
            try ManifestTree.check(
                root: new.digest, since: old.digest, source: table.source, rules: TreeRules(), known: &known) == new)
        #expect(table.readCount < 60)
        // What changed must be there, whatever else is.
        let leaf = try #require(
            Set(table.levels(new.digest)[0]).subtracting(table.levels(old.digest)[0]).first)
        table.set(leaf, nil)
        known = KnownChanges()
        #expect(throws: ManifestError.missingNode(leaf)) {
            try ManifestTree.check(
                root: new.digest, since: old.digest, source: table.source, rules: TreeRules(), known: &known)
        }
    }
}
