/// What differs between two trees, kept by the one who read it first: what is done with a new release asks for it again
/// and again. Beyond a limit nothing is kept, and the trees are read again.
package struct KnownChanges: Sendable {
    /// An entry takes some hundred bytes: these are a few MB.
    package static let limit = 16_384

    private let from: NodeDigest
    private let to: NodeDigest
    private var changes: [TreeDiff.Change]? = []

    /// Nothing is known to differ between these trees yet: every change is to be given to `take`.
    init(from: NodeDigest, to: NodeDigest) {
        self.from = from
        self.to = to
    }

    /// Knows only that a tree does not differ from itself.
    package init() { self.init(from: ManifestTree.emptyRoot.digest, to: ManifestTree.emptyRoot.digest) }

    mutating func take(_ change: TreeDiff.Change) {
        if changes?.count == Self.limit { changes = nil }
        changes?.append(change)
    }

    /// All changes from `a` to `b`, in order; nil if they are not known.
    func changes(_ a: NodeDigest, _ b: NodeDigest) -> [TreeDiff.Change]? {
        from == a && to == b ? changes : nil
    }
}
