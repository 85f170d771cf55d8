extension ManifestTree {
    /// The tree that `edits` make of the one below `root`: the same nodes that a builder would make of all entries, but
    /// only what changes is read and written.
    ///
    /// The edits are strictly ascending by path (else `ManifestError.notAscending`). Removing what is not there, or
    /// putting what is there already, changes nothing. New nodes reach the sink children before parents. Nothing was
    /// changed in place when it throws; nodes given to the sink until then belong to no tree.
    package static func apply(
        _ edits: [ManifestEdit], to root: NodeDigest, source: NodeSource, sink: NodeSink
    ) throws -> ManifestRoot {
        var known = KnownChanges()
        return try apply(edits, to: root, source: source, sink: sink, known: &known)
    }

    /// The same, and `known` takes what the edits have changed.
    static func apply(
        _ edits: [ManifestEdit], to root: NodeDigest, source: NodeSource, sink: NodeSink, known: inout KnownChanges
    ) throws -> ManifestRoot {
        for (edit, next) in zip(edits, edits.dropFirst()) where edit.path >= next.path {
            throw ManifestError.notAscending(previous: edit.path, next: next.path)
        }
        return try withoutActuallyEscaping(source) { source in
            try withoutActuallyEscaping(sink) { sink in
                var application = EditApplication(reader: NodeReader(source: source), sink: sink)
                let made = try application.apply(edits, to: root)
                known = KnownChanges(from: root, to: made.digest, application.found)
                return made
            }
        }
    }
}

/// A change of the items of one level: the new item at a key, or nothing.
private struct ItemEdit<Item: NodeItem> {
    let key: RelativePath
    let item: Item?
}

/// Edits one level after the other, from the leaves up: the nodes that one level loses and gains are the edits of the
/// level above.
private struct EditApplication {
    /// A new index node. It is not given to the sink before it is known whether it is part of the tree: a node with one
    /// child is not, at the top.
    private struct IndexNode {
        let digest: NodeDigest
        let bytes: [UInt8]
        let onlyChild: ChildReference?
    }

    private let reader: NodeReader
    private let sink: NodeSink
    /// What the edits have changed until now.
    private(set) var found = FoundChanges()
    /// In ascending order of levels.
    private var newIndexNodes: [IndexNode] = []

    init(reader: NodeReader, sink: @escaping NodeSink) {
        self.reader = reader
        self.sink = sink
    }

    mutating func apply(_ edits: [ManifestEdit], to root: NodeDigest) throws -> ManifestRoot {
        let top = try ManifestTree.top(of: root, reader)
        let leafEdits = edits.map { edit -> ItemEdit<ManifestEntry> in
            switch edit {
            case .put(let entry): ItemEdit(key: entry.path, item: entry)
            case .remove(let path): ItemEdit(key: path, item: nil)
            }
        }
        guard let reference = top.reference else { return try build(leafEdits.compactMap(\.item)) }
        var level = 0
        var changes = FoundChanges()
        var (lost, gained) = try edit(leafEdits, level: 0, of: reference, rootLevel: top.node.level) { old, new in
            changes.take(old: old, new: new)
        }
        found.take(changes)
        while level < top.node.level {
            let edits = Self.difference(lost, gained)
            if edits.isEmpty { return top.root }
            level += 1
            (lost, gained) = try edit(edits, level: level, of: reference, rootLevel: top.node.level) { _, _ in }
        }
        // The level of the old root had one node, which was lost, so these are all nodes of the level now.
        return lost.isEmpty || lost == gained ? top.root : try crown(gained, level: level)
    }

    /// Makes the nodes of a level anew where `edits` touch it. Returns the old nodes there and those in their place.
    /// `body` takes the item that was at the key of an edit, and the one that is there now.
    private mutating func edit<Item: NodeItem>(
        _ edits: [ItemEdit<Item>], level: Int, of root: ChildReference, rootLevel: Int,
        _ body: (_ old: Item?, _ new: Item?) -> Void
    ) throws -> (lost: [ChildReference], gained: [ChildReference]) {
        guard let first = edits.first else { return ([], []) }
        var cursor = try LevelCursor(root: root, rootLevel: rootLevel, level: level, reader: reader)
        var assembler = LevelAssembler<Item>(level: level)
        var lost: [ChildReference] = []
        var lostDigests: Set<NodeDigest> = []
        var gained: [ChildReference] = []
        var pending = edits[...]
        try cursor.seek(first.key)
        while true {
            lost.append(cursor.reference)
            lostDigests.insert(cursor.reference.digest)
            let isLast = cursor.isLast
            try Self.merge(try cursor.items(Item.self), &pending, isLast: isLast, into: &assembler, body)
            if isLast { assembler.end() }
            if assembler.hasBatch { gained += try keep(assembler.takeClosed(), besides: lostDigests) }
            // Where old and new tree both begin a node, they are the same up to the next edit.
            if assembler.isAtNodeStart, pending.isEmpty { break }
            guard try cursor.next() else { break }
            if assembler.isAtNodeStart, let next = pending.first { try cursor.seek(next.key) }
        }
        gained += try keep(assembler.takeClosed(), besides: lostDigests)
        return (lost, gained)
    }

