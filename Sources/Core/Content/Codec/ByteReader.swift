package import Hashing

/// Reads values in the one deterministic encoding of all formats (docs/formats/codec.md).
///
/// A length is compared with its limit and with the bytes at hand before anything is allocated. After an error the
/// reader stands where the bad field begins.
package struct ByteReader: Sendable {
    private let storage: [UInt8]
    private let start: Int
    private let end: Int
    private var position: Int

    /// A reader over all of `bytes`.
    package init(_ bytes: [UInt8]) {
        storage = bytes
        start = 0
        end = bytes.count
        position = 0
    }

    /// A reader over a copy of `bytes`; offsets count from the slice's own start.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.init(Array(bytes))
    }

    /// Bytes read so far.
    package var offset: Int { position - start }

    /// Bytes not read yet.
    package var remaining: Int { end - position }

    /// Whether everything was read.
    package var isAtEnd: Bool { position == end }

    /// Throws `trailingBytes` unless everything was read.
    package func expectEnd() throws(CodecError) {
        guard isAtEnd else { throw .trailingBytes(offset: offset, count: remaining) }
    }

    /// Reads one byte.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func u8() throws(CodecError) -> UInt8 {
        guard position < end else { throw .truncated(offset: offset, missing: 1) }
        defer { position += 1 }
        return storage[position]
    }

    /// Reads two bytes, the lowest first.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func u16() throws(CodecError) -> UInt16 {
        UInt16(truncatingIfNeeded: try fixed(byteCount: 2))
    }

    /// Reads four bytes, the lowest first.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func u32() throws(CodecError) -> UInt32 {
        UInt32(truncatingIfNeeded: try fixed(byteCount: 4))
    }

    /// Reads eight bytes, the lowest first.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func u64() throws(CodecError) -> UInt64 {
        try fixed(byteCount: 8)
    }

    /// Reads eight bytes of two's complement, the lowest first.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func i64() throws(CodecError) -> Int64 {
        Int64(bitPattern: try fixed(byteCount: 8))
    }

    /// Reads a varint; refuses one that is not the shortest form, has more than 64 bits, or is above `max`.
    /// - Throws: `CodecError` for any of these, and if the bytes end before.
    package mutating func varint(max: UInt64 = .max) throws(CodecError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var index = position
        while true {
            guard index < end else { throw .truncated(offset: offset, missing: 1) }
            let byte = storage[index]
            index += 1
            // The tenth byte has room for one bit only, so nothing can follow it.
            if shift == 63, byte > 1 { throw .nonCanonicalVarint(offset: offset) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                if byte == 0, shift > 0 { throw .nonCanonicalVarint(offset: offset) }
                break
            }
            shift += 7
        }
        guard value <= max else { throw .valueTooLarge(offset: offset, value: value, limit: max) }
        position = index
        return value
    }

    /// Reads a varint that counts or measures something in memory, at most `max`.
    /// - Throws: `CodecError` if it is above, or the bytes end before.
    package mutating func count(max: Int) throws(CodecError) -> Int {
        precondition(max >= 0, "a limit is not negative: \(max)")
        return Int(try varint(max: UInt64(max)))
    }

    /// Reads a zigzag varint.
    /// - Throws: `CodecError` if it is not the shortest form, or the bytes end before.
    package mutating func signedVarint() throws(CodecError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Reads `count` bytes as they are.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func raw(_ count: Int) throws(CodecError) -> [UInt8] {
        Array(try slice(count))
    }

    /// Reads `count` bytes as they are, without a copy.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func slice(_ count: Int) throws(CodecError) -> ArraySlice<UInt8> {
        precondition(count >= 0, "a count is not negative: \(count)")
        guard count <= remaining else { throw .truncated(offset: offset, missing: count - remaining) }
        defer { position += count }
        return storage[position..<position + count]
    }

    /// Reads a length of at most `max`, then as many bytes.
    /// - Throws: `CodecError` if the length is above, or the bytes end before.
    package mutating func lengthPrefixed(max: Int) throws(CodecError) -> [UInt8] {
        let before = position
        let length = try count(max: max)
        guard length <= remaining else {
            let missing = length - remaining
            position = before
            throw .truncated(offset: offset, missing: missing)
        }
        return try raw(length)
    }

    /// Whether the next byte is `byte`, which is read then.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func skip(ifNext byte: UInt8) throws(CodecError) -> Bool {
        guard position < end else { throw .truncated(offset: offset, missing: 1) }
        guard storage[position] == byte else { return false }
        position += 1
        return true
    }

    /// Reads the 32 bytes of a digest.
    /// - Throws: `CodecError` if the bytes end before.
    package mutating func digest() throws(CodecError) -> BLAKE3Digest {
        let count = BLAKE3Digest.byteCount
        guard count <= remaining else { throw .truncated(offset: offset, missing: count - remaining) }
        defer { position += count }
        return BLAKE3Digest(storage.span.bytes.extracting(position..<position + count))
    }

    /// An error of this format's own rules at the current offset.
    package func malformed(_ reason: String) -> CodecError {
        .malformed(offset: offset, reason: reason)
    }

    private mutating func fixed(byteCount: Int) throws(CodecError) -> UInt64 {
        guard byteCount <= remaining else { throw .truncated(offset: offset, missing: byteCount - remaining) }
        var value: UInt64 = 0
        for index in 0..<byteCount {
            value |= UInt64(storage[position + index]) << UInt64(8 * index)
        }
        position += byteCount
        return value
    }
}
