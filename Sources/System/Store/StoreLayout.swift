/// Names on disk (docs/formats/store-layout.md).
enum StoreLayout {
    /// The one line of the file `format`; the number goes up when an older program must not touch the store.
    static let formatLine = "mirrorfleet-store 1"
    static let storeFolder = ".store"
    static let releasesFolder = ".releases"
    static let databaseFile = "store.db"
    /// Ends the name of a tree that is being linked.
    static let partialSuffix = ".partial"
    /// Ends the name of a tree that is being removed.
    static let removingSuffix = ".removing"
    /// Names in a session's folder in `staging` that are not blobs.
    static let journal = "journal"
    static let stagedNodes = "nodes"
    static let stagedLists = "lists"
    static let newLink = "link"

    /// What a fetch may lose to a crash, in bytes: one group is synced when this much was written.
    static let fetchGroupBytes: UInt64 = 256 << 20
    /// The same for a publish, whose source is still there after a crash.
    static let ingestGroupBytes: UInt64 = 256 << 20
    /// Bounds a group of tiny blobs, so that its rows stay a few MiB.
    static let groupBlobs = 16_384
}
