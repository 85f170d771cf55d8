/// Why a proof proves nothing.
package enum ManifestProofError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A node is not the one that the root, or the node above, names.
    case invalidNode(ManifestError)
    /// A node on the way to the path is not there.
    case incomplete
    /// There are `count` nodes beyond the end of the way.
    case superfluousNodes(Int)
    /// The nodes show something else than the proof claims: presence, absence or the number of entries.
    case otherClaim

    package var description: String {
        switch self {
        case .invalidNode(let error): "the proof does not belong to this root: \(error)"
        case .incomplete: "the proof ends before the leaf of its path"
        case .superfluousNodes(let count): "the proof has \(count) nodes too many"
        case .otherClaim: "the nodes of the proof show something else than it claims"
        }
    }
}
