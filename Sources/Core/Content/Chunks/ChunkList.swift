import Hashing

/// Which rule a chunk list breaks, with the values.
package enum ChunkListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The list was written by a later version of the format.
    case unknownVersion(UInt8)
    /// A list of fewer than two chunks: the one chunk of a blob *is* the blob, and has no list.
    case tooFewChunks(Int)
    /// More chunks than ``ChunkList/maximumCount``.
    case tooManyChunks(UInt64)
    /// The chunk at `index` has no byte, or more than a chunk can have.
    case badLength(index: Int, length: UInt64)
    /// The chunks together are not as long as the manifest says the blob is.
    case otherSize(expected: UInt64, found: UInt64)
    /// The bytes are not those of the digest that was asked for.
    case otherDigest(expected: ChunkListDigest, found: ChunkListDigest)
    /// The bytes end too early, go on too long, or are not in canonical form.
    case malformed(String)

    package var description: String {
        switch self {
        case .unknownVersion(let version):
            "chunk list has format version \(version), this program reads \(ChunkList.formatVersion): update it"
        case .tooFewChunks(let count):
            "chunk list of \(count) chunks: a list needs at least 2, the one chunk of a small blob is the blob"
        case .tooManyChunks(let count):
            "chunk list of \(count) chunks is over the limit of \(ChunkList.maximumCount)"
        case .badLength(let index, let length):
            "chunk \(index) of a chunk list has length \(length), not 1...\(ChunkReference.maximumLength)"
        case .otherSize(let expected, let found):
            "chunk list adds up to \(found) bytes, the manifest says \(expected)"
        case .otherDigest(let expected, let found):
            "chunk list has digest \(found), \(expected) was asked for"
        case .malformed(let what):
            "chunk list is malformed: \(what)"
        }
    }
}

/// The chunks of one blob, in order. Exists only for blobs of more than one chunk.
///
/// A value of this type obeys every limit of docs/formats/chunk-list.md, so ``encode()`` cannot fail and equal lists
/// have equal bytes.
package struct ChunkList: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most chunks of one list, 64 Mi: a blob of 16 TiB at the default average of 256 KiB, which is the largest
    /// file ext4 can hold.
    package static let maximumCount = 1 << 26

    private static let context = BLAKE3Context("mirrorfleet v1 chunk list")
    /// A chunk takes at least one byte of length and 32 of digest; bounds what a count may make us reserve.
    private static let minimumEncodedChunk = 33
    /// A digest and the longest length.
    private static let encodedChunkLimit = 36
    private static let overheadLimit = 64
    /// On average: a 64th of the shortest chunk of any profile.
    private static let leastAverageLength: UInt64 = 256

    /// The chunks, in the order of their bytes in the blob; at least two.
    package let chunks: [ChunkReference]
    /// The length of the blob in bytes: the sum of the chunks' lengths.
    package let byteCount: UInt64

    /// Checks every limit. Throws ``ChunkListError``.
    package init(_ chunks: [ChunkReference]) throws(ChunkListError) {
        guard chunks.count >= 2 else { throw .tooFewChunks(chunks.count) }
        guard chunks.count <= Self.maximumCount else { throw .tooManyChunks(UInt64(chunks.count)) }
        var sum: UInt64 = 0
        for (index, chunk) in chunks.enumerated() {
            guard chunk.length >= 1, chunk.length <= ChunkReference.maximumLength else {
                throw .badLength(index: index, length: UInt64(chunk.length))
            }
            // Cannot overflow: at most 2^26 chunks of at most 2^20 bytes.
            sum += UInt64(chunk.length)
        }
        self.chunks = chunks
        self.byteCount = sum
    }

    /// Reads the canonical form; any other bytes are refused. Throws ``ChunkListError``.
    package init(decoding bytes: [UInt8]) throws(ChunkListError) {
        let chunks: [ChunkReference]
        do {
            chunks = try Self.decodeChunks(bytes)
        } catch let error as ChunkListError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
        try self.init(chunks)
    }

    /// Reads bytes that came from anyone, for a manifest entry that a signature reaches: they must have the digest and
    /// add up to the size that the entry names. Throws ``ChunkListError``.
    package init(verifying bytes: [UInt8], digest: ChunkListDigest, blobSize: UInt64) throws(ChunkListError) {
        let found = Self.digest(of: bytes)
        guard found == digest else { throw .otherDigest(expected: digest, found: found) }
        try self.init(decoding: bytes)
        guard byteCount == blobSize else { throw .otherSize(expected: blobSize, found: byteCount) }
    }

    /// The canonical bytes: version, count, then length and digest of each chunk.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 6 + chunks.count * 35)
        writer.u8(Self.formatVersion)
        writer.varint(UInt64(chunks.count))
        for chunk in chunks {
            writer.varint(UInt64(chunk.length))
            writer.digest(chunk.digest.raw)
        }
        return writer.bytes
    }

    /// The digest of the canonical bytes, under the context of chunk lists. Encodes the list each time: keep it.
    package var digest: ChunkListDigest { Self.digest(of: encode()) }

    /// The most bytes that the list of a blob of `size` bytes can have: no profile cuts chunks as short as the least
    /// length assumed here.
    package static func byteLimit(ofBlob size: UInt64) -> Int {
        let count = Int(min(size / leastAverageLength + 2, UInt64(maximumCount)))
        return count * encodedChunkLimit + overheadLimit
    }

    /// The digest of a list that is already encoded.
    package static func digest(of bytes: [UInt8]) -> ChunkListDigest {
        ChunkListDigest(context.hash(bytes))
    }

    private static func decodeChunks(_ bytes: [UInt8]) throws -> [ChunkReference] {
        var reader = ByteReader(bytes)
        let version = try reader.u8()
        guard version == formatVersion else { throw ChunkListError.unknownVersion(version) }
        let count = try reader.varint(max: .max)
        guard count <= UInt64(maximumCount) else { throw ChunkListError.tooManyChunks(count) }
        guard count >= 2 else { throw ChunkListError.tooFewChunks(Int(count)) }
        guard bytes.count / minimumEncodedChunk >= Int(count) else {
            throw ChunkListError.malformed("\(count) chunks announced in \(bytes.count) bytes")
        }
        var chunks: [ChunkReference] = []
        chunks.reserveCapacity(Int(count))
        for index in 0..<Int(count) {
            let length = try reader.varint(max: .max)
            guard length >= 1, length <= UInt64(ChunkReference.maximumLength) else {
                throw ChunkListError.badLength(index: index, length: length)
            }
            chunks.append(ChunkReference(digest: ChunkDigest(try reader.digest()), length: UInt32(length)))
        }
        try reader.expectEnd()
        return chunks
    }
}
