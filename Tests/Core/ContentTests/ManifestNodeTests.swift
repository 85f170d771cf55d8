import Content
import Hashing
import Testing

/// A node has one encoding: whatever else has its digest is refused, when it is read and when it is checked.
@Suite struct ManifestNodeTests {
    /// Whether every way of reading refuses the tree below the last of `nodes`, with `reason` in the error.
    private func expectRefused(_ reason: String, _ nodes: RawNode..., onlyByCheck: Bool = false) throws {
        let table = NodeTable(nodes)
        let root = try #require(nodes.last).digest
        func expect(_ what: String, _ body: () throws -> Void) {
            do {
                try body()
                Issue.record("\(what) took a node that should be refused for: \(reason)")
            } catch {
                #expect("\(error)".contains(reason), "\(what)")
            }
        }
        expect("check") { _ = try ManifestTree.check(root: root, source: table.source) }
        expect("walk") {
            var walk = ManifestWalk(root: root) { _ in false }
            while !walk.isComplete {
                let nodes = walk.needed(limit: 100).map { ($0, table.nodes[$0] ?? []) }
                try walk.supply(nodes) { _ in false }
            }
        }
        if !onlyByCheck {
            expect("reading") { _ = try table.entries(root) }
        }
    }

    private let leaf = RawNode(level: 0)

    @Test func `a node written by hand as the builder writes it is taken`() throws {
        let node = leaf.item(0, "a").item(1, "/b").item(2, "c").item(0, "b")
        let table = NodeTable([node])
        #expect(try table.entries(node.digest).map(\.path.description) == ["a", "a/b", "a/c", "b"])
        #expect(try ManifestTree.check(root: node.digest, source: table.source).entries == 4)
        let built = NodeTable()
        let entries = try ["a", "a/b", "a/c", "b"].map {
            try ManifestEntry(path: RelativePath($0), type: .directory, modified: 0)
        }
        #expect(try built.build(entries).digest == node.digest)
    }

    @Test func `paths that are no paths of a set are refused`() throws {
        let long = String(repeating: "a/", count: 2_047) + "bb"
        for (reason, path) in [
            ("component . or ..", ".."), ("component . or ..", "a/../b"), ("component . or ..", "."),
            ("begins with a slash", "/etc"), ("empty component", "a//b"), ("empty component", "a/"), ("NUL", "a\0"),
            ("above the limit of 4095", long), ("is reserved", ".store"), ("is reserved", ".releases/x"),
            ("more than 255", String(repeating: "n", count: 256)),
            ("more than 128", String(repeating: "a/", count: 128) + "a"),
        ] {
            try expectRefused(reason, leaf.item(0, path))
        }
        try expectRefused("repeats the one before or is empty", leaf.item(0, ""))
        // Long only together with what is shared.
        let longest = String(long.dropLast())
        try expectRefused("128", leaf.item(0, "a").item(1, "/" + longest.dropFirst(2)))
    }

    @Test func `keys that are there twice, descend, or share more than they say are refused`() throws {
        try expectRefused("repeats the one before", leaf.item(0, "a").item(1, ""))
        try expectRefused("not above the one before", leaf.item(0, "a").item(0, "a"))
        try expectRefused("not above the one before", leaf.item(0, "b").item(0, "a"))
        try expectRefused("not above the one before", leaf.item(0, "ab").item(1, "a"))
        try expectRefused("not above the one before", leaf.item(0, "ab").item(0, "ac"))
        try expectRefused("above the limit of 1", leaf.item(0, "a").item(2, "b"))
        try expectRefused("above the limit of 0", leaf.item(1, "b"))
    }

    @Test func `fields in another than the one form are refused`() throws {
        let digest = [UInt8](repeating: 7, count: 32)
        for (reason, fields): (String, [UInt8]) in [
            ("unknown entry flags", [0, 0]), ("unknown entry flags", [0x82, 0]), ("flags of a file", [0x06, 0]),
            ("flags of a file", [0x0A, 0]), ("flags of a file", [0x12, 0]), ("flags of a file", [0x07, 0, 1, 0x61]),
            ("not the shortest", [2, 0x80, 0]), ("not 1 to 4095", [3, 0, 0]), ("NUL", [3, 0, 1, 0]),
            ("above the limit of 4095", [3, 0, 0x80, 0x20]), ("an empty file", [0x09, 0, 0] + digest + digest),
            ("too early", [1, 0, 1]), ("too early", [1]), ("unknown hash algorithm", [0x11, 0, 1] + digest + [99]),
            ("blake3 is among", [0x11, 0, 1] + digest + [1] + digest),
            ("out of order", [0x21, 0, 1] + digest + [4] + digest + [2] + digest),
            ("above the limit", [1, 0] + [UInt8](repeating: 0xFF, count: 9) + [1]),
        ] {
            try expectRefused(reason, leaf.item(0, "a", fields))
        }
    }

