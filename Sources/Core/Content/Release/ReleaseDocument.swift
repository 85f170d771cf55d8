/// The edits that lead from the previous release to this one, named by a release document.
package struct ChangesetReference: Hashable, Sendable {
    /// The digest of the encoded changeset.
    package let digest: ChangesetDigest
    /// Its length in bytes: what fetching it costs.
    package let byteCount: UInt64

    /// A reference as given; the document checks it.
    package init(digest: ChangesetDigest, byteCount: UInt64) {
        self.digest = digest
        self.byteCount = byteCount
    }
}

/// Something that a later version of this program adds to a release document.
package struct ReleaseExtension: Hashable, Sendable {
    /// Which extension; ids are given out in docs/formats/release-document.md.
    package let id: UInt32
    /// Whether a program that does not know the id must refuse the document.
    package let isCritical: Bool
    /// What the extension says, in a form of its own.
    package let bytes: [UInt8]

    /// An extension as given; the document checks limits and order.
    package init(id: UInt32, isCritical: Bool, bytes: [UInt8]) {
        self.id = id
        self.isCritical = isCritical
        self.bytes = bytes
    }
}

/// What comes before a release: nothing, a release, or a history that was given up on purpose.
package enum ReleasePredecessor: Hashable, Sendable {
    /// This is the first release, with sequence 1.
    case first
    /// The digest of the release document of the previous sequence that was published.
    case release(ReleaseDigest)
    /// The publisher started anew above an earlier history that is lost: sequence 2 or more, and no previous release.
    case newStart
}

