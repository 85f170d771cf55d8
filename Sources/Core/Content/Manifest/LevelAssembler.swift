import Hashing

/// Makes the nodes of one level from its items in order: cuts by the boundary rule, encodes, hashes in batches.
struct LevelAssembler<Item: NodeItem> {
    /// A new node.
    struct Made {
        let reference: ChildReference
        let bytes: [UInt8]
        /// The node's only item, if it has just one.
        let onlyItem: Item?
    }

    /// Nodes hashed side by side: enough for the widest kernel several times over, small beside the rest of memory.
    static var batchCount: Int { 64 }

    private struct Closed {
        let end: Int
        let lastKey: RelativePath
        let totals: ManifestTotals
        let onlyItem: Item?
    }

    private let level: Int
    /// Encoded nodes that wait for hashing, one after the other, then the one that is being made.
    private var arena: ByteWriter
    private var closed: [Closed] = []
    private var rule: BoundaryRule
    private var totals = ManifestTotals.zero
    private var lastItem: Item?
    private var itemCount = 0
    /// Nodes closed so far.
    private(set) var nodeCount = 0

    init(level: Int) {
        self.level = level
        rule = BoundaryRule(level: level)
        arena = ByteWriter(capacity: 8_192)
    }

    /// Whether the next item begins a node.
    var isAtNodeStart: Bool { itemCount == 0 }

    /// Whether enough nodes wait to hash them.
    var hasBatch: Bool { closed.count >= Self.batchCount }

    /// Adds the next item. Throws `notAscending` or a limit.
    mutating func append(_ item: Item) throws(ManifestError) {
        let key = item.key.bytes
        var shared = 0
        if let lastItem {
            let (common, order) = KeyOrder.compare(lastItem.key.bytes, key)
            guard order < 0 else { throw .notAscending(previous: lastItem.key, next: item.key) }
            shared = itemCount == 0 ? 0 : common
        }
        if itemCount == 0 {
            arena.u8(ManifestNode.formatVersion)
            arena.u8(UInt8(truncatingIfNeeded: level))
        }
        PrefixedKey.encode(key, shared: shared, into: &arena)
        item.encodeFields(into: &arena)
        try totals.add(item.totals)
        itemCount += 1
        lastItem = item
        if rule.endsNode(after: key, targetByteCount: item.targetByteCount) { close() }
    }

    /// Ends the level: what was added since the last boundary becomes its last node.
    mutating func end() {
        guard itemCount > 0 else { return }
        rule.restart()
        close()
    }

    /// The nodes that were closed since the last call, in order.
    mutating func takeClosed() -> [Made] {
        guard !closed.isEmpty else { return [] }
        let context = level == 0 ? ManifestContexts.leaf : ManifestContexts.index
        let digests = arena.bytes.withUnsafeBytes { bytes in
            var start = 0
            let nodes = closed.map { node in
                defer { start = node.end }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<node.end])
            }
            return context.hashMany(nodes)
        }
        var made: [Made] = []
        made.reserveCapacity(closed.count)
        var start = 0
        for (node, digest) in zip(closed, digests) {
            let reference = ChildReference(lastKey: node.lastKey, digest: NodeDigest(digest), totals: node.totals)
            made.append(
                Made(reference: reference, bytes: Array(arena.bytes[start..<node.end]), onlyItem: node.onlyItem))
            start = node.end
        }
        arena.removeFirst(start)
        closed.removeAll(keepingCapacity: true)
        return made
    }

    private mutating func close() {
        guard let lastItem else { return }
        closed.append(
            Closed(
                end: arena.count, lastKey: lastItem.key, totals: totals, onlyItem: itemCount == 1 ? lastItem : nil))
        nodeCount += 1
        itemCount = 0
        totals = .zero
    }
}
