/// Why nodes that a peer sent were refused; each case names the node.
package enum ManifestWalkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The node was not asked for, or is there twice.
    case notAskedFor(NodeDigest)
    /// The bytes do not have the digest.
    case wrongDigest(NodeDigest)
    /// The bytes have the digest but are no node that belongs there: the tree itself is malformed.
    case malformed(NodeDigest, ManifestError)

    package var description: String {
        switch self {
        case .notAskedFor(let digest): "the manifest node \(digest) was not asked for"
        case .wrongDigest(let digest): "the bytes sent for the manifest node \(digest) have another digest"
        case .malformed(_, let error): "\(error)"
        }
    }
}
