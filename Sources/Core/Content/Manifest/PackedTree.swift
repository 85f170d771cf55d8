/// All nodes of a manifest as one stream: each node before what is below it, in the order of paths. Whoever has the root
/// knows of every node which digest it must have before it comes, so the stream says none.
///
/// The stream goes in messages of whole nodes: for each its length (varint) and its bytes.
package enum PackedTree {
    /// The bytes of one message. More than ``ManifestLimits/nodeByteCount`` for a node are a programmer's error.
    package static func encode(_ nodes: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter(capacity: nodes.reduce(0) { $0 + $1.count + 3 })
        for node in nodes {
            precondition(node.count <= ManifestLimits.nodeByteCount, "a node of \(node.count) bytes")
            writer.lengthPrefixed(node)
        }
        return writer.bytes
    }

    /// The nodes of one message, at least one. Throws `CodecError`.
    package static func decode(_ message: [UInt8]) throws(CodecError) -> [[UInt8]] {
        var reader = ByteReader(message)
        var nodes: [[UInt8]] = []
        repeat { nodes.append(try reader.lengthPrefixed(max: ManifestLimits.nodeByteCount)) } while !reader.isAtEnd
        return nodes
    }
}

/// Verifies a packed tree node by node as it comes, against the root.
///
/// A pure machine. Nothing but the nodes of that very tree is taken, each once, so a stream is as long as the tree at
/// most. Memory grows with the height of the tree.
package struct PackedTreeReader: Sendable {
    /// What comes next, the last one first.
    private var open: [(digest: NodeDigest, expectation: NodeExpectation)] = []

    /// A reader for the tree below `root`.
    package init(root: NodeDigest) {
        if root != ManifestTree.emptyRoot.digest { open = [(root, .root)] }
    }

    /// Whether every node was taken.
    package var isComplete: Bool { open.isEmpty }

    /// Takes the next nodes of the stream; with their digests. Throws ``ManifestWalkError`` for the first that is not
    /// what must come next; what came before it in `nodes` is not given back then.
    package mutating func take(_ nodes: [[UInt8]]) throws(ManifestWalkError) -> [(NodeDigest, [UInt8])] {
        var taken: [(NodeDigest, [UInt8])] = []
        taken.reserveCapacity(nodes.count)
        for (bytes, actual) in zip(nodes, ManifestNode.digests(of: nodes)) {
            guard let (digest, expectation) = open.popLast() else { throw .notAskedFor(actual) }
            guard actual == digest else { throw .wrongDigest(digest) }
            do {
                let node = try NodeReader.decode(bytes, digest, expectation, checkingBoundaries: false)
                if case .index(let level, let children) = node {
                    let expectations = expectation.ofChildren(children, level: level)
                    for (child, expectation) in zip(children, expectations).reversed() {
                        open.append((child.digest, expectation))
                    }
                }
            } catch {
                throw .malformed(digest, error)
            }
            taken.append((digest, bytes))
        }
        return taken
    }
}

/// Lists the nodes of a tree in the order of a packed tree, for whoever sends it from its own store.
///
/// A pure machine: get the nodes that `next(limit:)` names, give them to `take(_:)`, until it names none. Memory grows
/// with the height of the tree.
package struct PackedTreeWriter: Sendable {
    /// What goes next, the last one first; whether it is known to be a leaf.
    private var open: [(digest: NodeDigest, isLeaf: Bool)] = []

    /// A writer for the tree below `root`.
    package init(root: NodeDigest) {
        if root != ManifestTree.emptyRoot.digest { open = [(root, false)] }
    }

    /// The digests that go next, at most `limit`: one, or several leaves. Empty at the end.
    package func next(limit: Int) -> [NodeDigest] {
        guard let first = open.last else { return [] }
        guard first.isLeaf else { return [first.digest] }
        return open.reversed().prefix(limit).prefix { $0.isLeaf }.map(\.digest)
    }

    /// Whether the node `digest` goes next.
    package func isNext(_ digest: NodeDigest) -> Bool { open.last?.digest == digest }

    /// Takes the bytes of the node that goes next, from a store that is trusted. Throws `ManifestError` if they are none.
    package mutating func take(_ bytes: [UInt8]) throws(ManifestError) {
        guard let (digest, isLeaf) = open.popLast(), !isLeaf else { return }
        do {
            let node = try ManifestNode.decode(bytes, checkingBoundaries: false).node
            guard case .index(let level, let children) = node else { return }
            for child in children.reversed() { open.append((child.digest, level == 1)) }
        } catch {
            throw .malformedNode(digest, reason: "\(error)")
        }
    }
}
