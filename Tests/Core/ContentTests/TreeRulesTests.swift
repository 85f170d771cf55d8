import Content
import Testing

@Suite struct TreeRulesTests {
    private func check(_ entries: [ManifestEntry], allowsEscapingLinks: Bool = false) throws {
        var rules = TreeRules(allowsEscapingLinks: allowsEscapingLinks)
        let sorted = entries.sorted { $0.path < $1.path }
        for entry in sorted { try rules.check(entry) }
        try rules.finish { path in sorted.first { $0.path == path }?.type }
        // The same rules, asked of a finished tree.
        let table = NodeTable()
        let root = try table.build(sorted)
        let again = TreeRules(allowsEscapingLinks: allowsEscapingLinks)
        #expect(try ManifestTree.check(root: root.digest, source: table.source, rules: again) == root)
    }

    @Test func `every parent is an entry and a directory`() throws {
        try check([])
        // `a-b` and `a.d` lie between `a` and `a/c` in the order of bytes.
        try check([
            TreeSamples.directory("a"), TreeSamples.directory("a-b"), TreeSamples.file("a-b/x"),
            TreeSamples.file("a.d"),
            TreeSamples.directory("a/c"), TreeSamples.file("a/c/d"), TreeSamples.file("b"),
        ])
        let orphan = try TreeSamples.file("a/b")
        let error = TreeRuleError.parentIsNoDirectory(orphan.path)
        #expect(throws: error) { try check([orphan]) }
        #expect(throws: error) { try check([TreeSamples.file("a"), orphan]) }
        #expect(throws: error) { try check([TreeSamples.symlink("a", "c"), orphan, TreeSamples.directory("c")]) }
        #expect(throws: error) { try check([TreeSamples.directory("a-b"), orphan]) }
        #expect(throws: error) { try check([TreeSamples.directory("aa"), orphan]) }
        let deep = try TreeSamples.file("a/b/c/d")
        #expect(throws: TreeRuleError.parentIsNoDirectory(deep.path)) {
            try check([TreeSamples.directory("a"), TreeSamples.directory("a/b"), deep])
        }
    }

    @Test func `a path that is there twice or out of order is refused`() throws {
        let a = try TreeSamples.file("a")
        let b = try TreeSamples.file("b")
        for (first, second) in [(a, a), (b, a)] {
            var rules = TreeRules()
            try rules.check(first)
            #expect(throws: TreeRuleError.notAscending(previous: first.path, next: second.path)) {
                try rules.check(second)
            }
        }
    }

    @Test func `symlinks stay inside the set unless they may leave it`() throws {
        let tree = [
            try TreeSamples.directory("d"), try TreeSamples.directory("d/e"), try TreeSamples.file("f"),
            try TreeSamples.symlink("d/up", ".."), try TreeSamples.symlink("loop", "loop"),
        ]
        for (path, target) in [
            ("l", "f"), ("l", "d/e/"), ("l", "."), ("d/l", ".."), ("d/e/l", "../../f"), ("d/l", "..//./f"),
            ("l", "missing/x"), ("l", "d/../f"), ("l", "d/e/../../f"), ("d/e/l", "../../d/../f"), ("l", "f/../x"),
            ("l", "missing/.."), ("l", "\u{FF}"),
        ] {
            try check(tree + [TreeSamples.symlink(path, target)])
        }
        for (path, target) in [
            ("l", "/etc/passwd"), ("l", "/"), ("l", ".."), ("l", "../set"), ("d/l", "../.."), ("d/e/l", "../../../x"),
            ("l", "f/../.."), ("l", "d/../../x"), ("d/l", "e/../../../d"),
            // By its text this is `d`; by way of `d/up`, which is the top, it is above the set.
            ("l", "d/up/.."), ("d/l", "up/../x"), ("d/e/l", "../up/../f"),
        ] {
            let link = try TreeSamples.symlink(path, target)
            #expect(throws: TreeRuleError.linkLeavesSet(link.path, target: link.linkTarget), "\(path) -> \(target)") {
                try check(tree + [link])
            }
            try check(tree + [link], allowsEscapingLinks: true)
        }
    }
}
