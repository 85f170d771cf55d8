import Hashing

/// XXH3 with 128 bits: guards the files of an index against damage, not against an enemy, who could as well rewrite
/// them; what is read through the index is verified against its digest.
struct IndexChecksum: Hashable, Sendable {
    static let byteCount = 16

    private let bytes: [UInt8]

    /// Reads 16 bytes of `buffer` from `offset` on.
    init(_ buffer: UnsafeRawBufferPointer, at offset: Int) {
        bytes = Array(buffer[offset..<(offset + Self.byteCount)])
    }

    /// The checksum of a whole buffer.
    init(of buffer: UnsafeRawBufferPointer) {
        bytes = Digest.hash(.xxh3_128, buffer).bytes
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Writes 16 bytes.
    func write(to buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
        UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<(offset + Self.byteCount)]).copyBytes(from: bytes)
    }

    /// A checksum taken piece by piece.
    struct Running {
        private var hasher = DigestHasher(.xxh3_128)
        mutating func update(_ buffer: UnsafeRawBufferPointer) { hasher.update(buffer) }
        var value: IndexChecksum { IndexChecksum(bytes: hasher.finalize().bytes) }
    }
}
