/// Keys that share their beginning with the key before: the length of what is shared, the length of the rest, the rest.
///
/// There is one encoding only: what is shared is all that can be, and the keys are strictly ascending.
enum PrefixedKey {
    /// Appends `key`, which shares its first `shared` bytes with the key before.
    static func encode(_ key: [UInt8], shared: Int, into writer: inout ByteWriter) {
        writer.varint(UInt64(shared))
        writer.varint(UInt64(key.count - shared))
        key.withUnsafeBytes { writer.bytes(UnsafeRawBufferPointer(rebasing: $0[shared...])) }
    }

    /// Reads the key after `previous` (empty at the start). Whether it is a valid path is for the caller to see.
    static func decode(after previous: [UInt8], _ reader: inout ByteReader) throws(CodecError) -> [UInt8] {
        let shared = try reader.count(max: previous.count)
        let restCount = try reader.count(max: RelativePath.maximumByteCount - shared)
        guard restCount > 0 else { throw reader.malformed("a key that repeats the one before or is empty") }
        let rest = try reader.slice(restCount)
        // A first differing byte that is greater proves both that all of the shared part is named and the order.
        guard shared == previous.count || rest[rest.startIndex] > previous[shared] else {
            throw reader.malformed("a key that is not above the one before, or shares more with it than it says")
        }
        return [UInt8](unsafeUninitializedCapacity: shared + restCount) { buffer, count in
            previous.withUnsafeBufferPointer { previous in
                _ = buffer.update(fromContentsOf: previous[..<shared])
            }
            rest.withUnsafeBufferPointer { rest in
                _ = UnsafeMutableBufferPointer(rebasing: buffer[shared...]).update(fromContentsOf: rest)
            }
            count = shared + restCount
        }
    }
}
