/// Which rule a release document breaks, with the values.
package enum ReleaseDocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes do not begin as a release document does.
    case notAReleaseDocument
    /// The document was written by a later version of the format.
    case unknownVersion(UInt16)
    /// The document has more bytes than ``ReleaseDocument/maximumByteCount``.
    case tooLarge(Int)
    /// The name of the fleet or of the content set breaks ``PlainName/rule``; the bytes as found.
    case badName([UInt8])
    /// The sequence is 0.
    case sequenceZero
    /// The time is before 1970 or after the year 9999.
    case badTime(Int64)
    /// The figures of the manifest contradict each other or a limit.
    case badManifest(String)
    /// The previous release is named where there can be none, or not named where there must be one.
    case badPredecessor(sequence: UInt64)
    /// The changeset has no byte, or there is one without a previous release.
    case badChangeset(String)
    /// The chunk profile has the number 0.
    case badChunkProfile
    /// The chunk log has epoch 0 or is over its limit.
    case badChunkLog(epoch: UInt32, size: UInt64)
    /// The note is over 4 KiB or not UTF-8.
    case badNote(byteCount: Int)
    /// Too many extensions, one too large, or not in ascending order of their ids.
    case badExtensions(String)
    /// The document needs something that this program does not know.
    case unknownCriticalExtension(id: UInt32)
    /// The bytes end too early, go on too long, or are not in canonical form.
    case malformed(String)

    package var description: String {
        switch self {
        case .notAReleaseDocument: "this is not a release document"
        case .unknownVersion(let version):
            "release document has format version \(version), this program reads \(ReleaseDocument.formatVersion):"
                + " update it"
        case .tooLarge(let count):
            "release document has \(count) bytes, the limit is \(ReleaseDocument.maximumByteCount)"
        case .badName(let bytes):
            "release document has the name \"\(TerminalText.escape(bytes.prefix(64)))\", a name is \(PlainName.rule)"
        case .sequenceZero: "release document has sequence 0, sequences begin at 1"
        case .badTime(let time): "release document is of second \(time), outside of the years 1970 to 9999"
        case .badManifest(let what): "release document has an impossible manifest: \(what)"
        case .badPredecessor(let sequence):
            "release document \(sequence) must name its previous release, unless it is the first or a new start"
        case .badChangeset(let what): "release document has an impossible changeset: \(what)"
        case .badChunkProfile: "release document names no chunk profile"
        case .badChunkLog(let epoch, let size):
            "release document has an impossible chunk log of epoch \(epoch) with \(size) entries"
        case .badNote(let count):
            "release document has a note of \(count) bytes, it must be UTF-8 and at most"
                + " \(ReleaseDocument.maximumNoteByteCount) bytes"
        case .badExtensions(let what): "release document has impossible extensions: \(what)"
        case .unknownCriticalExtension(let id):
            "release document needs extension \(id), which this program does not know: update it"
        case .malformed(let what): "release document is malformed: \(what)"
        }
    }
}
