/// Builds the manifest of a stream of entries in ascending order of paths. Memory grows with the height of the tree, not
/// with the number of entries.
///
/// Nodes reach the sink in batches, children before their parents, the root last. After an error the builder must not be
/// used again. What a tree of files must keep beside the order is seen by `TreeRules`.
package struct ManifestBuilder {
    private let sink: NodeSink
    private var leaves = LevelAssembler<ManifestEntry>(level: 0)
    private var indexes: [LevelAssembler<ChildReference>] = []
    private var totals = ManifestTotals.zero

    /// A builder that gives the nodes it makes to `sink`.
    package init(sink: @escaping NodeSink) {
        self.sink = sink
    }

    /// Adds the next entry. Throws `ManifestError.notAscending` (also for a path that was there already),
    /// `tooManyEntries`, `tooManyBytes`, and what the sink throws.
    package mutating func append(_ entry: ManifestEntry) throws {
        try totals.add(entry.totals)
        try leaves.append(entry)
        if leaves.hasBatch { try raise(try emit(leaves.takeClosed()), to: 1) }
    }

    /// Ends the stream: the root of the tree. The last node given to the sink is the root's.
    /// - Throws: what the sink throws.
    package mutating func finish() throws -> ManifestRoot {
        leaves.end()
        var references = try emit(leaves.takeClosed())
        if leaves.nodeCount == 0 {
            try sink(ManifestTree.emptyRoot.digest, ManifestNode.emptyEncoding)
            return ManifestTree.emptyRoot
        }
        var height = 1
        var nodeCount = leaves.nodeCount
        while nodeCount > 1 {
            try raise(references, to: height)
            indexes[height - 1].end()
            references = try emit(indexes[height - 1].takeClosed())
            nodeCount = indexes[height - 1].nodeCount
            height += 1
        }
        // A level of one node was never emptied before its end, so its only reference is here.
        return ManifestRoot(references[0], height: height)
    }

    /// Gives references to the index nodes of `level`, and on when a batch is full there.
    private mutating func raise(_ references: [ChildReference], to level: Int) throws {
        guard level < ManifestLimits.height else { throw ManifestError.tooHigh }
        if indexes.count < level { indexes.append(LevelAssembler(level: level)) }
        for reference in references {
            try indexes[level - 1].append(reference)
            if indexes[level - 1].hasBatch { try raise(try emit(indexes[level - 1].takeClosed()), to: level + 1) }
        }
    }

    private func emit<Item>(_ made: [LevelAssembler<Item>.Made]) throws -> [ChildReference] {
        for node in made { try sink(node.reference.digest, node.bytes) }
        return made.map(\.reference)
    }
}

extension ManifestRoot {
    /// The root that a reference to a tree's top node says.
    init(_ top: ChildReference, height: Int) {
        self.init(
            digest: top.digest, height: height, entries: top.totals.entries, files: top.totals.files,
            bytes: top.totals.bytes)
    }
}
