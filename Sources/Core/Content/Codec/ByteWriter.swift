package import Hashing

/// Appends values in the one deterministic encoding of all formats (docs/formats/codec.md): fixed integers are
/// little-endian, varints are the shortest LEB128, byte strings carry their length.
package struct ByteWriter: Sendable {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    /// A writer with room for `capacity` bytes; it grows when more is written.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// The number of bytes written so far.
    package var count: Int { bytes.count }

    /// Appends one byte.
    package mutating func u8(_ value: UInt8) {
        bytes.append(value)
    }

    /// Appends two bytes, the lowest first.
    package mutating func u16(_ value: UInt16) {
        fixed(UInt64(value), byteCount: 2)
    }

    /// Appends four bytes, the lowest first.
    package mutating func u32(_ value: UInt32) {
        fixed(UInt64(value), byteCount: 4)
    }

    /// Appends eight bytes, the lowest first.
    package mutating func u64(_ value: UInt64) {
        fixed(value, byteCount: 8)
    }

    /// Appends eight bytes of two's complement, the lowest first.
    package mutating func i64(_ value: Int64) {
        fixed(UInt64(bitPattern: value), byteCount: 8)
    }

    /// Appends the shortest LEB128 form: seven bits a byte, the lowest first, the top bit set on all but the last.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a signed number as a zigzag varint: 0, -1, 1, -2 become 0, 1, 2, 3.
    package mutating func signedVarint(_ value: Int64) {
        varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Appends bytes as they are, without a length.
    package mutating func bytes(_ raw: [UInt8]) {
        bytes.append(contentsOf: raw)
    }

    /// Appends bytes as they are, without a length.
    package mutating func bytes(_ raw: ArraySlice<UInt8>) {
        bytes.append(contentsOf: raw)
    }

    /// Appends bytes as they are, without a length.
    package mutating func bytes(_ raw: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: raw)
    }

    /// Appends the length as a varint, then the bytes.
    package mutating func lengthPrefixed(_ raw: [UInt8]) {
        varint(UInt64(raw.count))
        bytes.append(contentsOf: raw)
    }

    /// Appends the 32 bytes of a digest.
    package mutating func digest(_ digest: BLAKE3Digest) {
        digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Drops the first `count` bytes, which somebody took; the others move to the front.
    mutating func removeFirst(_ count: Int) {
        bytes.removeSubrange(0..<count)
    }

    private mutating func fixed(_ value: UInt64, byteCount: Int) {
        var rest = value
        for _ in 0..<byteCount {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
