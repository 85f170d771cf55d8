/// A named point in the durable order of writes (docs/formats/store-layout.md), reported before it begins.
///
/// Crash tests log these names, so that it is known which phases a kill has hit.
package enum StorePhase: String, CaseIterable, Sendable, CustomStringConvertible {
    /// The store is opened: its lock taken, what a crash left is put right.
    case recover
    /// A publish walks and reads the source tree.
    case ingestScan = "ingest-scan"
    /// A publish builds the manifest tree, the changeset and the chunk log.
    case ingestManifest = "ingest-manifest"
    /// A fetch gathers manifest nodes and chunk lists.
    case fetchManifest = "fetch-manifest"
    /// A fetch looks for chunks that the store holds already, also in staged parts.
    case fetchPrepare = "fetch-prepare"
    /// A fetch receives chunks.
    case fetchChunks = "fetch-chunks"
    /// Finished blobs are moved from staging to their final names.
    case groupRename = "group-rename"
    /// One syncfs for the group.
    case groupSync = "group-sync"
    /// The group's rows are committed, then the chunk index is told.
    case groupRecord = "group-record"
    /// Inodes for equal bytes with other attributes are made.
    case variants
    /// Everything that the release names is looked for.
    case closure
    /// The signed release is recorded as held.
    case holdRelease = "hold-release"
    /// The new served tree is linked.
    case treeLink = "tree-link"
    /// The new served tree is made durable.
    case treeSync = "tree-sync"
    /// The new served tree gets its final name.
    case treeRename = "tree-rename"
    /// Times of inodes that both the old and the new tree show are changed in place.
    case times
    /// The new link is renamed over the old one.
    case flip
    /// The folder that holds the link is made durable.
    case flipSync = "flip-sync"
    /// The head is recorded: the last write of a publish or a sync.
    case head
    /// Trees of old releases and staging are removed.
    case cleanUp = "clean-up"
    /// A bad blob is taken out of service.
    case quarantine
    /// A collection marks what is needed.
    case collectMark = "collect-mark"
    /// A collection removes what is not: rows first, then files.
    case collectSweep = "collect-sweep"
    /// A collection removes files whose rows are gone.
    case collectFiles = "collect-files"

    package var description: String { rawValue }
}
