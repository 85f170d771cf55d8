import Content
import Testing

/// Nodes in memory; counts what is read and written.
final class NodeTable {
    private(set) var nodes: [NodeDigest: [UInt8]] = [:]
    private(set) var readCount = 0
    private(set) var writeCount = 0

    var source: NodeSource {
        { digest in
            self.readCount += 1
            return self.nodes[digest]
        }
    }

    var sink: NodeSink {
        { digest, bytes in
            self.writeCount += 1
            self.nodes[digest] = bytes
        }
    }

    /// Builds the tree of `entries`, which are in ascending order.
    func build(_ entries: some Sequence<ManifestEntry>) throws -> ManifestRoot {
        var builder = ManifestBuilder(sink: sink)
        for entry in entries { try builder.append(entry) }
        return try builder.finish()
    }

    func set(_ digest: NodeDigest, _ bytes: [UInt8]?) {
        nodes[digest] = bytes
    }

    func resetCounts() {
        readCount = 0
        writeCount = 0
    }

    /// The edits from one root to another.
    func edits(
        _ from: NodeDigest, _ to: NodeDigest, _ known: KnownChanges = KnownChanges()
    ) throws -> [ManifestEdit] {
        var edits: [ManifestEdit] = []
        try ManifestTree.diff(from, to, known: known, source: source) { edits.append($0) }
        return edits
    }

    func entries(_ root: NodeDigest, from: RelativePath? = nil) throws -> [ManifestEntry] {
        var entries: [ManifestEntry] = []
        try ManifestTree.forEachEntry(root: root, source: source, from: from) {
            entries.append($0)
            return true
        }
        return entries
    }

    /// What is known of two trees is what they say, is given without reading them, and proves that the nodes which only
    /// the second one has are there.
    func expectKnown(_ known: KnownChanges, _ from: NodeDigest, _ to: NodeDigest) throws {
        let wanted = try edits(from, to)
        let back = try edits(to, from)
        let removed = try ManifestTree.removed(from, to, source: source)
        let retouched = try ManifestTree.retouchedBytes(from, to, source: source)
        // Whoever makes a tree out of nothing has read nothing to compare with.
        if from != ManifestTree.emptyRoot.digest {
            resetCounts()
            #expect(try edits(from, to, known) == wanted)
            #expect(try ManifestTree.removed(from, to, known: known, source: source) == removed)
            #expect(try ManifestTree.retouchedBytes(from, to, known: known, source: source) == retouched)
            #expect(readCount == 0)
        }
        // It knows nothing of other trees.
        #expect(try edits(to, from, known) == back)

        var read: Set<NodeDigest> = []
        var proved: [ManifestEdit] = []
        try ManifestTree.diffReadingNodes(
            from, to, known: known,
            source: { digest in
                read.insert(digest)
                return self.nodes[digest]
            }
        ) { proved.append($0) }
        #expect(proved == wanted)
        let new = Set(try levels(to).joined()).subtracting(try levels(from).joined())
            .subtracting([ManifestTree.emptyRoot.digest])
        #expect(read.isSuperset(of: new))
        guard let lost = new.sorted(by: { $0.raw < $1.raw }).dropFirst(new.count / 2).first else { return }
        let bytes = nodes[lost]
        defer { nodes[lost] = bytes }
        func prove() throws { try ManifestTree.diffReadingNodes(from, to, known: known, source: source) { _ in } }
        nodes[lost] = nil
        #expect(throws: ManifestError.missingNode(lost), performing: prove)
        nodes[lost] = bytes.map { $0.dropLast() + [$0[$0.count - 1] ^ 1] }
        #expect(throws: ManifestError.wrongDigest(expected: lost), performing: prove)
    }

    /// The digests of all nodes of a tree, by level, from the leaves.
    func levels(_ root: NodeDigest) throws -> [[NodeDigest]] {
        var levels: [[NodeDigest]] = []
        try ManifestTree.forEachNode(root: root, source: source) { digest, level in
            while levels.count <= level { levels.append([]) }
            levels[level].append(digest)
            return true
        }
        return levels
    }
}
