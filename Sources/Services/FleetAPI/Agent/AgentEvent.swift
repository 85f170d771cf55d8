package import FleetModel

/// One answer of an agent to an ``AgentCommand``; fields that its kind does not use are absent.
package struct AgentEvent: Codable, Equatable, Sendable {
    /// What the event says.
    package enum Kind: String, Codable, Sendable {
        /// How far the work is.
        case progress
        /// Publish: something that the operator should know before the work goes on, see `warning`.
        case warning
        /// Publish and rollback: the release document, to be signed, or with `dryRun` only the figures.
        case draft
        /// Publish: the tree is what the head says already; no release was made.
        case unchanged
        /// Verify: one bad path.
        case bad
        /// Proof, releases, entries, diff: a part of the answer.
        case item
        /// The last event: all went well.
        case done
        /// The last event: it did not, see `failure`.
        case failed
    }

    package var kind: Kind
    package var progress: CommandProgress?
    /// A sentence for the operator.
    package var warning: String?
    package var draft: ReleaseDraft?
    package var bad: BadPathEvent?
    package var item: CommandItem?
    package var failure: CommandFailure?
    package var summary: CommandSummary?
    /// Collect: what was dropped.
    package var collected: CollectedSummary?
    /// Adopt: what was taken.
    package var adopted: AdoptedSummary?
    /// Publish and rollback, at the end: what had its time changed in place; nil: nothing had.
    package var retimed: RetimedFiles?
    /// Publish and rollback, at the end: the encoded `RepositoryDocuments` that sign the release.
    package var metadata: Base64Bytes?
    /// Pardon, at the end: whether something was known of the mirror.
    package var isNews: Bool?

    package init(_ kind: Kind) {
        self.kind = kind
    }

    /// The last event of work that failed with `failure`.
    package static func failed(_ failure: CommandFailure) -> AgentEvent {
        var event = AgentEvent(.failed)
        event.failure = failure
        return event
    }
}

/// How far a publish or verify is.
package struct CommandProgress: Codable, Equatable, Sendable {
    package var phase: String
    package var files: UInt64
    package var bytes: UInt64
    package var totalBytes: UInt64?

    package init(phase: String, files: UInt64, bytes: UInt64, totalBytes: UInt64? = nil) {
        self.phase = phase
        self.files = files
        self.bytes = bytes
        self.totalBytes = totalBytes
    }
}

/// What a publish would make: the figures to show, and the exact bytes to sign.
package struct ReleaseDraft: Codable, Equatable, Sendable {
    /// The encoded release document; absent in a dry run.
    package var document: Base64Bytes?
    /// With a document, the encoded `RepositoryDocuments` that the host has: what the next role of the set follows.
    package var metadata: Base64Bytes?
    package var sequence: UInt64
    package var root: String
    package var files: UInt64
    package var entries: UInt64
    package var bytes: UInt64
    package var newChunks: UInt64
    package var newBytes: UInt64
    package var copiedBytes: UInt64
    /// Files that are gone since the head, and their bytes; absent where that is not known.
    package var removedFiles: UInt64?
    package var removedBytes: UInt64?
    package var warnings: [String]

    package init(
        document: Base64Bytes?, sequence: UInt64, root: String, files: UInt64, entries: UInt64, bytes: UInt64,
        newChunks: UInt64, newBytes: UInt64, copiedBytes: UInt64, warnings: [String]
    ) {
        self.document = document
        self.sequence = sequence
        self.root = root
        self.files = files
        self.entries = entries
        self.bytes = bytes
        self.newChunks = newChunks
        self.newBytes = newBytes
        self.copiedBytes = copiedBytes
        self.warnings = warnings
    }
}

/// A path found bad by verify.
package struct BadPathEvent: Codable, Equatable, Sendable {
    package var set: String
    package var path: String
    package var blob: String
    package var reason: String

    package init(set: String, path: String, blob: String, reason: String) {
        self.set = set
        self.path = path
        self.blob = blob
        self.reason = reason
    }
}

/// A part of the answer to a question about releases.
package struct CommandItem: Codable, Equatable, Sendable {
    /// Proof: the encoded ``PortableProof``; releases: the release document; metadata: encoded `RepositoryDocuments`.
    package var bytes: Base64Bytes?
    package var set: String?
    package var sequence: UInt64?
    /// Releases: whether this release is the one being served.
    package var isServed: Bool?
    /// Metadata of a set: the encoded `YankList` that is in force.
    package var yanked: Base64Bytes?
    /// Entries and diff: one line for people per entry.
    package var lines: [EntryLine]?

    package init() {}
}

