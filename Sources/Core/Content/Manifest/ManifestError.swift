/// Why a manifest, or an edit of one, was refused. Named for the rule that is broken; the node is named where one node
/// breaks it.
package enum ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The source does not hold a node that the tree needs.
    case missingNode(NodeDigest)
    /// The source gave bytes that do not have the digest.
    case wrongDigest(expected: NodeDigest)
    /// The bytes have the digest, but are not the encoding of a node.
    case malformedNode(NodeDigest, reason: String)
    /// The node is not what its parent says: level, range of paths, or counts.
    case contradictsParent(NodeDigest, reason: String)
    /// The paths given to a builder, or the edits given to `apply`, are not strictly ascending.
    case notAscending(previous: RelativePath, next: RelativePath)
    /// More than 20 million entries.
    case tooManyEntries
    /// More levels than 12.
    case tooHigh
    /// All files together have more bytes than a signed 64-bit number says.
    case tooManyBytes

    package var description: String {
        switch self {
        case .missingNode(let digest): "the manifest node \(digest) is not held"
        case .wrongDigest(let expected): "the bytes given for the manifest node \(expected) have another digest"
        case .malformedNode(let digest, let reason): "the manifest node \(digest) is malformed: \(reason)"
        case .contradictsParent(let digest, let reason): "the manifest node \(digest) contradicts its parent: \(reason)"
        case .notAscending(let previous, let next): "paths are not strictly ascending: \(next) follows \(previous)"
        case .tooManyEntries: "the manifest has more than \(ManifestLimits.entries) entries"
        case .tooHigh: "the manifest has more than \(ManifestLimits.height) levels"
        case .tooManyBytes: "the files of the manifest have more than \(ManifestLimits.byteCount) bytes together"
        }
    }
}
