extension ManifestTree {
    /// Reads every node and compares all that makes a tree the one right tree of its entries: digests, encodings, order,
    /// boundaries, levels, counts; and, given `rules`, the rules of a tree of files. Returns the root.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func check(root: NodeDigest, source: NodeSource, rules: TreeRules? = nil) throws -> ManifestRoot {
        var rules = rules
        let top = try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source, checksBoundaries: true)
            let top = try Self.top(of: root, reader)
            try check(top.node, .root, reader) { entry in try rules?.check(entry) }
            return top
        }
        try rules?.finish { path in try entry(at: path, root: root, source: source)?.type }
        return top.root
    }

    /// The same as `check` with `rules`, for a tree of which another one, `base`, keeps all of it already: reads what
    /// differs, and what the rules need to know around it.
    ///
    /// A subtree is passed over only if the base has it in the same place: after the same path, last of its level or not.
    /// All is read where a new symlink may be one that an old link goes through.
    /// - Parameter known: takes what differs. If it has that already, from an `apply` that made this tree of the base,
    ///   the new nodes are right, and only the rules are looked at.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func check(
        root: NodeDigest, since base: NodeDigest, source: NodeSource, rules: TreeRules, known: inout KnownChanges
    ) throws -> ManifestRoot {
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source, checksBoundaries: true)
            let top = try Self.top(of: root, reader)
            guard base != root else { return top.root }
            guard top.root.entries <= ManifestLimits.entries else { throw TreeRuleError.tooManyEntries }
            var changes = ChangedEntries(root: root, source: source, rules: rules)
            if let made = known.changes(base, root) {
                for change in made { try changes.take(change) }
            } else {
                var found = FoundChanges()
                var diff = try TreeDiff(
                    old: base, NodeReader(source: source), new: root, reader, comparesPlaces: true)
                try diff.run { change in
                    try changes.take(change)
                    found.take(change)
                }
                found.take(newNodes: diff.newNodes)
                known = KnownChanges(from: base, to: root, found)
            }
            if changes.needsAll { return try check(root: root, source: source, rules: rules) }
            try changes.finish()
            return top.root
        }
    }

    private static func check(
        _ node: ManifestNode, _ expectation: NodeExpectation, _ reader: NodeReader,
        _ body: (ManifestEntry) throws -> Void
    ) throws {
        switch node {
        case .leaf(let entries):
            for entry in entries { try body(entry) }
        case .index(let level, let children):
            // The height is at most 12, so this may recurse.
            for (child, expectation) in zip(children, expectation.ofChildren(children, level: level)) {
                try check(try reader.node(child.digest, expectation), expectation, reader, body)
            }
        }
    }
}

/// The rules of a tree of files, for the changes that turn a tree that keeps them into another.
private struct ChangedEntries {
    let root: NodeDigest
    let source: NodeSource
    var rules: TreeRules
    /// Only a look at all entries can tell.
    private(set) var needsAll = false
    /// The last directory that was found to be one: changes come in order, so the next is often below it, too.
    private var knownDirectory: RelativePath?

    init(root: NodeDigest, source: @escaping NodeSource, rules: TreeRules) {
        self.root = root
        self.source = source
        self.rules = rules
    }

    mutating func take(_ change: TreeDiff.Change) throws {
        switch change {
        case .remove(let old):
            try expectLeft(old)
        case .put(let entry):
            try expectParent(of: entry)
            try rules.check(changedLink: entry)
            if entry.type == .symlink, rules.followsLinks { needsAll = true }
        case .replace(let old, let entry):
            // Its parent is that of the old entry, or a change of its own.
            try rules.check(changedLink: entry)
            if entry.type != .directory { try expectLeft(old) }
            if entry.type == .symlink, old.type != .symlink, rules.followsLinks { needsAll = true }
        }
    }

    func finish() throws {
        try rules.finish { path in try ManifestTree.entry(at: path, root: root, source: source)?.type }
    }

    /// A directory that is one no more has nothing below it.
    private func expectLeft(_ old: ManifestEntry) throws {
        guard old.type == .directory else { return }
        let prefix = old.path.bytes + [UInt8(ascii: "/")]
        var child: RelativePath?
        // No path of a set ends with the slash, but all that are below the directory follow it.
        try ManifestTree.forEachEntry(root: root, source: source, from: RelativePath(validated: prefix)) { entry in
            child = entry.path
            return false
        }
        if let child, child.bytes.starts(with: prefix) { throw TreeRuleError.parentIsNoDirectory(child) }
    }

    private mutating func expectParent(of entry: ManifestEntry) throws {
        guard let parent = entry.path.parent, parent != knownDirectory else { return }
        guard try ManifestTree.entry(at: parent, root: root, source: source)?.type == .directory else {
            throw TreeRuleError.parentIsNoDirectory(entry.path)
        }
        knownDirectory = parent
    }
}
