import Content
import Testing

extension TreeModel {
    /// Applies edits, which the model has taken already, to the tree below `root`, and compares: with a tree built anew
    /// from the model, with the diffs in both directions, and with a changeset that was encoded and decoded. Returns the
    /// new root.
    func step(_ edits: [ManifestEdit], _ root: ManifestRoot, _ table: NodeTable) throws -> ManifestRoot {
        let edited = try ManifestTree.apply(edits, to: root.digest, source: table.source, sink: table.sink)
        let fresh = NodeTable()
        try #require(try fresh.build(entries) == edited)
        for digest in fresh.nodes.keys { try #require(table.nodes[digest] != nil) }

        let forwards = try table.edits(root.digest, edited.digest)
        let backwards = try table.edits(edited.digest, root.digest)
        #expect(forwards.map(\.path) == backwards.map(\.path))
        #expect(Set(forwards).isSubset(of: edits))
        let again = try ManifestTree.apply(forwards, to: root.digest, source: table.source) { _, _ in }
        #expect(again == edited)
        let changeset = Changeset(from: edited.digest, to: root.digest, edits: backwards)
        let decoded = try Changeset(decoding: changeset.encode())
        #expect(decoded == changeset)
        let back = try decoded.apply(source: table.source) { _, _ in }
        #expect(back.root == root)
        try table.expectKnown(back.changes, edited.digest, root.digest)
        try table.expectKnown(
            try Changeset(from: root.digest, to: edited.digest, edits: edits).apply(source: table.source) { _, _ in }
                .changes, root.digest, edited.digest)
        try table.expectKnown(
            try ManifestTree.changes(root.digest, edited.digest, source: table.source), root.digest, edited.digest)
        return edited
    }
}
