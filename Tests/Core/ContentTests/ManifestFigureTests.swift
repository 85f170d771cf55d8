import Content
import FoundationEssentials
import Testing

/// Figures of a tree of pool paths. Small in every run; FLEET_TREE_ENTRIES=1000000 gives those of docs/formats.
@Suite struct ManifestFigureTests {
    @Test func `a push of a few changes moves little, by changeset and by walk`() throws {
        let count = ProcessInfo.processInfo.environment["FLEET_TREE_ENTRIES"].flatMap { Int($0) } ?? 30_000
        let changes = max(30, count / 1_000)
        var random = TreeRandom(test: "figures")
        let entries = try TreeSamples.pool(count, &random).ascending
        let clock = ContinuousClock()
        let old = NodeTable()
        var root = ManifestTree.emptyRoot
        let building = try clock.measure { root = try old.build(entries) }
        var read: UInt64 = 0
        let reading = try clock.measure {
            try ManifestTree.forEachEntry(root: root.digest, source: old.source) { _ in
                read += 1
                return true
            }
        }
        let checking = try clock.measure { _ = try ManifestTree.check(root: root.digest, source: old.source) }
        #expect(read == UInt64(count))
        let byteCount = old.nodes.values.reduce(0) { $0 + $1.count }
        let levels = try old.levels(root.digest).map(\.count)

        let places = (0..<changes).map { _ in random.below(count) }
        let changed = try Set(places).sorted().map {
            ManifestEdit.put(try TreeSamples.entry(at: entries[$0].path, &random))
        }
        let new = NodeTable()
        var next = root
        let applying = try clock.measure {
            next = try ManifestTree.apply(changed, to: root.digest, source: old.source, sink: new.sink)
        }
        let both: NodeSource = { try old.source($0) ?? new.source($0) }
        let changeset = try Changeset.between(root.digest, next.digest, source: both).encode()
        var walk = ManifestWalk(root: next.digest) { old.nodes[$0] != nil }
        var walked = 0
        while !walk.isComplete {
            let nodes = try walk.needed(limit: .max).map { ($0, try #require(new.nodes[$0])) }
            walked += nodes.reduce(0) { $0 + $1.1.count }
            try walk.supply(nodes) { old.nodes[$0] != nil }
        }
        print(
            """
            manifest of \(count) entries: height \(root.height), nodes by level \(levels), \(byteCount) bytes, \
            build \(building), read \(reading), check \(checking)
            push of \(changed.count) changes: apply \(applying), changeset \(changeset.count) bytes, \
            walk \(walked) bytes in \(walk.roundTrips) round trips
            """)
        #expect(walked < byteCount / 2)
        #expect(changeset.count < 160 * changed.count + 100)
    }
}
