import Hashing

extension ReleaseDocument {
    private static let context = BLAKE3Context("mirrorfleet v1 release document")
    /// "MFRD": tells a person who finds the file, and this program, what it is.
    private static let mark: [UInt8] = [0x4D, 0x46, 0x52, 0x44]
    /// Ids of critical extensions that this program understands.
    private static let knownCriticalExtensions: [UInt32] = [ReleaseExtension.escapingLinksID]

    /// The digest of the canonical bytes, under the context of release documents.
    package var digest: ReleaseDigest { Self.digest(of: encode()) }

    /// The digest of a document that is already encoded.
    package static func digest(of bytes: [UInt8]) -> ReleaseDigest {
        ReleaseDigest(context.hash(bytes))
    }

    /// The canonical bytes: what is signed.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 320 + note.utf8.count + extensions.reduce(0) { $0 + 16 + $1.bytes.count })
        writer.bytes(Self.mark)
        writer.u16(Self.formatVersion)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(set.utf8))
        writer.varint(sequence)
        writer.i64(publishedAt)
        writer.digest(manifest.digest.raw)
        writer.u8(UInt8(clamping: manifest.height))
        writer.varint(manifest.entries)
        writer.varint(manifest.files)
        writer.varint(manifest.bytes)
        switch predecessor {
        case .first:
            writer.u8(0)
        case .release(let digest):
            writer.u8(1)
            writer.digest(digest.raw)
        case .newStart:
            writer.u8(2)
        }
        if let changeset {
            writer.u8(1)
            writer.digest(changeset.digest.raw)
            writer.varint(changeset.byteCount)
        } else {
            writer.u8(0)
        }
        writer.u8(chunkProfile)
        writer.u32(chunkLog.epoch)
        writer.varint(chunkLog.size)
        writer.digest(chunkLog.root.raw)
        writer.varint(confirmedDeletions)
        writer.lengthPrefixed(Array(note.utf8))
        writer.varint(UInt64(extensions.count))
        for item in extensions {
            writer.u32(item.id)
            writer.u8(item.isCritical ? 1 : 0)
            writer.lengthPrefixed(item.bytes)
        }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused, and so is a critical extension that this program does
    /// not know. Throws ``ReleaseDocumentError``.
    package init(decoding bytes: [UInt8]) throws(ReleaseDocumentError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLarge(bytes.count) }
        do {
            self = try Self.decode(bytes)
        } catch let error as ReleaseDocumentError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
        for item in extensions where item.isCritical && !Self.knownCriticalExtensions.contains(item.id) {
            throw .unknownCriticalExtension(id: item.id)
        }
        // The codec has one form for each value already; this is the second lock on the same door.
        guard encode() == bytes else { throw .malformed("not in canonical form") }
    }

    private static func decode(_ bytes: [UInt8]) throws -> ReleaseDocument {
        guard bytes.starts(with: mark) else { throw ReleaseDocumentError.notAReleaseDocument }
        var reader = ByteReader(bytes)
        _ = try reader.raw(mark.count)
        let version = try reader.u16()
        guard version == formatVersion else { throw ReleaseDocumentError.unknownVersion(version) }
        let fleet = try name(&reader)
        let set = try name(&reader)
        let sequence = try reader.varint(max: .max)
        let publishedAt = try reader.i64()
        let manifest = ManifestRoot(
            digest: NodeDigest(try reader.digest()), height: Int(try reader.u8()),
            entries: try reader.varint(max: .max), files: try reader.varint(max: .max),
            bytes: try reader.varint(max: .max))
        let predecessor: ReleasePredecessor
        switch try reader.u8() {
        case 0: predecessor = .first
        case 1: predecessor = .release(ReleaseDigest(try reader.digest()))
        case 2: predecessor = .newStart
        case let kind: throw ReleaseDocumentError.malformed("predecessor of kind \(kind)")
        }
        let changeset: ChangesetReference?
        switch try reader.u8() {
        case 0: changeset = nil
        case 1:
            changeset = ChangesetReference(
                digest: ChangesetDigest(try reader.digest()), byteCount: try reader.varint(max: .max))
        case let kind: throw ReleaseDocumentError.malformed("changeset of kind \(kind)")
        }
        let chunkProfile = try reader.u8()
        let chunkLog = ChunkLogHead(
            epoch: try reader.u32(), size: try reader.varint(max: .max), root: LogEntryDigest(try reader.digest()))
        let confirmedDeletions = try reader.varint(max: .max)
        let noteBytes = try reader.lengthPrefixed(max: maximumNoteByteCount)
        guard let note = String(validating: noteBytes, as: UTF8.self) else {
            throw ReleaseDocumentError.badNote(byteCount: noteBytes.count)
        }
        let extensions = try decodeExtensions(&reader)
        try reader.expectEnd()
        return try ReleaseDocument(
            fleet: fleet, set: set, sequence: sequence, publishedAt: publishedAt, manifest: manifest,
            predecessor: predecessor, changeset: changeset, chunkProfile: chunkProfile, chunkLog: chunkLog,
            confirmedDeletions: confirmedDeletions, note: note, extensions: extensions)
    }

    private static func name(_ reader: inout ByteReader) throws -> String {
        let bytes = try reader.lengthPrefixed(max: maximumByteCount)
        guard PlainName.accepts(bytes) else { throw ReleaseDocumentError.badName(bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func decodeExtensions(_ reader: inout ByteReader) throws -> [ReleaseExtension] {
        let count = try reader.varint(max: .max)
        guard count <= UInt64(maximumExtensionCount) else {
            throw ReleaseDocumentError.badExtensions("\(count) of them, the limit is \(maximumExtensionCount)")
        }
        var extensions: [ReleaseExtension] = []
        for _ in 0..<count {
            let id = try reader.u32()
            let flag = try reader.u8()
            guard flag <= 1 else { throw ReleaseDocumentError.malformed("extension \(id) has flag \(flag)") }
            let bytes = try reader.lengthPrefixed(max: maximumExtensionByteCount)
            extensions.append(ReleaseExtension(id: id, isCritical: flag == 1, bytes: bytes))
        }
        return extensions
    }
}
