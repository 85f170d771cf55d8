package import Content
package import LinuxIO

/// The newest release of a set that is held completely.
package struct StoreHead: Hashable, Sendable {
    package let sequence: UInt64
    package let root: NodeDigest
    package let release: ReleaseDigest
}

/// What a set's link shows, read back from the link and looked up in the store.
package struct ServedState: Hashable, Sendable {
    package let sequence: UInt64
    package let root: NodeDigest
    package let release: ReleaseDigest
    /// Unix seconds when the tree was last verified as a whole: made from checked blobs, or swept by `verify`; nil if
    /// damage was found since.
    package let verifiedAt: Int64?
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
    package var blobsDone: UInt64 = 0
    package var blobsTotal: UInt64 = 0
    package var bytesDone: UInt64 = 0
    package var bytesTotal: UInt64 = 0
}

/// What a verification found.
package struct VerifyOutcome: Hashable, Sendable {
    /// A path found bad, with its set.
    package struct Finding: Hashable, Sendable {
        package let set: String
        package let bad: BadPath
    }

    package var blobs: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Entries of served trees looked at.
    package var entries: UInt64 = 0
    /// Sorted by set, sequence, path.
    package var findings: [Finding] = []
    /// Blobs moved to quarantine that no kept release names.
    package var unreferencedBadBlobs: [BlobDigest] = []
    /// It was stopped before its end: what was not looked at is not known to be good.
    package var isCancelled = false

    package var isClean: Bool { findings.isEmpty && unreferencedBadBlobs.isEmpty && !isCancelled }
}

/// The space of the store's file system and what the store takes of it.
package struct StoreUsage: Hashable, Sendable {
    package let disk: DiskUsage
    /// Bytes of all blobs, each once, whatever it takes on disk.
    package let storeBytes: UInt64
    package let blobs: UInt64
}

/// What the hooks of a store see; for logs and crash tests.
package struct StoreObserver: Sendable {
    /// Called before each phase begins; `set` is empty for phases of the whole store. Called on any thread.
    package var phase: @Sendable (_ phase: StorePhase, _ set: String) -> Void
    /// Called with a note for the operator's log.
    package var note: @Sendable (_ message: String) -> Void

    package init(
        phase: @escaping @Sendable (StorePhase, String) -> Void = { _, _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.phase = phase
        self.note = note
    }
}
