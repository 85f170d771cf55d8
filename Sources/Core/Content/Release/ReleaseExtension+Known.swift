/// The extensions that this program knows; docs/formats/release-document.md gives out the ids.
extension ReleaseExtension {
    static let topModifiedID: UInt32 = 1
    static let escapingLinksID: UInt32 = 2

    /// The modification time of the set's top directory, in Unix seconds: the manifest has no entry for it. A program
    /// that does not know it shows another time there, so it is not critical.
    package static func topModified(_ seconds: Int64) -> ReleaseExtension {
        var writer = ByteWriter(capacity: 8)
        writer.i64(seconds)
        return ReleaseExtension(id: topModifiedID, isCritical: false, bytes: writer.bytes)
    }

    /// Symlinks of the set may leave it, as its publisher decided. Critical: without it such links are refused.
    package static let escapingLinks = ReleaseExtension(id: escapingLinksID, isCritical: true, bytes: [])
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

    /// Whether the publisher allows symlinks that leave the set.
    package var allowsEscapingLinks: Bool {
        extensions.contains { $0.id == ReleaseExtension.escapingLinksID }
    }
}
