import Content
import Testing

@Suite struct ManifestWalkTests {
    /// Walks to `root` with nodes of `from`, in answers of at most `limit` nodes; returns what was supplied.
    private func walk(
        to root: NodeDigest, from source: NodeTable, holding held: Set<NodeDigest>, limit: Int = .max
    ) throws -> (walk: ManifestWalk, supplied: [NodeDigest: [UInt8]]) {
        var walk = ManifestWalk(root: root) { held.contains($0) }
        var supplied: [NodeDigest: [UInt8]] = [:]
        while !walk.isComplete {
            let needed = walk.needed(limit: limit)
            try #require(!needed.isEmpty && needed.count <= limit)
            #expect(walk.needed(limit: limit) == needed)
            let nodes = try needed.map { ($0, try #require(source.nodes[$0])) }
            try walk.supply(nodes.reversed()) { held.contains($0) }
            for (digest, bytes) in nodes { supplied[digest] = bytes }
        }
        #expect(walk.needed(limit: 10).isEmpty)
        return (walk, supplied)
    }

    @Test func `a walk asks for exactly the nodes that differ, level by level`() throws {
        var random = TreeRandom(test: "walk")
        let entries = try TreeSamples.pool(20_000, &random).ascending
        var model = TreeModel(entries) { try TreeSamples.poolPath($0.below(70_000)) }
        let old = NodeTable()
        let oldRoot = try old.build(entries)
        _ = try model.edit(40, &random)
        let new = NodeTable()
        let root = try new.build(model.entries)
        let held = Set(old.nodes.keys)
        let (walk, supplied) = try walk(to: root.digest, from: new, holding: held)
        #expect(Set(supplied.keys) == Set(new.nodes.keys).subtracting(held))
        #expect(walk.roundTrips == root.height)
        #expect(oldRoot != root)
        let (slow, again) = try self.walk(to: root.digest, from: new, holding: held, limit: 7)
        #expect(again.count == supplied.count && slow.roundTrips >= supplied.count / 7)
        let (first, all) = try self.walk(to: root.digest, from: new, holding: [])
        #expect(all == new.nodes && first.roundTrips == root.height)
    }

    @Test func `a walk to a root that is held, or to the empty tree, is complete at once`() throws {
        let table = NodeTable()
        let root = try table.build([try TreeSamples.file("a")])
        let held = ManifestWalk(root: root.digest) { _ in true }
        #expect(held.isComplete && held.roundTrips == 0)
        let empty = ManifestWalk(root: ManifestTree.emptyRoot.digest) { _ in false }
        #expect(empty.isComplete)
    }

    @Test func `nodes that were not asked for, or have another digest, are refused and change nothing`() throws {
        var random = TreeRandom(test: "bad answers")
        let table = NodeTable()
        let root = try table.build(try TreeSamples.pool(3_000, &random).ascending)
        var walk = ManifestWalk(root: root.digest) { _ in false }
        let top = try #require(table.nodes[root.digest])
        let leaf = try table.levels(root.digest)[0][5]
        let leafBytes = try #require(table.nodes[leaf])
        #expect(throws: ManifestWalkError.notAskedFor(leaf)) { try walk.supply([(leaf, leafBytes)]) { _ in false } }
        #expect(throws: ManifestWalkError.wrongDigest(root.digest)) {
            try walk.supply([(root.digest, leafBytes)]) { _ in false }
        }
        #expect(throws: ManifestWalkError.wrongDigest(root.digest)) {
            try walk.supply([(root.digest, [])]) { _ in false }
        }
        #expect(throws: ManifestWalkError.notAskedFor(root.digest)) {
            try walk.supply([(root.digest, top), (root.digest, top)]) { _ in false }
        }
        #expect(walk.needed(limit: 9) == [root.digest] && walk.roundTrips == 0)
        try walk.supply([(root.digest, top)]) { _ in false }
        let needed = walk.needed(limit: .max)
        let nodes = try needed.map { ($0, try #require(table.nodes[$0])) }
        var spoilt = nodes
        spoilt[needed.count / 2].1[3] ^= 0x40
        #expect(throws: ManifestWalkError.wrongDigest(needed[needed.count / 2])) {
            try walk.supply(spoilt) { _ in false }
        }
        #expect(walk.needed(limit: .max) == needed)
        #expect(throws: ManifestWalkError.notAskedFor(root.digest)) {
            try walk.supply([(root.digest, top)]) { _ in false }
        }
        try walk.supply(nodes) { _ in false }
        #expect(walk.neededCount > needed.count)
    }
}