/// One entry of a manifest, or one edit between two, for people to read.
package struct EntryLine: Codable, Equatable, Sendable {
    /// `+` added, `-` removed, `*` changed, absent in a plain list.
    package var change: String?
    /// `file`, `directory` or `symlink`.
    package var type: String?
    /// The path, escaped for terminals.
    package var path: String
    package var size: UInt64?
    package var modified: Int64?
    package var isExecutable: Bool?
    package var blob: String?
    package var linkTarget: String?

    package init(path: String) {
        self.path = path
    }
}

/// The closing figures of a publish or a verify.
package struct CommandSummary: Codable, Equatable, Sendable {
    package var files: UInt64
    package var bytes: UInt64
    package var bad: UInt64
    package var seconds: Double

    package init(files: UInt64, bytes: UInt64, bad: UInt64, seconds: Double) {
        self.files = files
        self.bytes = bytes
        self.bad = bad
        self.seconds = seconds
    }
}

/// What a collection dropped, or would drop.
package struct CollectedSummary: Codable, Equatable, Sendable {
    /// Releases whose content is not kept any longer.
    package var releases: UInt64
    package var blobs: UInt64
    package var files: UInt64
    /// Bytes that the disk has back.
    package var bytes: UInt64
    /// Everything was looked at; if not, the rest is for the next collection.
    package var isComplete: Bool
    /// Sets whose syncs or publishes were in the way, ascending.
    package var waitedFor: [String]
    package var seconds: Double

    package init(
        releases: UInt64, blobs: UInt64, files: UInt64, bytes: UInt64, isComplete: Bool, waitedFor: [String],
        seconds: Double
    ) {
        self.releases = releases
        self.blobs = blobs
        self.files = files
        self.bytes = bytes
        self.isComplete = isComplete
        self.waitedFor = waitedFor
        self.seconds = seconds
    }
}

/// What an adoption took, and what it left; counts of files but where bytes are said.
package struct AdoptedSummary: Codable, Equatable, Sendable {
    package var files: UInt64
    package var bytes: UInt64
    package var linkedFiles: UInt64
    package var linkedBytes: UInt64
    /// Equal to a file that is held.
    package var heldFiles: UInt64
    /// Adopted by an earlier run; they count among the two above.
    package var knownFiles: UInt64
    package var otherOwner: UInt64
    package var otherMode: UInt64
    package var extended: UInt64
    package var otherFileSystem: UInt64
    package var changed: UInt64
    package var unusable: UInt64
    /// The path that the old folder gets by the first flip; nil: it stays where it is.
    package var keptAs: String?
    package var seconds: Double

    package init(
        files: UInt64, bytes: UInt64, linkedFiles: UInt64, linkedBytes: UInt64, heldFiles: UInt64, knownFiles: UInt64,
        otherOwner: UInt64, otherMode: UInt64, extended: UInt64, otherFileSystem: UInt64, changed: UInt64,
        unusable: UInt64, keptAs: String?, seconds: Double
    ) {
        self.files = files
        self.bytes = bytes
        self.linkedFiles = linkedFiles
        self.linkedBytes = linkedBytes
        self.heldFiles = heldFiles
        self.knownFiles = knownFiles
        self.otherOwner = otherOwner
        self.otherMode = otherMode
        self.extended = extended
        self.otherFileSystem = otherFileSystem
        self.changed = changed
        self.unusable = unusable
        self.keptAs = keptAs
        self.seconds = seconds
    }
}

/// Why a command failed, and what to do.
package struct CommandFailure: Codable, Equatable, Sendable, Error {
    /// What the exit code of `fleetctl` is made from.
    package enum Code: String, Codable, Sendable {
        /// It failed.
        case failed
        /// Something else runs, or is not reachable: try again later.
        case busy
        /// A rule forbids it.
        case refused
        /// What was asked for is not there.
        case notFound
    }

    package var code: Code
    package var message: String
    package var hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// The operator's answer to a draft, on the same stream.
package struct DraftSignature: Codable, Equatable, Sendable {
    /// Encoded `RepositoryDocuments` with the role of the set that names the document of the draft; absent: give the
    /// draft up.
    package var metadata: Base64Bytes?

    package init(metadata: Base64Bytes?) {
        self.metadata = metadata
    }
}
