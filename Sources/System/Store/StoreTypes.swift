package import Content
package import FleetModel

/// The newest release of a set that is held completely.
package struct StoreHead: Hashable, Sendable {
    package let sequence: UInt64
    package let root: NodeDigest
    package let releaseDigest: ReleaseDigest
}

/// What a set's link shows, read back from the link and looked up in the store.
package struct ServedState: Hashable, Sendable {
    package let sequence: UInt64
    package let root: NodeDigest
    package let release: ReleaseDigest
    /// Unix seconds when the tree was last verified as a whole: made from checked blobs, or swept by `verify`; nil if
    /// damage was found since.
    package let verifiedAt: Int64?
    /// What had its time changed in place by the flip that this is the outcome of; nil: nothing had, or this was only
    /// read back.
    package internal(set) var retimed: RetimedFiles?
}

/// A path of a set that its store cannot serve rightly at the moment.
package struct BadPath: Hashable, Sendable {
    package let path: RelativePath
    /// The release whose tree it is in.
    package let sequence: UInt64
    /// The blob it should show; nil for a directory or symlink.
    package let blob: BlobDigest?
    /// What was found, in words.
    package let reason: String
    /// The size of the entry.
    package let bytes: UInt64
    /// Unix seconds.
    package let foundAt: Int64
}

/// How deep a verification looks.
package enum VerifyMode: String, Sendable {
    /// Every blob is hashed again.
    case full
    /// Only names, sizes, times and modes are looked at.
    case quick
}

/// How far a verification is.
package struct VerifyProgress: Hashable, Sendable {
    /// Inodes of blobs looked at.
    package var files: UInt64 = 0
    package var totalFiles: UInt64 = 0
    package var bytes: UInt64 = 0
    package var totalBytes: UInt64 = 0
}

/// What a verification found.
package struct VerifyOutcome: Hashable, Sendable {
    /// A path found bad; once for each set and path, in the newest release that has it.
    package struct Finding: Hashable, Sendable {
        package let set: String
        package let path: RelativePath
        package let sequence: UInt64
        package let blob: BlobDigest?
        package let reason: String
        package let bytes: UInt64
    }

    /// Inodes of blobs looked at, and their bytes.
    package var files: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Entries of served trees looked at.
    package var entries: UInt64 = 0
    /// Sorted by set and path.
    package var bad: [Finding] = []
    /// Blobs moved to quarantine that no kept release shows.
    package var unreferencedBadBlobs: [BlobDigest] = []
    /// It was stopped before its end: what was not looked at is not known to be good.
    package var isCancelled = false

    package var isClean: Bool { bad.isEmpty && unreferencedBadBlobs.isEmpty && !isCancelled }
}

/// The space of the store's file system and what the store takes of it.
package struct StoreUsage: Hashable, Sendable {
    package let totalBytes: UInt64
    /// Free for this program: without what is reserved for root.
    package let freeBytes: UInt64
    package let freeInodes: UInt64
    /// Bytes of all blobs, each once, whatever it takes on disk.
    package let storeBytes: UInt64
    package let blobs: UInt64
}
