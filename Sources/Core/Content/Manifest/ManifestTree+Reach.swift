extension ManifestTree {
    /// Walks everything below `root`, parents first. A node is read only if `enters` says so; then its children are
    /// walked, or its entries given to `body`. For who walks several trees that share most of their nodes.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func reach(
        root: NodeDigest, source: NodeSource, enters: (NodeDigest) throws -> Bool,
        _ body: (ManifestEntry) throws -> Void
    ) throws {
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            var open: [(digest: NodeDigest, expectation: NodeExpectation)] = [(root, .root)]
            while let (digest, expectation) = open.popLast() {
                guard try enters(digest) else { continue }
                switch try reader.node(digest, expectation) {
                case .leaf(let entries):
                    for entry in entries { try body(entry) }
                case .index(let level, let children):
                    let expectations = expectation.ofChildren(children, level: level)
                    for index in children.indices.reversed() {
                        open.append((children[index].digest, expectations[index]))
                    }
                }
            }
        }
    }
}