    /// Gives the items of one old node to the assembler, changed by the edits that fall in its range (all that are left,
    /// if it is the last node of its level).
    private static func merge<Item>(
        _ items: [Item], _ edits: inout ArraySlice<ItemEdit<Item>>, isLast: Bool,
        into assembler: inout LevelAssembler<Item>, _ body: (_ old: Item?, _ new: Item?) -> Void
    ) throws(ManifestError) {
        for item in items {
            var isReplaced = false
            while let edit = edits.first, edit.key <= item.key {
                edits.removeFirst()
                if let new = edit.item { try assembler.append(new) }
                isReplaced = edit.key == item.key
                body(isReplaced ? item : nil, edit.item)
            }
            if !isReplaced { try assembler.append(item) }
        }
        guard isLast else { return }
        while let edit = edits.popFirst() {
            if let new = edit.item { try assembler.append(new) }
            body(nil, edit.item)
        }
    }

    /// Takes new nodes; those that the level had before are held already.
    private mutating func keep<Item>(
        _ made: [LevelAssembler<Item>.Made], besides old: Set<NodeDigest>
    ) throws -> [ChildReference] {
        for node in made where !old.contains(node.reference.digest) {
            if Item.self == ManifestEntry.self {
                try give(node.reference.digest, node.bytes)
            } else {
                let onlyChild = node.onlyItem as? ChildReference
                newIndexNodes.append(
                    IndexNode(digest: node.reference.digest, bytes: node.bytes, onlyChild: onlyChild))
            }
        }
        return made.map(\.reference)
    }

    /// Gives a new node to the sink.
    private mutating func give(_ digest: NodeDigest, _ bytes: [UInt8]) throws {
        found.take(newNodes: [digest])
        try sink(digest, bytes)
    }

    /// The edits that turn the items `lost` into `gained`, both ascending.
    private static func difference(_ lost: [ChildReference], _ gained: [ChildReference]) -> [ItemEdit<ChildReference>] {
        var edits: [ItemEdit<ChildReference>] = []
        var old = lost[...]
        for new in gained {
            while let gone = old.first, gone.key < new.key {
                edits.append(ItemEdit(key: gone.key, item: nil))
                old.removeFirst()
            }
            if let same = old.first, same.key == new.key {
                old.removeFirst()
                if same == new { continue }
            }
            edits.append(ItemEdit(key: new.key, item: new))
        }
        edits += old.map { ItemEdit(key: $0.key, item: nil) }
        return edits
    }

    /// A tree of entries alone, when there was none.
    private mutating func build(_ entries: [ManifestEntry]) throws -> ManifestRoot {
        guard !entries.isEmpty else { return ManifestTree.emptyRoot }
        // All of it is new, and its nodes are the builder's.
        found.giveUp()
        var builder = ManifestBuilder(sink: sink)
        for entry in entries { try builder.append(entry) }
        return try builder.finish()
    }

    /// Puts index nodes above all nodes of a level until there is one, or takes away those that have become needless.
    private mutating func crown(_ nodes: [ChildReference], level: Int) throws -> ManifestRoot {
        var nodes = nodes
        var level = level
        guard !nodes.isEmpty else {
            try give(ManifestTree.emptyRoot.digest, ManifestNode.emptyEncoding)
            return ManifestTree.emptyRoot
        }
        while nodes.count > 1 {
            level += 1
            guard level < ManifestLimits.height else { throw ManifestError.tooHigh }
            var assembler = LevelAssembler<ChildReference>(level: level)
            for node in nodes { try assembler.append(node) }
            assembler.end()
            nodes = try keep(assembler.takeClosed(), besides: [])
        }
        var top = nodes[0]
        while level > 0, let child = try onlyChild(of: top) {
            newIndexNodes.removeAll { $0.digest == top.digest }
            top = child
            level -= 1
        }
        for node in newIndexNodes { try give(node.digest, node.bytes) }
        return ManifestRoot(top, height: level + 1)
    }

    /// The only child of an index node at the top, new or old; nil if it has several.
    private func onlyChild(of top: ChildReference) throws -> ChildReference? {
        if let new = newIndexNodes.first(where: { $0.digest == top.digest }) { return new.onlyChild }
        // It may have one child without being a root, so this is what its parent would expect.
        let expectation = NodeExpectation(level: nil, reference: top, lowerBound: nil, isLastOfLevel: true)
        guard case .index(_, let children) = try reader.node(top.digest, expectation) else { return nil }
        return children.count == 1 ? children[0] : nil
    }
}
