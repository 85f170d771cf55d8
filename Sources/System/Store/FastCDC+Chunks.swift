import Content
import Hashing

extension FastCDC {
    /// The chunks of a whole blob, hashed side by side; none if it is one chunk or empty: then it has no chunk list.
    func chunks(_ bytes: UnsafeRawBufferPointer) -> [ChunkReference] {
        let lengths = boundaries(bytes)
        guard lengths.count > 1 else { return [] }
        var parts: [UnsafeRawBufferPointer] = []
        parts.reserveCapacity(lengths.count)
        var offset = 0
        for length in lengths {
            parts.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)]))
            offset += length
        }
        return zip(lengths, BLAKE3.hashMany(parts)).map { length, digest in
            ChunkReference(digest: ChunkDigest(digest), length: UInt32(length))
        }
    }
}
