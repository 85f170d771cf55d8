/// What differs between two trees, kept by the one who found it first: what is done with a new release asks for it again
/// and again. Beyond a limit nothing is kept, and the trees are read again.
package struct KnownChanges: Sendable {
    /// An entry takes some hundred bytes: these are a few MB.
    package static let limit = 16_384

    private let from: NodeDigest
    private let to: NodeDigest
    private let found: FoundChanges

    init(from: NodeDigest, to: NodeDigest, _ found: FoundChanges) {
        self.from = from
        self.to = to
        self.found = found
    }

    /// Knows only that a tree does not differ from itself.
    package init() {
        self.init(from: ManifestTree.emptyRoot.digest, to: ManifestTree.emptyRoot.digest, FoundChanges())
    }

    /// All changes from `a` to `b`, in order; nil if they are not known.
    func changes(_ a: NodeDigest, _ b: NodeDigest) -> [TreeDiff.Change]? {
        from == a && to == b ? found.lists?.changes : nil
    }

    /// The nodes that the tree below `b` has and the one below `a` has not, and maybe some that both have; nil if they
    /// are not known.
    func newNodes(_ a: NodeDigest, _ b: NodeDigest) -> [NodeDigest]? {
        from == a && to == b ? found.lists?.newNodes : nil
    }
}

/// Takes what differs between two trees, in order, until it is too much to be kept.
struct FoundChanges: Sendable {
    /// Nil once it was too much.
    private(set) var lists: (changes: [TreeDiff.Change], newNodes: [NodeDigest])? = ([], [])

    mutating func take(_ change: TreeDiff.Change) {
        if lists?.changes.count == KnownChanges.limit { lists = nil }
        lists?.changes.append(change)
    }

    /// Takes nodes of the new tree: all that the old one has not, and maybe some that it has.
    mutating func take(newNodes: [NodeDigest]) { lists?.newNodes += newNodes }

    /// Takes what became of an entry when a tree was edited: nil is none.
    mutating func take(old: ManifestEntry?, new: ManifestEntry?) {
        switch (old, new) {
        case (nil, nil): break
        case (nil, let new?): take(.put(new))
        case (let old?, nil): take(.remove(old))
        case (let old?, let new?): if old != new { take(.replace(old: old, new: new)) }
        }
    }

    /// Takes the changes that another has taken, after all of one's own.
    mutating func take(_ other: FoundChanges) {
        guard let taken = other.lists else { return giveUp() }
        for change in taken.changes { take(change) }
        take(newNodes: taken.newNodes)
    }

    /// Keeps nothing any more.
    mutating func giveUp() { lists = nil }
}
