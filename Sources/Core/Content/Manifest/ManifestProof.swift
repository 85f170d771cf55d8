import Hashing

/// Shows to somebody who knows only the root of a manifest which entry is at a path, or that there is none: the nodes
/// from the root down to the leaf where the path is or would be. Carries the number of entries of the tree.
package struct ManifestProof: Hashable, Sendable {
    /// The longest path, a node of the largest size on every level, and the fields around them.
    package static let maximumByteCount = 800_000
    private static let formatVersion: UInt8 = 1

    /// The path that the proof is about.
    package let path: RelativePath
    /// Whether it claims that there is an entry.
    package let isPresent: Bool
    /// All entries of the tree.
    package let entryCount: UInt64
    /// From the root down.
    private let nodes: [[UInt8]]

    private init(path: RelativePath, isPresent: Bool, entryCount: UInt64, nodes: [[UInt8]]) {
        self.path = path
        self.isPresent = isPresent
        self.entryCount = entryCount
        self.nodes = nodes
    }

    /// The proof for `path` in the tree below `root`. Throws `ManifestError` and what the source throws.
    package static func make(_ path: RelativePath, root: NodeDigest, source: NodeSource) throws -> ManifestProof {
        var nodes: [[UInt8]] = []
        let entry = try withoutActuallyEscaping(source) { source in
            try descend(path, root: root) { digest, expectation in
                let held = digest == ManifestTree.emptyRoot.digest ? ManifestNode.emptyEncoding : try source(digest)
                guard let bytes = held else { throw ManifestError.missingNode(digest) }
                nodes.append(bytes)
                return try decode(bytes, digest, expectation)
            }
        }
        let totals = try ManifestTree.root(of: root, source: source)
        return ManifestProof(path: path, isPresent: entry != nil, entryCount: totals.entries, nodes: nodes)
    }

    /// The entry at the path in the tree below `root`, or nil if the proof shows that there is none.
    ///
    /// Throws `ManifestProofError` if the nodes do not lead from `root` to an answer, or to another one than claimed.
    package func verify(root: NodeDigest) throws(ManifestProofError) -> ManifestEntry? {
        var rest = nodes[...]
        let entry: ManifestEntry?
        do {
            entry = try Self.descend(path, root: root) { digest, expectation in
                guard let bytes = rest.popFirst() else { throw ManifestProofError.incomplete }
                let node = try Self.decode(bytes, digest, expectation)
                if expectation.reference == nil, try node.totals().entries != entryCount {
                    throw ManifestProofError.otherClaim
                }
                return node
            }
        } catch let error as ManifestError {
            throw .invalidNode(error)
        } catch let error as ManifestProofError {
            throw error
        } catch {
            throw .incomplete
        }
        guard rest.isEmpty else { throw .superfluousNodes(rest.count) }
        guard (entry != nil) == isPresent else { throw .otherClaim }
        return entry
    }

    /// Goes from the root to the leaf of `path`, or ends where every path is below it.
    private static func descend(
        _ path: RelativePath, root: NodeDigest,
        node: (NodeDigest, NodeExpectation) throws -> ManifestNode
    ) throws -> ManifestEntry? {
        var digest = root
        var expectation = NodeExpectation.root
        while true {
            switch try node(digest, expectation) {
            case .leaf(let entries):
                return entries.first { $0.path == path }
            case .index(let level, let children):
                guard let index = children.firstIndex(where: { $0.lastKey >= path }) else { return nil }
                digest = children[index].digest
                expectation = expectation.ofChildren(children, level: level)[index]
            }
        }
    }

    private static func decode(
        _ bytes: [UInt8], _ digest: NodeDigest, _ expectation: NodeExpectation
    ) throws(ManifestError) -> ManifestNode {
        guard ManifestNode.digest(of: bytes) == digest else { throw .wrongDigest(expected: digest) }
        return try NodeReader.decode(bytes, digest, expectation, checkingBoundaries: true)
    }

    /// The bytes of the proof. They end with a digest of all before it, so that no bit of them can change unnoticed, not
    /// even to make a valid proof about another path.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: nodes.reduce(128 + path.bytes.count) { $0 + $1.count + 3 })
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(path.bytes)
        writer.u8(isPresent ? 1 : 0)
        writer.varint(entryCount)
        writer.varint(UInt64(nodes.count))
        for node in nodes { writer.lengthPrefixed(node) }
        writer.digest(ManifestContexts.proof.hash(writer.bytes))
        return writer.bytes
    }

    /// Reads what `encode` wrote; whether it proves anything is for `verify` to say. Throws `CodecError`, `PathError`.
    package init(decoding bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumByteCount else {
            throw CodecError.valueTooLarge(
                offset: 0, value: UInt64(bytes.count), limit: UInt64(Self.maximumByteCount))
        }
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw CodecError.unsupportedVersion(format: "manifest proof", version: UInt64(version))
        }
        path = try RelativePath(try reader.lengthPrefixed(max: RelativePath.maximumByteCount))
        let claim = try reader.u8()
        guard claim <= 1 else { throw reader.malformed("the claim \(claim)") }
        isPresent = claim == 1
        entryCount = try reader.varint(max: ManifestLimits.entries)
        var nodes: [[UInt8]] = []
        for _ in 0..<(try reader.count(max: ManifestLimits.height)) {
            nodes.append(try reader.lengthPrefixed(max: ManifestLimits.nodeByteCount))
        }
        self.nodes = nodes
        let content = Array(bytes[..<reader.offset])
        guard try reader.digest() == ManifestContexts.proof.hash(content) else {
            throw reader.malformed("the closing digest is not that of the proof")
        }
        try reader.expectEnd()
    }
}