    @Test func `frames that are no nodes are refused`() throws {
        try expectRefused("version 2", RawNode(version: 2, level: 0))
        try expectRefused("version 0", RawNode(version: 0, level: 0).item(0, "a"))
        try expectRefused("the level 12", RawNode(level: 12).item(0, "a"))
        try expectRefused("too early", RawNode([]))
        try expectRefused("too early", RawNode([1]))
        try expectRefused("above the limit of 65536", RawNode([UInt8](repeating: 1, count: 65_537)))
        try expectRefused("without children", RawNode(level: 1))
        try expectRefused("too early", leaf.item(0, "a").raw([0]))
    }

    @Test func `index nodes that do not fit their children are refused`() throws {
        var random = TreeRandom(test: "index nodes")
        let table = NodeTable()
        let tree = try table.build(try TreeSamples.pool(60, &random).ascending)
        #expect(tree.height == 2)
        let digests = try table.levels(tree.digest)[0]
        let leaves = try digests.map { RawNode(try #require(table.nodes[$0])) }
        var references: [(key: String, entries: UInt64, files: UInt64, bytes: UInt64)] = []
        for leaf in leaves {
            let entries = try NodeTable([leaf]).entries(leaf.digest)
            references.append(
                (
                    try #require(entries.last).path.description, UInt64(entries.count),
                    UInt64(entries.count { $0.type == .file }), entries.reduce(0) { $0 + $1.size }
                ))
        }
        /// The right index node, but for what `change` does to the reference at `place`.
        func index(
            level: UInt8 = 1, _ children: [RawNode]? = nil, at place: Int = -1,
            _ change: (inout (key: String, entries: UInt64, files: UInt64, bytes: UInt64)) -> Void = { _ in }
        ) -> RawNode {
            var node = RawNode(level: level)
            var last = ""
            for (position, child) in (children ?? leaves).enumerated() {
                var reference = references[position]
                if position == place { change(&reference) }
                let shared = zip(last.utf8, reference.key.utf8).prefix { $0 == $1 }.count
                node = node.child(
                    UInt64(shared), String(reference.key.dropFirst(shared)), child.digest, entries: reference.entries,
                    files: reference.files, bytes: reference.bytes)
                last = reference.key
            }
            return node
        }
        #expect(index().digest == tree.digest)
        func refused(_ reason: String, _ root: RawNode) throws {
            let nodes = leaves + [root]
            let table = NodeTable(nodes)
            #expect(throws: (any Error).self, "\(reason)") { try table.entries(root.digest) }
            do {
                _ = try ManifestTree.check(root: root.digest, source: table.source)
                Issue.record("taken although: \(reason)")
            } catch {
                #expect("\(error)".contains(reason))
            }
        }
        try refused("its counts are", index(at: 0) { $0.entries += 1 })
        try refused("its counts are", index(at: 1) { $0.files -= 1 })
        try refused("its counts are", index(at: 0) { $0.bytes += 1 })
        try refused("above the limit of", index(at: 0) { $0.files = $0.entries + 1 })
        try refused("without entries", index(at: 0) { ($0.entries, $0.files, $0.bytes) = (0, 0, 0) })
        try refused("above the limit of 20000000", index(at: 0) { $0.entries = 20_000_001 })
        try refused("does not end with", index(at: 0) { $0.key += "x" })
        try refused("its level is 0, not 1", index(level: 2))
        try refused("does not end with", index([leaves[1], leaves[0]] + leaves[2...]))
        try refused("is not held", index([index()] + leaves[1...]))
        // Both references name one leaf: the second begins before the end of the first.
        let key = references[0].key
        let twice = RawNode(level: 1).child(0, key, leaves[0].digest, entries: 1).child(
            UInt64(key.utf8.count), "~", leaves[0].digest, entries: 1)
        try expectRefused("", leaves[0], twice)
        let empty = RawNode(level: 0)
        try expectRefused("", empty, RawNode(level: 1).child(0, "a", empty.digest, entries: 1))
        let one = leaf.item(0, "a")
        try expectRefused("a root with one child", one, RawNode(level: 1).child(0, "a", one.digest, entries: 1))
    }

    @Test func `boundaries anywhere but where the rule puts them are refused`() throws {
        var random = TreeRandom(test: "boundaries")
        let table = NodeTable()
        let right = table
        let entries = try (0..<400).map {
            try ManifestEntry(path: RelativePath("n\($0 + 1_000)"), type: .directory, modified: 0)
        }
        let tree = try table.build(entries)
        #expect(tree.height == 2)
        /// A tree of two levels that is cut after these numbers of entries.
        func cut(_ entries: [ManifestEntry], _ counts: [Int]) -> [RawNode] {
            var nodes: [RawNode] = []
            var index = RawNode(level: 1)
            var rest = entries[...]
            var last = ""
            for count in counts {
                var node = RawNode(level: 0)
                var before = ""
                for entry in rest.prefix(count) {
                    let key = entry.path.description
                    let shared = zip(before.utf8, key.utf8).prefix { $0 == $1 }.count
                    node = node.item(UInt64(shared), String(key.dropFirst(shared)))
                    before = key
                }
                rest = rest.dropFirst(count)
                let shared = zip(last.utf8, before.utf8).prefix { $0 == $1 }.count
                index = index.child(
                    UInt64(shared), String(before.dropFirst(shared)), node.digest, entries: UInt64(count))
                last = before
                nodes.append(node)
            }
            return nodes + [index]
        }
        let counts = try table.levels(tree.digest)[0].map { digest in
            try NodeTable([RawNode(try #require(table.nodes[digest]))]).entries(digest).count
        }
        #expect(cut(entries, counts).last?.digest == tree.digest)
        func expectRefused(_ nodes: [RawNode]) throws {
            let table = NodeTable(nodes)
            let root = try #require(nodes.last).digest
            #expect(throws: ManifestError.self) { try ManifestTree.check(root: root, source: table.source) }
            #expect(throws: ManifestError.self) {
                var known = KnownChanges()
                _ = try ManifestTree.check(
                    root: root, since: tree.digest, source: { try table.source($0) ?? right.source($0) },
                    rules: TreeRules(), known: &known)
            }
            var walk = ManifestWalk(root: root) { _ in false }
            #expect(throws: ManifestWalkError.self) {
                while !walk.isComplete {
                    try walk.supply(walk.needed(limit: 100).map { ($0, table.nodes[$0] ?? []) }) { _ in false }
                }
            }
        }
        for _ in 0..<40 {
            var wrong = counts
            let place = random.below(counts.count - 1)
            switch random.below(3) {
            case 0:  // One entry goes to the left neighbour.
                wrong[place] += 1
                wrong[place + 1] -= 1
            case 1:  // Two nodes are one.
                wrong[place] += wrong.remove(at: place + 1)
            default:  // One node is two.
                let first = 1 + random.below(wrong[place] - 1)
                wrong[place] -= first
                wrong.insert(first, at: place)
            }
            try expectRefused(cut(entries, wrong.filter { $0 > 0 }))
        }
        // The last node of a level may end anywhere; the same node before another one may not.
        let more = try entries + [ManifestEntry(path: RelativePath("n9"), type: .directory, modified: 0)]
        try expectRefused(cut(more, counts + [1]))
    }

    @Test func `a leaf cut short or with a bit flipped is refused, or is the one encoding of another set`() throws {
        var random = TreeRandom(test: "flips")
        let table = NodeTable()
        let root = try table.build(try TreeSamples.pool(12, &random).ascending)
        let bytes = try #require(table.nodes[root.digest])
        #expect(root.height == 1)
        for count in 0..<bytes.count {
            let node = RawNode(Array(bytes[..<count]))
            let table = NodeTable([node])
            if let root = try? ManifestTree.check(root: node.digest, source: table.source) {
                #expect(try NodeTable().build(try table.entries(node.digest)) == root)
            }
        }
        for bit in 0..<(8 * bytes.count) {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            let node = RawNode(changed)
            let table = NodeTable([node])
            if let root = try? ManifestTree.check(root: node.digest, source: table.source) {
                #expect(try NodeTable().build(try table.entries(node.digest)) == root)
            }
        }
    }
}
