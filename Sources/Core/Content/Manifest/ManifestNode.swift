import Hashing

/// A decoded node: a leaf with entries or, from level 1 up, an index node with references to nodes one level below.
enum ManifestNode {
    case leaf([ManifestEntry])
    case index(level: Int, children: [ChildReference])

    /// The version of the node format, the first byte of every node.
    static let formatVersion: UInt8 = 1
    /// The version and the level.
    static let headerByteCount = 2
    /// A leaf without entries: the root of an empty set.
    static let emptyEncoding: [UInt8] = [formatVersion, 0]

    /// 0 for a leaf.
    var level: Int {
        switch self {
        case .leaf: 0
        case .index(let level, _): level
        }
    }

    /// Entries or children.
    var itemCount: Int {
        switch self {
        case .leaf(let entries): entries.count
        case .index(_, let children): children.count
        }
    }

    /// The key of the first item; only in a leaf is it also the first path below the node.
    var firstKey: RelativePath? {
        switch self {
        case .leaf(let entries): entries.first?.path
        case .index(_, let children): children.first?.lastKey
        }
    }

    /// The last path below the node.
    var lastKey: RelativePath? {
        switch self {
        case .leaf(let entries): entries.last?.path
        case .index(_, let children): children.last?.lastKey
        }
    }

    /// The sums over the items.
    func totals() throws(ManifestError) -> ManifestTotals {
        var totals = ManifestTotals.zero
        switch self {
        case .leaf(let entries):
            for entry in entries { try totals.add(entry.totals) }
        case .index(_, let children):
            for child in children { try totals.add(child.totals) }
        }
        return totals
    }

    /// The digest of a node's bytes, under the context of its kind, which the level byte tells.
    static func digest(of bytes: [UInt8]) -> NodeDigest {
        let isLeaf = bytes.count < headerByteCount || bytes[1] == 0
        return NodeDigest((isLeaf ? ManifestContexts.leaf : ManifestContexts.index).hash(bytes))
    }

    /// The digests of many nodes, hashed side by side.
    static func digests(of nodes: [[UInt8]]) -> [NodeDigest] {
        // One call needs all buffers at once, and arrays lend theirs only one inside the other: so they are joined.
        var joined: [UInt8] = []
        joined.reserveCapacity(nodes.reduce(0) { $0 + $1.count })
        for node in nodes { joined += node }
        var leaves: [UnsafeRawBufferPointer] = []
        var indexes: [UnsafeRawBufferPointer] = []
        return joined.withUnsafeBytes { joined in
            var offset = 0
            for node in nodes {
                let bytes = UnsafeRawBufferPointer(rebasing: joined[offset..<offset + node.count])
                if node.count < headerByteCount || node[1] == 0 { leaves.append(bytes) } else { indexes.append(bytes) }
                offset += node.count
            }
            var ofLeaves = ManifestContexts.leaf.hashMany(leaves).makeIterator()
            var ofIndexes = ManifestContexts.index.hashMany(indexes).makeIterator()
            return nodes.compactMap { node in
                let next = node.count < headerByteCount || node[1] == 0 ? ofLeaves.next() : ofIndexes.next()
                return next.map { NodeDigest($0) }
            }
        }
    }
}
