/// Names on disk (docs/formats/store-layout.md).
package enum StoreLayout {
    /// The one line of the file `format`; the number goes up when an older program must not touch the store.
    static let formatLine = "mirrorfleet-store 1"
    static let storeFolder = ".store"
    static let releasesFolder = ".releases"
    /// The folder in `.store` with the documents of releases.
    static let releasesOfStore = "releases"
    /// The folder in `data` with the folders whose places adopted sets took.
    static let adoptedFolder = ".adopted"
    static let databaseFile = "store.db"
    /// The database while it is made again.
    static let newDatabaseFile = "store.db.rebuild"
    static let indexFolder = "index"
    /// Ends the name of a tree that is being linked.
    static let partialSuffix = ".partial"
    /// Ends the name of a tree that is being removed.
    static let removingSuffix = ".removing"
    /// Ends the name that a start gives to what a killed process was making or removing; no session uses it.
    static let leftoverSuffix = ".left.removing"
    /// Ends the name of a whole tree that was made ahead, to be edited into the next release's.
    static let spareSuffix = ".spare"
    /// Names in a session's folder in `staging` that are not blobs.
    static let journal = "journal"
    static let stagedNodes = "nodes"
    static let stagedLists = "lists"
    static let newLink = "link"

    /// What a fetch may lose to a crash, in bytes: one group is synced when this much was written.
    static let fetchGroupBytes: UInt64 = 64 << 20
    /// The same for a publish, whose source is still there after a crash.
    static let ingestGroupBytes: UInt64 = 256 << 20
    /// Bounds a group of tiny blobs, so that its rows stay a few MiB.
    static let groupBlobs = 16_384
    /// A chunk log that is shorter never begins anew: it is 2.4 MB, which a mirror fetches once.
    package static let leastLogSize: UInt64 = 65_536
    /// Blobs that a fetch plans at once: some 40 MiB, whatever the size of the release.
    package static let fetchWindowBlobs = 65_536

    /// Whether a name in a set's folder of trees is of one that was being made or removed.
    static func isUnfinished(_ name: [UInt8]) -> Bool {
        name.ends(with: partialSuffix.utf8) || name.ends(with: removingSuffix.utf8)
    }

    /// The sequence of the release that a spare shows, by the spare's name; nil if it is no such name.
    static func spare(_ name: String) -> UInt64? {
        guard name.hasSuffix(spareSuffix), let sequence = UInt64(name.dropLast(spareSuffix.utf8.count)),
            name == "\(sequence)\(spareSuffix)"
        else { return nil }
        return sequence
    }
}

extension [UInt8] {
    func ends(with suffix: String.UTF8View) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}
