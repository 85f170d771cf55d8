/// Stands at one node of one level of a tree and moves forward only. Index nodes above are read as they are needed; the
/// nodes of the level itself only when asked for.
struct LevelCursor {
    private struct Frame {
        let children: [ChildReference]
        let expectations: [NodeExpectation]
        var position: Int
    }

    private let reader: NodeReader
    /// References from the root (a frame of its own) down to the level.
    private var frames: [Frame]
    private let rootLevel: Int
    private let level: Int

    /// Stands at the first node of `level` of the tree below `root`, whose node was read already. The tree is not empty.
    init(root: ChildReference, rootLevel: Int, level: Int, reader: NodeReader) throws {
        precondition(level <= rootLevel, "level \(level) of a tree of \(rootLevel + 1) levels")
        self.reader = reader
        self.rootLevel = rootLevel
        self.level = level
        frames = [Frame(children: [root], expectations: [.root], position: 0)]
        try descend { _ in 0 }
    }

    /// The node that the cursor stands at.
    var reference: ChildReference {
        let frame = frames[frames.count - 1]
        return frame.children[frame.position]
    }

    /// Whether no node of the level follows.
    var isLast: Bool { frames.allSatisfy { $0.position == $0.children.count - 1 } }

    /// The items of the node that the cursor stands at.
    func items<Item: NodeItem>(_: Item.Type) throws -> [Item] {
        let frame = frames[frames.count - 1]
        let digest = frame.children[frame.position].digest
        let node = try reader.node(digest, frame.expectations[frame.position])
        guard let items = Item.items(of: node) else {
            throw ManifestError.contradictsParent(digest, reason: "its level is \(node.level)")
        }
        return items
    }

    /// Moves to the node after this one; false, and stays, if there is none.
    mutating func next() throws -> Bool {
        guard !isLast else { return false }
        while frames[frames.count - 1].position == frames[frames.count - 1].children.count - 1 { frames.removeLast() }
        frames[frames.count - 1].position += 1
        try descend { _ in 0 }
        return true
    }

    /// Moves forward to the first node that ends with `key` or above, or to the last node if there is none.
    mutating func seek(_ key: RelativePath) throws {
        for index in frames.indices {
            let position = Self.position(of: key, in: frames[index].children, from: frames[index].position)
            if position != frames[index].position {
                frames[index].position = position
                frames.removeSubrange((index + 1)...)
                break
            }
        }
        try descend { Self.position(of: key, in: $0, from: 0) }
    }

    private mutating func descend(_ position: ([ChildReference]) -> Int) throws {
        while rootLevel - (frames.count - 1) > level {
            let frame = frames[frames.count - 1]
            let digest = frame.children[frame.position].digest
            let expectation = frame.expectations[frame.position]
            guard case .index(let level, let children) = try reader.node(digest, expectation) else {
                throw ManifestError.contradictsParent(digest, reason: "it is a leaf")
            }
            frames.append(
                Frame(
                    children: children, expectations: expectation.ofChildren(children, level: level),
                    position: position(children)))
        }
    }

    /// The first child from `start` on that ends with `key` or above, or the last child.
    private static func position(of key: RelativePath, in children: [ChildReference], from start: Int) -> Int {
        var low = start
        var high = children.count - 1
        while low < high {
            let middle = (low + high) / 2
            if children[middle].lastKey < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
