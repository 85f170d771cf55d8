/// Finds out level by level which nodes are missing to hold the whole tree below a root: ask for what is `needed`, give
/// what arrives to `supply`, until `isComplete`.
///
/// A machine without I/O. The caller's duties:
/// 1. `isHeld` answers true only for a node that is held *with everything below it*.
/// 2. Nodes left over from a walk that was interrupted, whose children may be missing, are not held in that sense: give
///    them to `supply` when they are needed, as if they had arrived.
/// 3. Nodes given to `supply` may be kept once it has returned.
package struct ManifestWalk {
    /// Nodes that are missing and not supplied yet, in the order in which they were found: level by level, by path.
    private var queue: [NodeDigest] = []
    private var queueStart = 0
    private var expectations: [NodeDigest: NodeExpectation] = [:]
    private let selection: PathSelection
    /// Calls of `supply` so far; each is one answer.
    package private(set) var roundTrips = 0

    /// A walk that begins at `root`; complete at once if that is held.
    /// - Parameter selection: nodes that have nothing of it are not asked for.
    package init(
        root: NodeDigest, selection: PathSelection = .all, isHeld: (NodeDigest) throws -> Bool
    ) rethrows {
        self.selection = selection
        if root != ManifestTree.emptyRoot.digest, try !isHeld(root) {
            queue.append(root)
            expectations[root] = .root
        }
    }

    /// Whether the tree is held as a whole.
    package var isComplete: Bool { expectations.isEmpty }

    /// Nodes that are known to be missing; there may be more below them.
    package var neededCount: Int { expectations.count }

    /// The first nodes that are missing, at most `limit`. The same again until they are supplied.
    package func needed(limit: Int) -> [NodeDigest] {
        var nodes: [NodeDigest] = []
        for digest in queue[queueStart...] where expectations[digest] != nil {
            guard nodes.count < limit else { break }
            nodes.append(digest)
        }
        return nodes
    }

    /// Takes nodes that were needed, in any order, all or (when it throws `ManifestWalkError`) none of them.
    package mutating func supply(
        _ nodes: [(NodeDigest, [UInt8])], isHeld: (NodeDigest) throws -> Bool
    ) throws {
        var found: [(NodeDigest, NodeExpectation)] = []
        var supplied: Set<NodeDigest> = []
        for ((digest, bytes), actual) in zip(nodes, ManifestNode.digests(of: nodes.map(\.1))) {
            guard let expectation = expectations[digest], supplied.insert(digest).inserted else {
                throw ManifestWalkError.notAskedFor(digest)
            }
            guard actual == digest else { throw ManifestWalkError.wrongDigest(digest) }
            found += try Self.children(digest, bytes, expectation).filter { isSelected($0.1) }
        }
        var known = supplied
        for (digest, _) in found where expectations[digest] != nil || !known.insert(digest).inserted {
            throw ManifestWalkError.malformed(digest, .malformedNode(digest, reason: "it is in the tree twice"))
        }
        let missing = try found.filter { try !isHeld($0.0) }
        for digest in supplied { expectations[digest] = nil }
        for (digest, expectation) in missing {
            queue.append(digest)
            expectations[digest] = expectation
        }
        while queueStart < queue.count, expectations[queue[queueStart]] == nil { queueStart += 1 }
        if queueStart > 1_024, queueStart > queue.count / 2 {
            queue.removeSubrange(..<queueStart)
            queueStart = 0
        }
        roundTrips += 1
    }

    private func isSelected(_ child: NodeExpectation) -> Bool {
        child.reference.map { selection.mayTouch(above: child.lowerBound, upTo: $0.lastKey) } ?? true
    }

    private static func children(
        _ digest: NodeDigest, _ bytes: [UInt8], _ expectation: NodeExpectation
    ) throws(ManifestWalkError) -> [(NodeDigest, NodeExpectation)] {
        do {
            let node = try NodeReader.decode(bytes, digest, expectation, checkingBoundaries: true)
            guard case .index(let level, let children) = node else { return [] }
            return Array(zip(children.map(\.digest), expectation.ofChildren(children, level: level)))
        } catch {
            throw .malformed(digest, error)
        }
    }
}
