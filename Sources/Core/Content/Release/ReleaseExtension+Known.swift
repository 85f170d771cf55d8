/// The extensions that this program knows; docs/formats/release-document.md gives out the ids.
extension ReleaseExtension {
    static let topModifiedID: UInt32 = 1
    static let escapingLinksID: UInt32 = 2
    static let retouchedBytesID: UInt32 = 3
    static let removalConfirmedID: UInt32 = 4

    /// The modification time of the set's top directory, in Unix seconds: the manifest has no entry for it. A program
    /// that does not know it shows another time there, so it is not critical.
    package static func topModified(_ seconds: Int64) -> ReleaseExtension {
        var writer = ByteWriter(capacity: 8)
        writer.i64(seconds)
        return ReleaseExtension(id: topModifiedID, isCritical: false, bytes: writer.bytes)
    }

    /// Symlinks of the set may leave it, as its publisher decided. Critical: without it such links are refused.
    package static let escapingLinks = ReleaseExtension(id: escapingLinksID, isCritical: true, bytes: [])

    /// The bytes of the files that have another time than in the previous release, and the same bytes and mode: what a
    /// plan says of copies that a host may have to make. Nothing depends on it, so it is not critical.
    package static func retouchedBytes(_ bytes: UInt64) -> ReleaseExtension {
        var writer = ByteWriter(capacity: 8)
        writer.u64(bytes)
        return ReleaseExtension(id: retouchedBytesID, isCritical: false, bytes: writer.bytes)
    }

    /// The newest release of the set, this one or an earlier one, of which the publisher said that it may take away more
    /// than hosts allow. Later releases carry it on, for hosts that are behind. It only widens what a host would refuse,
    /// so it is not critical.
    package static func removalConfirmed(at sequence: UInt64) -> ReleaseExtension {
        var writer = ByteWriter(capacity: 8)
        writer.u64(sequence)
        return ReleaseExtension(id: removalConfirmedID, isCritical: false, bytes: writer.bytes)
    }
}

extension ReleaseDocument {
    /// The modification time that the top of the served tree shows, in Unix seconds: that of the source, or when the
    /// document does not say, the time of publishing.
    package var topModified: Int64 {
        guard let found = extensions.first(where: { $0.id == ReleaseExtension.topModifiedID }) else {
            return publishedAt
        }
        var reader = ByteReader(found.bytes)
        guard let seconds = try? reader.i64(), reader.isAtEnd else { return publishedAt }
        return seconds
    }

    /// The bytes of the files that have another time than in the previous release, and the same bytes and mode; 0 when
    /// the document does not say.
    package var retouchedBytes: UInt64 { number(ReleaseExtension.retouchedBytesID) ?? 0 }

    /// The newest release, this one or an earlier one, that the publisher allowed to take away more than hosts allow;
    /// nil when the document names none, or one after itself.
    package var removalConfirmedAt: UInt64? {
        number(ReleaseExtension.removalConfirmedID).flatMap { $0 <= sequence ? $0 : nil }
    }

    /// The number that an extension holds; nil if it is not there, or holds something else.
    private func number(_ id: UInt32) -> UInt64? {
        guard let found = extensions.first(where: { $0.id == id }) else { return nil }
        var reader = ByteReader(found.bytes)
        guard let number = try? reader.u64(), reader.isAtEnd else { return nil }
        return number
    }

    /// Whether the publisher allows symlinks that leave the set.
    package var allowsEscapingLinks: Bool {
        extensions.contains { $0.id == ReleaseExtension.escapingLinksID }
    }
}
