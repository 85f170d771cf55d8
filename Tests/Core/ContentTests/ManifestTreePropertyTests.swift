import Content
import Testing

/// What must hold for all trees and all edits: more than 100,000 random edits in all; the seed is printed.
@Suite struct ManifestTreePropertyTests {
    @Test(.timeLimit(.minutes(2)))
    func `edits of a large tree give the tree that a rebuild gives, and a diff leads both ways`() throws {
        var random = TreeRandom(test: "large tree")
        let entries = try TreeSamples.pool(20_000, &random).ascending
        var model = TreeModel(entries) { try TreeSamples.poolPath($0.below(70_000)) }
        let table = NodeTable()
        var root = try table.build(entries)
        #expect(root.height >= 3)
        var count = 0
        for size in [Int](repeating: 1, count: 40) + [10, 30, 100, 300] + [Int](repeating: 1_800, count: 45) {
            let edits = try model.edit(size, &random)
            root = try model.step(edits, root, table)
            count += edits.count
        }
        print("large tree: \(count) edits, \(model.entries.count) entries")
        #expect(count >= 80_000)
        #expect(model.entries.count >= 20_000)
        #expect(try ManifestTree.check(root: root.digest, source: table.source) == root)
        #expect(try table.entries(root.digest) == model.entries)
    }

    @Test(.timeLimit(.minutes(2)))
    func `small trees grow, shrink and vanish like rebuilt ones`() throws {
        var random = TreeRandom(test: "small trees")
        let table = NodeTable()
        var count = 0
        for _ in 0..<60 {
            var model = TreeModel([]) { try RelativePath("d/\($0.below(4_000))") }
            var root = try table.build([])
            #expect(root == ManifestTree.emptyRoot)
            for _ in 0..<12 {
                let edits = try model.edit([1, 2, 5, 40, 200][random.below(5)], &random)
                root = try model.step(edits, root, table)
                count += edits.count
            }
            // All but a few go at once, then those.
            for keep in [random.below(60), 1, 0] {
                let edits = model.entries.shuffled(using: &random).dropFirst(keep).map { ManifestEdit.remove($0.path) }
                    .sorted { $0.path < $1.path }
                model.apply(edits)
                root = try model.step(edits, root, table)
                count += edits.count
            }
            #expect(root == ManifestTree.emptyRoot)
        }
        print("small trees: \(count) edits")
        #expect(count >= 20_000)
    }

    @Test(.timeLimit(.minutes(2)))
    func `paths of 4,095 bytes with a common beginning, and targets as long, keep nodes and height bounded`() throws {
        var random = TreeRandom(test: "long paths")
        let files = try (0..<300).map { try TreeSamples.entry(at: try HostileSamples.longPath($0 * 7), &random) }
        let links = try (0..<300).map { try HostileSamples.longLink($0 * 7) }
        for entries in [files, links] {
            let sorted = entries.sorted { $0.path < $1.path }
            var model = TreeModel(sorted) { try HostileSamples.longPath($0.below(2_100)) }
            let table = NodeTable()
            var root = try table.build(sorted)
            #expect(root.height <= 5)
            for size in [1, 1, 1, 2, 5, 20, 100, 1, 1, 40] {
                let edits = try model.edit(size, &random)
                root = try model.step(edits, root, table)
            }
            #expect(table.nodes.values.allSatisfy { $0.count <= 65_536 })
            #expect(try ManifestTree.check(root: root.digest, source: table.source) == root)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `names ground so that the rule never cuts fill nodes up to the limit and no further`() throws {
        var random = TreeRandom(test: "ground names")
        var entries: [RelativePath: ManifestEntry] = [:]
        while entries.count < 20_000 {
            let path = try HostileSamples.uncutPath(from: random.below(10_000_000))
            entries[path] = try TreeSamples.entry(at: path, &random)
        }
        var model = TreeModel(entries.ascending) { try HostileSamples.uncutPath(from: $0.below(10_000_000)) }
        let table = NodeTable()
        var root = try table.build(model.entries)
        let leaves = try table.levels(root.digest)[0]
        #expect(leaves.count < 130, "the names are not ground as they should be")
        for size in [1, 1, 5, 50, 500, 1, 1] {
            let edits = try model.edit(size, &random)
            root = try model.step(edits, root, table)
        }
        #expect(table.nodes.values.allSatisfy { $0.count <= 65_536 })
        #expect(try ManifestTree.check(root: root.digest, source: table.source) == root)
    }

    @Test func `trees with the same entries have the same root, whatever the order of edits`() throws {
        var random = TreeRandom(test: "order")
        let pool = try TreeSamples.pool(3_000, &random).ascending
        let long = try (0..<60).map { try HostileSamples.longLink($0) }.sorted { $0.path < $1.path }
        for entries in [pool, long] {
            let expected = try NodeTable().build(entries)
            for _ in 0..<3 {
                let table = NodeTable()
                var root = ManifestTree.emptyRoot
                var rest = entries.shuffled(using: &random)[...]
                while !rest.isEmpty {
                    let batch = rest.prefix(1 + random.below(entries.count / 4))
                    rest = rest.dropFirst(batch.count)
                    // What is not in the end comes and goes in between.
                    let visitor = try HostileSamples.longLink(9_000 + random.below(9))
                    let edits = batch.sorted { $0.path < $1.path }.map { ManifestEdit.put($0) }
                    let with = (edits + [.put(visitor)]).sorted { $0.path < $1.path }
                    root = try ManifestTree.apply(with, to: root.digest, source: table.source, sink: table.sink)
                    root = try ManifestTree.apply(
                        [.remove(visitor.path)], to: root.digest, source: table.source, sink: table.sink)
                }
                #expect(root == expected)
            }
        }
    }

    @Test func `an edit reads and writes a few nodes of a large tree`() throws {
        var random = TreeRandom(test: "locality")
        let entries = try TreeSamples.pool(20_000, &random).ascending
        let table = NodeTable()
        let root = try table.build(entries)
        table.resetCounts()
        let rounds = 200
        for _ in 0..<rounds {
            let path = try TreeSamples.poolPath(random.below(70_000))
            let edit = ManifestEdit.put(try TreeSamples.entry(at: path, &random))
            _ = try ManifestTree.apply([edit], to: root.digest, source: table.source, sink: table.sink)
        }
        print("locality: \(table.readCount) reads and \(table.writeCount) writes in \(rounds) edits")
        #expect(table.writeCount <= rounds * root.height * 2)
        #expect(table.readCount <= rounds * root.height * 6)
    }
}
