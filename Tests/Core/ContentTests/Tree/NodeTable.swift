import Content

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
    func edits(_ from: NodeDigest, _ to: NodeDigest) throws -> [ManifestEdit] {
        var edits: [ManifestEdit] = []
        try ManifestTree.diff(from, to, source: source) { edits.append($0) }
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
