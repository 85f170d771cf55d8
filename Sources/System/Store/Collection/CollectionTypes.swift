/// How a collection goes about its work.
package struct CollectionOptions: Hashable, Sendable {
    /// Nothing is removed; what would be is counted.
    package var dryRun: Bool
    /// Releases that are neither served nor have a tree go too, however many are to be kept: the disk is full.
    package var keepsOnlyServed: Bool
    /// Files in `blobs` that no row names are looked for as well, which reads every name there.
    package var findsLitter: Bool
    /// After each batch it rests for as long as the batch took, so that syncs and readers hardly notice.
    package var isGentle: Bool
    /// How long it waits, in all, for sessions that are deciding what they need.
    package var patience: Duration

    package init(
        dryRun: Bool = false, keepsOnlyServed: Bool = false, findsLitter: Bool = false, isGentle: Bool = false,
        patience: Duration = .seconds(30)
    ) {
        self.dryRun = dryRun
        self.keepsOnlyServed = keepsOnlyServed
        self.findsLitter = findsLitter
        self.isGentle = isGentle
        self.patience = patience
    }
}

/// What a collection removed, or would remove.
package struct CollectionOutcome: Hashable, Sendable {
    /// Releases whose content is not kept any longer.
    package var releases: UInt64 = 0
    /// Blobs that nothing names any more.
    package var blobs: UInt64 = 0
    /// Files of those, and of times and modes that nothing shows any more.
    package var files: UInt64 = 0
    /// Bytes of the files that had no other name: what the disk has back.
    package var bytes: UInt64 = 0
    package var nodes: UInt64 = 0
    package var chunkLists: UInt64 = 0
    package var changesets: UInt64 = 0
    /// Files that no row named: what a crash had left.
    package var litterFiles: UInt64 = 0
    /// Their bytes.
    package var litterBytes: UInt64 = 0
    /// Everything was looked at. If not, sessions took too long to say what they need, or kept coming and going: what
    /// is left is for the next collection.
    package var isComplete = false
    /// Sets whose sessions it waited for in vain, ascending.
    package var waitedFor: [String] = []
}
