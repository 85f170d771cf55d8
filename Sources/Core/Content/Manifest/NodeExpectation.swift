/// What is known of a node before its bytes are at hand, from its parents.
struct NodeExpectation: Equatable {
    /// Its level; nil for a root.
    var level: Int?
    /// What the parent says; nil for a root.
    var reference: ChildReference?
    /// The last path before the node; nil if there is none.
    var lowerBound: RelativePath?
    /// Whether nothing follows the node on its level, so that it may end without a boundary.
    var isLastOfLevel: Bool

    /// For the top node of a tree.
    static let root = NodeExpectation(level: nil, reference: nil, lowerBound: nil, isLastOfLevel: true)

    /// What is expected of the children of a node of `level`, which was itself expected to be this.
    func ofChildren(_ children: [ChildReference], level: Int) -> [NodeExpectation] {
        var lowerBound = self.lowerBound
        return children.indices.map { index in
            defer { lowerBound = children[index].lastKey }
            return NodeExpectation(
                level: level - 1, reference: children[index], lowerBound: lowerBound,
                isLastOfLevel: isLastOfLevel && index == children.count - 1)
        }
    }

    /// Throws `ManifestError` unless `decoded`, the node `digest`, is what was expected. Boundaries are compared only if
    /// they were checked when the node was decoded.
    func verify(_ decoded: ManifestNode.Decoded, digest: NodeDigest, checkingBoundaries: Bool) throws(ManifestError) {
        let node = decoded.node
        if let level, node.level != level {
            throw .contradictsParent(digest, reason: "its level is \(node.level), not \(level)")
        }
        if let lowerBound, let first = node.firstKey, first <= lowerBound {
            throw .contradictsParent(digest, reason: "it begins with \(first), which is not above \(lowerBound)")
        }
        let totals = try node.totals()
        if let reference {
            guard let last = node.lastKey, last == reference.lastKey else {
                throw .contradictsParent(digest, reason: "it does not end with \(reference.lastKey)")
            }
            guard totals == reference.totals else {
                throw .contradictsParent(digest, reason: "its counts are \(totals), not \(reference.totals)")
            }
        } else if node.level > 0, node.itemCount < 2 {
            throw .malformedNode(digest, reason: "a root with one child")
        }
        if checkingBoundaries, !isLastOfLevel, !decoded.endsAtBoundary {
            throw .malformedNode(digest, reason: "it ends without a boundary and is not the last of its level")
        }
    }
}

extension ManifestTotals: CustomStringConvertible {
    var description: String { "\(entries) entries, \(files) files, \(bytes) bytes" }
}
