/// Operations on whole manifests, each given by the digest of its root and a source of nodes.
///
/// Every node read is compared with its digest and with what its parent says, so the source need not be trusted. They
/// throw `ManifestError` and what the source, the sink or the body throws. Memory grows with the height of the tree.
package enum ManifestTree {
    /// The root of a set without entries. Its node, a leaf of two bytes, is known to every reader: no source needs it.
    package static let emptyRoot = ManifestRoot(
        digest: ManifestNode.digest(of: ManifestNode.emptyEncoding), height: 1, entries: 0, files: 0, bytes: 0)

    /// The digest of a node's bytes, whoever they came from.
    package static func digest(ofNode bytes: [UInt8]) -> NodeDigest { ManifestNode.digest(of: bytes) }

    /// The sums and the height of the tree below `root`, from its top node alone.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func root(of root: NodeDigest, source: NodeSource) throws -> ManifestRoot {
        try withoutActuallyEscaping(source) { source in
            try top(of: root, NodeReader(source: source)).root
        }
    }

    /// The entry at `path`, or nil.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func entry(at path: RelativePath, root: NodeDigest, source: NodeSource) throws -> ManifestEntry? {
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            var digest = root
            var expectation = NodeExpectation.root
            while true {
                switch try reader.node(digest, expectation) {
                case .leaf(let entries):
                    return entries.first { $0.path == path }
                case .index(let level, let children):
                    guard let index = children.firstIndex(where: { $0.lastKey >= path }) else { return nil }
                    digest = children[index].digest
                    expectation = expectation.ofChildren(children, level: level)[index]
                }
            }
        }
    }

    /// Calls `body` with the entry at each of `paths`, which are ascending, that has one. No node is read twice.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func forEachEntry(
        at paths: [RelativePath], root: NodeDigest, source: NodeSource, _ body: (ManifestEntry) throws -> Void
    ) throws {
        guard let first = paths.first else { return }
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            let top = try Self.top(of: root, reader)
            guard let reference = top.reference else { return }
            var cursor = try LevelCursor(root: reference, rootLevel: top.node.level, level: 0, reader: reader)
            try cursor.seek(first)
            var (leaf, entries) = (cursor.reference.digest, try cursor.items(ManifestEntry.self)[...])
            for path in paths {
                try cursor.seek(path)
                if cursor.reference.digest != leaf {
                    (leaf, entries) = (cursor.reference.digest, try cursor.items(ManifestEntry.self)[...])
                }
                entries = entries.drop { $0.path < path }
                if let entry = entries.first, entry.path == path { try body(entry) }
            }
        }
    }

    /// Calls `body` with every entry in ascending order of paths, from the first that is not below `from`, until it
    /// returns false.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func forEachEntry(
        root: NodeDigest, source: NodeSource, from: RelativePath? = nil, _ body: (ManifestEntry) throws -> Bool
    ) throws {
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            let top = try Self.top(of: root, reader)
            guard let reference = top.reference else { return }
            var cursor = try LevelCursor(root: reference, rootLevel: top.node.level, level: 0, reader: reader)
            if let from { try cursor.seek(from) }
            repeat {
                for entry in try cursor.items(ManifestEntry.self) {
                    if let from, entry.path < from { continue }
                    guard try body(entry) else { return }
                }
            } while try cursor.next()
        }
    }

    /// Calls `body` with the digest and level of every node, parents first; below a node for which it returns false
    /// nothing is read. Leaves are named by their parents and not read.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func forEachNode(
        root: NodeDigest, source: NodeSource, _ body: (_ node: NodeDigest, _ level: Int) throws -> Bool
    ) throws {
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            let top = try Self.top(of: root, reader)
            var open: [(digest: NodeDigest, level: Int, expectation: NodeExpectation)] = [(root, top.node.level, .root)]
            while let (digest, level, expectation) = open.popLast() {
                guard try body(digest, level), level > 0 else { continue }
                guard case .index(_, let children) = try reader.node(digest, expectation) else { continue }
                let expectations = expectation.ofChildren(children, level: level)
                for index in children.indices.reversed() {
                    open.append((children[index].digest, level - 1, expectations[index]))
                }
            }
        }
    }

    /// The top node of a tree: itself, a reference as a parent would have it (nil for an empty tree), and the root.
    struct Top {
        let node: ManifestNode
        let reference: ChildReference?
        let root: ManifestRoot
    }

    static func top(of digest: NodeDigest, _ reader: NodeReader) throws -> Top {
        let node = try reader.node(digest, .root)
        guard let lastKey = node.lastKey else { return Top(node: node, reference: nil, root: emptyRoot) }
        let reference = ChildReference(lastKey: lastKey, digest: digest, totals: try node.totals())
        return Top(node: node, reference: reference, root: ManifestRoot(reference, height: node.level + 1))
    }
}
