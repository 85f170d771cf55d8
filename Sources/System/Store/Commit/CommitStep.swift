/// One write, or one wait for the disk, on the way of a release from staged blobs to the head.
///
/// `CommitOrder` says in which order they come; docs/formats/store-layout.md what a crash between two of them leaves.
package enum CommitStep: String, CaseIterable, Sendable, CustomStringConvertible {
    // A group of blobs

    /// The names that are about to appear in `blobs` go into the session's journal.
    case noteNames = "note-names"
    /// Staged blobs are renamed to their final names.
    case moveBlobs = "move-blobs"
    /// One syncfs: bytes and names of the group are durable.
    case syncBlobs = "sync-blobs"
    /// One transaction: the rows, which say that the blobs are held.
    case recordBlobs = "record-blobs"
    /// The journal is emptied.
    case forgetNames = "forget-names"
    /// The chunk index is told; durable at the next `syncIndex`, until then the marks say what a start enters again.
    case tellIndex = "tell-index"

    // A release

    /// Inodes for equal bytes with other times or modes, as a group.
    case makeVariants = "make-variants"
    /// Inodes whose times shall change in place are noted, and get a further name that says the new time.
    case noteTimes = "note-times"
    /// Everything that the release names is looked for.
    case proveClosure = "prove-closure"
    /// The chunk index is made durable.
    case syncIndex = "sync-index"
    /// The signed release is written as a file, and durable: what a lost database is made again from.
    case keepRelease = "keep-release"
    /// One transaction: the signed release, and how far the index is durable.
    case holdRelease = "hold-release"
    /// The tree is made under a name that no reader knows.
    case linkTree = "link-tree"
    /// One syncfs: the tree is durable.
    case syncTree = "sync-tree"
    /// The tree gets its final name.
    case nameTree = "name-tree"
    /// The folder with the trees' names is durable.
    case syncTreeName = "sync-tree-name"
    /// Entries of trees that are there are put right, each by a rename.
    case repairTrees = "repair-trees"
    /// One syncfs: the repairs are durable.
    case syncRepairs = "sync-repairs"
    /// One transaction that says the new times, then the inodes' times are changed and their old names go.
    case changeTimes = "change-times"
    /// One syncfs: the times are durable.
    case syncTimes = "sync-times"
    /// The flip: a new link is renamed over the old one.
    case renameLink = "rename-link"
    /// The folder that holds the link is durable.
    case syncLink = "sync-link"
    /// One transaction: the head. The release is acknowledged after it.
    case recordHead = "record-head"
    /// Trees that are not kept any longer are removed.
    case removeTrees = "remove-trees"

    /// The phase that begins with this step; nil if it belongs to the one before.
    package var phase: StorePhase? {
        switch self {
        case .noteNames: .groupRename
        case .syncBlobs: .groupSync
        case .recordBlobs: .groupRecord
        case .makeVariants: .variants
        case .proveClosure: .closure
        case .syncIndex: .holdRelease
        case .linkTree, .repairTrees: .treeLink
        case .syncTree, .syncRepairs: .treeSync
        case .nameTree: .treeRename
        case .changeTimes: .times
        case .renameLink: .flip
        case .syncLink: .flipSync
        case .recordHead: .head
        case .removeTrees: .cleanUp
        case .moveBlobs, .forgetNames, .tellIndex, .keepRelease, .holdRelease, .syncTreeName, .noteTimes,
            .syncTimes:
            nil
        }
    }

    package var description: String { rawValue }
}
