/// The extensions that this program knows; docs/formats/release-document.md gives out the ids.
extension ReleaseExtension {
    static let topModifiedID: UInt32 = 1
    static let escapingLinksID: UInt32 = 2
    static let retouchedBytesID: UInt32 = 3

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
    package var retouchedBytes: UInt64 {
        guard let found = extensions.first(where: { $0.id == ReleaseExtension.retouchedBytesID }) else { return 0 }
        var reader = ByteReader(found.bytes)
        guard let bytes = try? reader.u64(), reader.isAtEnd else { return 0 }
        return bytes
    }

    /// Whether the publisher allows symlinks that leave the set.
    package var allowsEscapingLinks: Bool {
        extensions.contains { $0.id == ReleaseExtension.escapingLinksID }
    }
}
