import Hashing

/// The bits of an entry's flag byte (docs/formats/manifest.md, 'Entry').
private enum EntryFlags {
    static let typeMask: UInt8 = 0b0000_0011
    static let isExecutable: UInt8 = 0b0000_0100
    static let hasChunkList: UInt8 = 0b0000_1000
    /// Three bits: how many further digests follow.
    static let digestCountShift: UInt8 = 4
    static let digestCountMask: UInt8 = 0b0111_0000
    static let unused: UInt8 = 0b1000_0000
}

extension ManifestEntry {
    /// Appends the path with its length, then the other fields.
    package func encode(into writer: inout ByteWriter) {
        writer.lengthPrefixed(path.bytes)
        encodeFields(into: &writer)
    }

    /// Reads what `encode` wrote. Throws `CodecError`, `PathError` or `EntryError`.
    package init(decoding reader: inout ByteReader) throws {
        let path = try RelativePath(try reader.lengthPrefixed(max: RelativePath.maximumByteCount))
        try self.init(path: path, decodingFields: &reader)
    }

    /// Appends all fields but the path.
    func encodeFields(into writer: inout ByteWriter) {
        var flags = type.rawValue
        if isExecutable { flags |= EntryFlags.isExecutable }
        if chunkList != nil { flags |= EntryFlags.hasChunkList }
        flags |= UInt8(truncatingIfNeeded: furtherDigests.count) << EntryFlags.digestCountShift
        writer.u8(flags)
        writer.signedVarint(modified)
        switch type {
        case .directory: break
        case .symlink: writer.lengthPrefixed(linkTarget)
        case .file:
            writer.varint(size)
            if let blob { writer.digest(blob.raw) }
            if let chunkList { writer.digest(chunkList.raw) }
            for digest in furtherDigests {
                writer.u8(digest.algorithm.rawValue)
                writer.bytes(digest.bytes)
            }
        }
    }

    /// Reads what `encodeFields` wrote. Throws `CodecError` or `EntryError`.
    init(path: RelativePath, decodingFields reader: inout ByteReader) throws {
        let flags = try reader.u8()
        guard flags & EntryFlags.unused == 0, let type = EntryType(rawValue: flags & EntryFlags.typeMask) else {
            throw reader.malformed("unknown entry flags \(flags)")
        }
        let modified = try reader.signedVarint()
        var size: UInt64 = 0
        var blob: BlobDigest?
        var chunkList: ChunkListDigest?
        var linkTarget: [UInt8] = []
        var furtherDigests: [Digest] = []
        let digestCount = Int((flags & EntryFlags.digestCountMask) >> EntryFlags.digestCountShift)
        switch type {
        case .directory, .symlink:
            guard flags == type.rawValue else { throw reader.malformed("flags of a file on a \(type)") }
            if type == .symlink {
                linkTarget = try reader.lengthPrefixed(max: ManifestLimits.linkTargetByteCount)
            }
        case .file:
            size = try reader.varint(max: ManifestLimits.byteCount)
            blob = BlobDigest(try reader.digest())
            if flags & EntryFlags.hasChunkList != 0 { chunkList = ChunkListDigest(try reader.digest()) }
            for _ in 0..<digestCount { furtherDigests.append(try Self.decodeDigest(&reader)) }
        }
        try self.init(
            path: path, type: type, isExecutable: flags & EntryFlags.isExecutable != 0, modified: modified, size: size,
            blob: blob, chunkList: chunkList, linkTarget: linkTarget, furtherDigests: furtherDigests)
    }

    private static func decodeDigest(_ reader: inout ByteReader) throws -> Digest {
        let number = try reader.u8()
        guard let algorithm = HashAlgorithm(rawValue: number) else {
            throw reader.malformed("unknown hash algorithm \(number)")
        }
        let bytes = try reader.raw(algorithm.byteCount)
        guard let digest = Digest(algorithm, bytes) else { throw reader.malformed("a digest of the wrong length") }
        return digest
    }
}
