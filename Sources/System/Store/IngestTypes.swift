package import Content
package import Hashing

/// How a publish brings the bytes of a new file into the store. None of them changes the publisher's file.
package enum IngestMode: String, CaseIterable, Sendable {
    /// Shares the blocks where the file system can, else copies.
    case reflink
    /// Copies.
    case copy
    /// Hard-links the publisher's file itself: no bytes are copied. Only where that file has the served mode and owner;
    /// else it is copied. A source on another file system is refused. Who then writes into the file in place damages the
    /// release (`verify` finds it): replace files by rename.
    case link
}

/// What a content set asks of a publish.
package struct IngestOptions: Hashable, Sendable {
    package typealias Mode = IngestMode

    package var mode: Mode
    package var profile: ChunkProfile
    /// Digests taken beside BLAKE3.
    package var digests: [HashAlgorithm]
    /// Symlinks that leave the set are taken as they are.
    package var allowEscapingLinks: Bool
    /// Everything is read and counted, nothing is stored.
    package var dryRun: Bool
    /// Which served trees stay when this release is committed.
    package var trees: TreePolicy
    /// Entries that a chunk log has at the least when it begins anew.
    package var leastLogSize: UInt64

    package init(
        mode: IngestMode = .reflink, profile: ChunkProfile = .standard, digests: [HashAlgorithm] = [],
        allowEscapingLinks: Bool = false, trees: TreePolicy = TreePolicy(), dryRun: Bool = false,
        leastLogSize: UInt64 = StoreLayout.leastLogSize
    ) {
        self.mode = mode
        self.profile = profile
        self.digests = digests
        self.allowEscapingLinks = allowEscapingLinks
        self.dryRun = dryRun
        self.trees = trees
        self.leastLogSize = leastLogSize
    }
}

/// How far a publish is.
package struct IngestProgress: Hashable, Sendable {
    /// What it does, in a word: `read`, then `manifest`.
    package var phase = "read"
    package var entries: UInt64 = 0
    package var files: UInt64 = 0
    /// Bytes of all files seen.
    package var bytes: UInt64 = 0
    /// Files and bytes that had to be read.
    package var readFiles: UInt64 = 0
    package var readBytes: UInt64 = 0
}

/// What a publish is about to copy because the file system cannot share blocks; told before the first byte is copied.
package struct PlannedCopies: Hashable, Sendable {
    /// Files that are new or changed since the last publish, and have bytes.
    package internal(set) var files: UInt64
    /// Their bytes: the most that is copied. Files whose bytes the store holds already take nothing.
    package internal(set) var bytes: UInt64

    package init(files: UInt64, bytes: UInt64) {
        self.files = files
        self.bytes = bytes
    }
}

/// What the source has and a release does not carry, counted.
package struct DroppedAttributes: Hashable, Sendable {
    /// Files and directories with setuid, setgid or sticky bits.
    package var specialBits = 0
    /// Permissions other than those served: 0644 or 0755 of files, 0755 of directories.
    package var permissions = 0
    package var extendedAttributes = 0
    package var accessControlLists = 0

    package var isEmpty: Bool { self == DroppedAttributes() }
}

/// A tree that was ingested and is not a release yet: what the publisher signs is made of it.
package struct IngestDraft: Hashable, Sendable {
    /// The release that the tree is compared with.
    package struct Previous: Hashable, Sendable {
        package let sequence: UInt64
        package let digest: ReleaseDigest
        /// Nil if its document is not held any more.
        package let manifest: ManifestRoot?
        /// See `ReleaseDocument.removalConfirmedAt`.
        package let removalConfirmedAt: UInt64?
    }

    /// The tree is that of the head: there is nothing to release.
    package let isUnchanged: Bool
    package let root: ManifestRoot
    package let previous: Previous?
    package let changeset: ChangesetReference?
    package let chunkProfile: ChunkProfile
    package let chunkLog: ChunkLogHead
    /// Chunks that no earlier release of the set has, and their bytes.
    package let newChunks: UInt64
    package let newBytes: UInt64
    package let files: UInt64
    package let bytes: UInt64
    /// Bytes of the files that have the same bytes and mode as in the head, and another time; 0 in a dry run.
    package let retouchedBytes: UInt64
    /// Files of the head that are gone; nil where that is not known, as in a dry run.
    package let removed: RemovedContent?
    /// Files that had to be read, the others were known by their times.
    package let readFiles: UInt64
    /// Bytes that were copied into the store (in a dry run: that would be), because they could be neither shared nor
    /// linked.
    package let copiedBytes: UInt64
    package let dropped: DroppedAttributes
    /// Modification time of the top of the source, in Unix seconds.
    package let topModified: Int64
    /// For the operator, in sentences.
    package let warnings: [String]
}

/// A draft, and what its session needs to make it the head.
struct MadeDraft {
    let draft: IngestDraft
    /// The set's chunk log, with what the draft adds.
    let log: ChunkLog
    /// What differs from the head, as far as it is known.
    let changes: KnownChanges
}
