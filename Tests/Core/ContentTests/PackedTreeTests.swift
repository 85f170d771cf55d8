import Content
import Testing

@Suite struct PackedTreeTests {
    /// The stream of a tree, in messages of a few nodes.
    private func messages(_ root: NodeDigest, _ table: NodeTable, limit: Int = 5) throws -> [[UInt8]] {
        var writer = PackedTreeWriter(root: root)
        var messages: [[UInt8]] = []
        while case let digests = writer.next(limit: limit), !digests.isEmpty {
            var nodes: [[UInt8]] = []
            for digest in digests {
                #expect(writer.isNext(digest))
                let bytes = try #require(table.nodes[digest])
                try writer.take(bytes)
                nodes.append(bytes)
            }
            messages.append(PackedTree.encode(nodes))
        }
        return messages
    }

    @Test func `a packed tree brings every node once, each before what is below it`() throws {
        for count in [0, 1, 40, 20_000] {
            var random = TreeRandom(test: "packed \(count)")
            let table = NodeTable()
            let root = try table.build(try TreeSamples.pool(count, &random).ascending)
            var reader = PackedTreeReader(root: root.digest)
            var taken: [NodeDigest: [UInt8]] = [:]
            for message in try messages(root.digest, table) {
                #expect(!reader.isComplete)
                for (digest, bytes) in try reader.take(PackedTree.decode(message)) {
                    #expect(taken.updateValue(bytes, forKey: digest) == nil)
                }
            }
            #expect(reader.isComplete)
            #expect(taken == (count == 0 ? [:] : table.nodes))
        }
    }

    @Test func `a node changed, left out, repeated or added is refused where it stands`() throws {
        var random = TreeRandom(test: "packed lies")
        let table = NodeTable()
        let root = try table.build(try TreeSamples.pool(5_000, &random).ascending)
        let nodes = try messages(root.digest, table).flatMap { try PackedTree.decode($0) }
        for _ in 0..<200 {
            let place = random.below(nodes.count)
            var lie = nodes
            switch random.below(4) {
            case 0: lie[place][random.below(lie[place].count)] ^= UInt8(1 << random.below(8))
            case 1: lie.remove(at: place)
            case 2: lie.insert(lie[place], at: place)
            default: lie.append(lie[place])
            }
            var reader = PackedTreeReader(root: root.digest)
            var isRefused = false
            do { _ = try reader.take(lie) } catch { isRefused = true }
            #expect(isRefused || !reader.isComplete)
        }
    }

    @Test func `a message that is cut off or names a node too long is refused`() throws {
        let message = PackedTree.encode([[1, 2, 3], [4]])
        #expect(try PackedTree.decode(message) == [[1, 2, 3], [4]])
        #expect(throws: CodecError.self) { try PackedTree.decode([]) }
        #expect(throws: CodecError.self) { try PackedTree.decode(Array(message.dropLast())) }
        #expect(throws: CodecError.self) { try PackedTree.decode([0x81, 0x80, 0x04, 1]) }
    }
}

@Suite struct ChangesetChainTests {
    @Test func `a chain of changesets leads where they lead one after the other`() throws {
        for seed in 0..<20 {
            var random = TreeRandom(test: "chain \(seed)")
            let table = NodeTable()
            let entries = try TreeSamples.pool(2_000, &random).ascending
            var model = TreeModel(entries) { try TreeSamples.poolPath($0.below(7_000)) }
            let start = try table.build(model.entries)
            var at = start.digest
            var chain: [Changeset] = []
            for _ in 0..<8 {
                _ = try model.edit(30, &random)
                let next = try table.build(model.entries).digest
                chain.append(try Changeset.between(at, next, source: table.source))
                at = next
            }
            let whole = try Changeset(chaining: chain)
            #expect(whole.from == start.digest && whole.to == at)
            #expect(try whole.apply(source: table.source) { _, _ in }.root.digest == at, "seed \(seed)")
            #expect(throws: ChangesetError.self) { try Changeset(chaining: [chain[0], chain[2]]) }
        }
        #expect(throws: ChangesetError.emptyChain) { try Changeset(chaining: []) }
    }
}
