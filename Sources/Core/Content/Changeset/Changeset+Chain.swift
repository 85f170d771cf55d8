extension Changeset {
    /// The edits of several changesets as one, the oldest first: of several edits of a path the last one counts. Each must
    /// go on from where the one before ended, and there must be one at least.
    ///
    /// Throws `ChangesetError.leadsElsewhere` if one does not, `ChangesetError.tooManyEdits` for more than
    /// ``maximumEditCount`` together.
    package init(chaining changesets: [Changeset]) throws(ChangesetError) {
        guard let first = changesets.first else { throw .emptyChain }
        var edits = first.edits
        var at = first.to
        for changeset in changesets.dropFirst() {
            guard changeset.from == at else { throw .leadsElsewhere(claimed: changeset.from, actual: at) }
            edits = Self.merge(edits, changeset.edits)
            guard edits.count <= Self.maximumEditCount else { throw .tooManyEdits }
            at = changeset.to
        }
        self.init(from: first.from, to: at, edits: edits)
    }

    /// Two lists ascending by path as one; where both have a path, the later edit counts.
    private static func merge(_ earlier: [ManifestEdit], _ later: [ManifestEdit]) -> [ManifestEdit] {
        var merged: [ManifestEdit] = []
        merged.reserveCapacity(earlier.count + later.count)
        var rest = earlier[...]
        for edit in later {
            while let first = rest.first, first.path < edit.path {
                merged.append(first)
                rest.removeFirst()
            }
            if rest.first?.path == edit.path { rest.removeFirst() }
            merged.append(edit)
        }
        return merged + rest
    }
}
