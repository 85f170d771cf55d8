/// Why a changeset is of no use.
package enum ChangesetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Applied to its base it gives another root than it says.
    case leadsElsewhere(claimed: NodeDigest, actual: NodeDigest)
    /// More than 20 million edits.
    case tooManyEdits
    /// A chain of no changesets.
    case emptyChain

    package var description: String {
        switch self {
        case .leadsElsewhere(let claimed, let actual):
            "the changeset leads to the root \(actual), not to \(claimed) as it says"
        case .emptyChain: "a chain of no changesets leads nowhere"
        case .tooManyEdits: "the changeset has more than \(Changeset.maximumEditCount) edits"
        }
    }
}
