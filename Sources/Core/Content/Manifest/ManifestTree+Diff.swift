extension ManifestTree {
    /// Calls `body` with the edits that turn the tree below `a` into the one below `b`, in strictly ascending order of
    /// paths. Subtrees that are equal are not read, and nothing is if `known` has the answer.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func diff(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource,
        _ body: (ManifestEdit) throws -> Void
    ) throws {
        try forEachChange(a, b, known: known, source: source) { change in
            switch change {
            case .remove(let entry): try body(.remove(entry.path))
            case .put(let entry), .replace(_, let entry): try body(.put(entry))
            }
        }
    }

    /// The same as `diff`, with the entries that go.
    static func forEachChange(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource,
        _ body: (TreeDiff.Change) throws -> Void
    ) throws {
        guard a != b else { return }
        if let changes = known.changes(a, b) { return try changes.forEach(body) }
        try withoutActuallyEscaping(source) { source in
            let reader = NodeReader(source: source)
            var diff = try TreeDiff(old: a, reader, new: b, reader, comparesPlaces: false)
            try diff.run(body)
        }
    }

    /// The same as `diff`, for who wants to know also that the tree below `b` is all there if the one below `a` is: each
    /// node that only `b` has is read and compared with its digest.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   closures throw.
    package static func diffReadingNodes(
        _ a: NodeDigest, _ b: NodeDigest, known: KnownChanges = KnownChanges(), source: NodeSource,
        _ body: (ManifestEdit) throws -> Void
    ) throws {
        for node in known.newNodes(a, b) ?? [] where node != emptyRoot.digest {
            guard let bytes = try source(node) else { throw ManifestError.missingNode(node) }
            guard ManifestNode.digest(of: bytes) == node else { throw ManifestError.wrongDigest(expected: node) }
        }
        // Without known nodes there are no known changes either, and those of `b` are read now.
        try diff(a, b, known: known, source: source, body)
    }

    /// What turns the tree below `a` into the one below `b`, for all who will ask for it. Reading ends where it is too
    /// much to be kept.
    /// - Throws: `ManifestError` for a node that is missing or not what its digest and the rules say; and what the
    ///   source throws.
    package static func changes(_ a: NodeDigest, _ b: NodeDigest, source: NodeSource) throws -> KnownChanges {
        struct TooMany: Error {}
        var found = FoundChanges()
        guard a != b else { return KnownChanges(from: a, to: b, found) }
        do {
            try withoutActuallyEscaping(source) { source in
                let reader = NodeReader(source: source)
                var diff = try TreeDiff(old: a, reader, new: b, reader, comparesPlaces: false)
                try diff.run { change in
                    found.take(change)
                    if found.lists == nil { throw TooMany() }
                }
                found.take(newNodes: diff.newNodes)
            }
        } catch is TooMany {}
        return KnownChanges(from: a, to: b, found)
    }
}

extension ManifestTree {
    /// The first path at which two trees differ; nil if they do not. Throws what the source throws for a node that it
    /// does not have, too: only the nodes on the way to that path are asked for.
    package static func firstDifference(
        _ a: NodeDigest, _ b: NodeDigest, source: NodeSource
    ) throws -> RelativePath? {
        struct Found: Error {
            let path: RelativePath
        }
        do {
            try diff(a, b, source: source) { throw Found(path: $0.path) }
            return nil
        } catch let found as Found {
            return found.path
        }
    }
}

/// Two trees read side by side; what is equal in both is not read.
struct TreeDiff {
    /// A difference between the trees.
    enum Change {
        case remove(ManifestEntry)
        case put(ManifestEntry)
        case replace(old: ManifestEntry, new: ManifestEntry)
    }

    private var old: DiffCursor
    private var new: DiffCursor
    private let comparesPlaces: Bool

    /// `comparesPlaces`: a subtree is equal only if all that its parents say of it is equal, too. Then every node of the
    /// new tree is read that the old one has not, or has in another place.
    init(
        old: NodeDigest, _ oldReader: NodeReader, new: NodeDigest, _ newReader: NodeReader, comparesPlaces: Bool
    ) throws {
        self.old = try DiffCursor(root: old, reader: oldReader)
        self.new = try DiffCursor(root: new, reader: newReader)
        self.comparesPlaces = comparesPlaces
    }

    /// The nodes of the new tree that were read: all that the old one has not, and maybe some that it has.
    var newNodes: [NodeDigest] { new.entered }