/// What one release of a content set is: the bytes that a publisher signs. Immutable, and always within its limits.
///
/// docs/formats/release-document.md states the form, which is final: what comes later comes as extensions or around
/// these bytes. Two documents are equal if their bytes are.
package struct ReleaseDocument: Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt16 = 1
    /// The most bytes of an encoded document, 64 KiB: what is read from anyone before a signature is checked.
    package static let maximumByteCount = 64 << 10
    /// The most bytes of a note, 4 KiB: a page of text in a status, not an archive.
    package static let maximumNoteByteCount = 4 << 10
    /// The most extensions of one document.
    package static let maximumExtensionCount = 64
    /// The most bytes of one extension, 16 KiB.
    package static let maximumExtensionByteCount = 16 << 10
    /// The last second of the year 9999, so that every time can be written with four digits of year.
    package static let maximumTime: Int64 = 253_402_300_799

    /// The fleet that the release is for.
    package let fleet: String
    /// The content set that it is a release of.
    package let set: String
    /// Its number, from 1 upwards.
    package let sequence: UInt64
    /// When it was published, by the publisher's clock, in seconds since 1970. For display only.
    package let publishedAt: Int64
    /// The root of the manifest and its figures.
    package let manifest: ManifestRoot
    /// What came before.
    package let predecessor: ReleasePredecessor
    /// The edits from the previous release; nil if the publisher made none.
    package let changeset: ChangesetReference?
    /// The identifier of the chunk profile that the set's blobs were cut with. Readers need not know it.
    package let chunkProfile: UInt8
    /// The set's chunk log as of this release.
    package let chunkLog: ChunkLogHead
    /// How many removed entries the publisher has confirmed against the deletion guard; 0 if none.
    package let confirmedDeletions: UInt64
    /// What the publisher says about the release; may hold any UTF-8: escape it before a terminal sees it.
    package let note: String
    /// Extensions in ascending order of their ids, those this program does not know included.
    package let extensions: [ReleaseExtension]

    /// The digest of the previous release's document, if there is one.
    package var previous: ReleaseDigest? {
        if case .release(let digest) = predecessor { digest } else { nil }
    }

    /// Checks every limit. Throws ``ReleaseDocumentError``.
    package init(
        fleet: String, set: String, sequence: UInt64, publishedAt: Int64, manifest: ManifestRoot,
        predecessor: ReleasePredecessor, changeset: ChangesetReference?, chunkProfile: UInt8, chunkLog: ChunkLogHead,
        confirmedDeletions: UInt64 = 0, note: String = "", extensions: [ReleaseExtension] = []
    ) throws(ReleaseDocumentError) {
        self.fleet = fleet
        self.set = set
        self.sequence = sequence
        self.publishedAt = publishedAt
        self.manifest = manifest
        self.predecessor = predecessor
        self.changeset = changeset
        self.chunkProfile = chunkProfile
        self.chunkLog = chunkLog
        self.confirmedDeletions = confirmedDeletions
        self.note = note
        self.extensions = extensions
        try checkLimits()
        try checkExtensions()
        let count = encode().count
        guard count <= Self.maximumByteCount else { throw .tooLarge(count) }
    }

    /// Whether a mirror that holds `earlier` may take this document as the one that follows it, as far as both alone
    /// tell: same fleet and set, higher sequence, a chunk log that was not rewritten; and, if the sequences are
    /// neighbours, the digest of `earlier` as the previous one (or a new start).
    package func canFollow(_ earlier: ReleaseDocument) -> Bool {
        guard fleet == earlier.fleet, set == earlier.set, sequence > earlier.sequence else { return false }
        if predecessor == .newStart { return true }
        if sequence - earlier.sequence == 1 {
            return previous == earlier.digest && chunkLog.canFollow(earlier.chunkLog)
        }
        return chunkLog.epoch > earlier.chunkLog.epoch || chunkLog.canFollow(earlier.chunkLog)
    }

    private func checkLimits() throws(ReleaseDocumentError) {
        for name in [fleet, set] where !PlainName.accepts(name) {
            throw .badName(Array(name.utf8))
        }
        guard sequence >= 1 else { throw .sequenceZero }
        guard publishedAt >= 0, publishedAt <= Self.maximumTime else { throw .badTime(publishedAt) }
        guard manifest.height >= 1, manifest.height <= ManifestLimits.height else {
            throw .badManifest("height \(manifest.height), not 1 to \(ManifestLimits.height)")
        }
        guard manifest.entries <= ManifestLimits.entries else {
            throw .badManifest("\(manifest.entries) entries, the limit is \(ManifestLimits.entries)")
        }
        guard manifest.files <= manifest.entries else {
            throw .badManifest("\(manifest.files) files among \(manifest.entries) entries")
        }
        guard manifest.bytes <= ManifestLimits.byteCount else {
            throw .badManifest("\(manifest.bytes) bytes, the limit is \(ManifestLimits.byteCount)")
        }
        switch predecessor {
        case .first where sequence == 1: break
        case .release where sequence > 1: break
        case .newStart where sequence > 1: break
        default: throw .badPredecessor(sequence: sequence)
        }
        if let changeset {
            guard changeset.byteCount > 0 else { throw .badChangeset("it has no byte") }
            guard previous != nil else { throw .badChangeset("there is no previous release") }
        }
        guard chunkProfile > 0 else { throw .badChunkProfile }
        guard chunkLog.epoch > 0, chunkLog.size <= ChunkLogHead.maximumSize else {
            throw .badChunkLog(epoch: chunkLog.epoch, size: chunkLog.size)
        }
        guard note.utf8.count <= Self.maximumNoteByteCount else { throw .badNote(byteCount: note.utf8.count) }
    }

    private func checkExtensions() throws(ReleaseDocumentError) {
        guard extensions.count <= Self.maximumExtensionCount else {
            throw .badExtensions("\(extensions.count) of them, the limit is \(Self.maximumExtensionCount)")
        }
        for (index, item) in extensions.enumerated() {
            guard item.bytes.count <= Self.maximumExtensionByteCount else {
                throw .badExtensions("number \(item.id) has \(item.bytes.count) bytes")
            }
            guard index == 0 || extensions[index - 1].id < item.id else {
                throw .badExtensions("number \(item.id) is not in ascending order")
            }
        }
    }
}

extension ReleaseDocument: Hashable {
    package static func == (left: ReleaseDocument, right: ReleaseDocument) -> Bool {
        left.encode() == right.encode()
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(encode())
    }
}
