/// Reads nodes from a source and believes none of it: the digest, the encoding, and what the parent says are compared.
struct NodeReader {
    let source: NodeSource
    /// Whether drawn boundaries are compared too (it hashes every key).
    var checksBoundaries = false

    /// The node `digest`, which must be what was expected. Throws `ManifestError` and what the source throws.
    func node(_ digest: NodeDigest, _ expectation: NodeExpectation) throws -> ManifestNode {
        if digest == ManifestTree.emptyRoot.digest, expectation.reference == nil { return .leaf([]) }
        guard let bytes = try source(digest) else { throw ManifestError.missingNode(digest) }
        guard ManifestNode.digest(of: bytes) == digest else { throw ManifestError.wrongDigest(expected: digest) }
        return try Self.decode(bytes, digest, expectation, checkingBoundaries: checksBoundaries)
    }

    /// The node in `bytes`, whose digest was compared already.
    static func decode(
        _ bytes: [UInt8], _ digest: NodeDigest, _ expectation: NodeExpectation, checkingBoundaries: Bool
    ) throws(ManifestError) -> ManifestNode {
        let decoded: ManifestNode.Decoded
        do {
            decoded = try ManifestNode.decode(bytes, checkingBoundaries: checkingBoundaries)
        } catch {
            throw .malformedNode(digest, reason: "\(error)")
        }
        try expectation.verify(decoded, digest: digest, checkingBoundaries: checkingBoundaries)
        return decoded.node
    }
}