    /// Calls `body` with every change, in strictly ascending order of paths.
    mutating func run(_ body: (Change) throws -> Void) throws {
        while let step = DiffStep.next(old, new, comparesPlaces: comparesPlaces) {
            switch step {
            case .skipBoth:
                old.advance()
                new.advance()
            case .enter(let side):
                if side != .new { try old.enter() }
                if side != .old { try new.enter() }
            case .change(let change):
                try body(change)
                if case .put = change {} else { old.advance() }
                if case .remove = change {} else { new.advance() }
            }
        }
    }
}

/// What to do next when two trees are read side by side.
private enum DiffStep {
    enum Side {
        case old, new, both
    }

    /// Both sides stand at the same subtree or entry.
    case skipBoth
    /// What a side stands at overlaps with the other: look into it.
    case enter(Side)
    case change(TreeDiff.Change)

    static func next(_ old: DiffCursor, _ new: DiffCursor, comparesPlaces: Bool) -> DiffStep? {
        switch (old.current, new.current) {
        case (nil, nil): nil
        case (.entry(let entry), nil): .change(.remove(entry))
        case (nil, .entry(let entry)): .change(.put(entry))
        case (.subtree, nil): .enter(.old)
        case (nil, .subtree): .enter(.new)
        case (.entry(let a), .entry(let b)):
            if a.path < b.path {
                .change(.remove(a))
            } else if b.path < a.path {
                .change(.put(b))
            } else {
                a == b ? .skipBoth : .change(.replace(old: a, new: b))
            }
        case (.subtree(let a, let levelA), .subtree(let b, let levelB)):
            if a.digest == b.digest {
                !comparesPlaces || old.expectation == new.expectation ? .skipBoth : .enter(.both)
            } else if !old.canFollow(b.lastKey) {
                // The old side is past all of it: everything in it is new.
                .enter(.new)
            } else if !new.canFollow(a.lastKey) {
                .enter(.old)
            } else {
                levelA > levelB ? .enter(.old) : levelA < levelB ? .enter(.new) : .enter(.both)
            }
        case (.subtree, .entry(let b)):
            // All of the subtree is above what the old side has passed; an entry not above that is new.
            old.canFollow(b.path) ? .enter(.old) : .change(.put(b))
        case (.entry(let a), .subtree):
            new.canFollow(a.path) ? .enter(.new) : .change(.remove(a))
        }
    }
}

/// Reads one tree for a diff: stands at a subtree, which it can enter or skip, or at an entry.
private struct DiffCursor {
    enum Current {
        case subtree(ChildReference, level: Int)
        case entry(ManifestEntry)
    }

    private struct Frame {
        let node: ManifestNode
        let expectations: [NodeExpectation]
        var position: Int
    }

    private let reader: NodeReader
    private var frames: [Frame] = []
    /// The last path that was passed.
    private var passed: RelativePath?
    /// The nodes that were read.
    private(set) var entered: [NodeDigest] = []

    init(root: NodeDigest, reader: NodeReader) throws {
        self.reader = reader
        try push(root, .root)
    }

    /// Where the cursor stands; nil at the end.
    var current: Current? {
        guard let frame = frames.last else { return nil }
        switch frame.node {
        case .leaf(let entries): return .entry(entries[frame.position])
        case .index(let level, let children): return .subtree(children[frame.position], level: level - 1)
        }
    }

    /// What the parents say of the subtree where the cursor stands; nil at an entry.
    var expectation: NodeExpectation? {
        guard let frame = frames.last, frame.position < frame.expectations.count else { return nil }
        return frame.expectations[frame.position]
    }

    /// Whether `key` may be among what is still to come: it is above everything that was passed.
    func canFollow(_ key: RelativePath) -> Bool {
        guard let passed else { return true }
        return passed < key
    }

    /// Goes from a subtree to its first item.
    mutating func enter() throws {
        guard let frame = frames.last, case .index(_, let children) = frame.node else { return }
        try push(children[frame.position].digest, frame.expectations[frame.position])
    }

    /// Goes past the subtree or entry.
    mutating func advance() {
        switch current {
        case .subtree(let child, _): passed = child.lastKey
        case .entry(let entry): passed = entry.path
        case nil: return
        }
        while !frames.isEmpty {
            frames[frames.count - 1].position += 1
            if frames[frames.count - 1].position < frames[frames.count - 1].node.itemCount { return }
            frames.removeLast()
        }
    }

    private mutating func push(_ digest: NodeDigest, _ expectation: NodeExpectation) throws {
        let node = try reader.node(digest, expectation)
        entered.append(digest)
        guard node.itemCount > 0 else { return }
        var expectations: [NodeExpectation] = []
        if case .index(let level, let children) = node {
            expectations = expectation.ofChildren(children, level: level)
        }
        frames.append(Frame(node: node, expectations: expectations, position: 0))
    }
}
