/// The order of keys: bytewise, a prefix first; computed eight bytes at a time.
enum KeyOrder {
    /// The length of the common prefix of `a` and `b`, and their order: negative if `a` comes first, 0 if equal.
    static func compare(_ a: [UInt8], _ b: [UInt8]) -> (shared: Int, order: Int) {
        a.withUnsafeBytes { a in b.withUnsafeBytes { b in compare(a, b) } }
    }

    /// The same for buffers.
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> (shared: Int, order: Int) {
        let limit = min(a.count, b.count)
        var index = 0
        while index + 8 <= limit {
            let wordA = a.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let wordB = b.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if wordA != wordB {
                index += (UInt64(littleEndian: wordA) ^ UInt64(littleEndian: wordB)).trailingZeroBitCount / 8
                return (index, Int(a[index]) - Int(b[index]))
            }
            index += 8
        }
        while index < limit {
            if a[index] != b[index] { return (index, Int(a[index]) - Int(b[index])) }
            index += 1
        }
        return (index, a.count - b.count)
    }
}
