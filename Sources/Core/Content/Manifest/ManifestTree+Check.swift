extension ManifestTree {
    /// Reads every node and compares all that makes a tree the one right tree of its entries: digests, encodings, order,
    /// boundaries, levels, counts; and, given `rules`, the rules of a tree of files. Returns the root.
    package static func check(root: NodeDigest, source: NodeSource, rules: TreeRules? = nil) throws -> ManifestRoot {
        var rules = rules
        let top = try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source, checksBoundaries: true)
            let top = try Self.top(of: root, reader)
            try check(top.node, .root, reader) { entry in try rules?.check(entry) }
            return top
        }
        try rules?.finish { path in try entry(at: path, root: root, source: source)?.type }
        return top.root
    }

    private static func check(
        _ node: ManifestNode, _ expectation: NodeExpectation, _ reader: NodeReader,
        _ body: (ManifestEntry) throws -> Void
    ) throws {
        switch node {
        case .leaf(let entries):
            for entry in entries { try body(entry) }
        case .index(let level, let children):
            // The height is at most 12, so this may recurse.
            for (child, expectation) in zip(children, expectation.ofChildren(children, level: level)) {
                try check(try reader.node(child.digest, expectation), expectation, reader, body)
            }
        }
    }
}
