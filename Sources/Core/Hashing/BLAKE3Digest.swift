/// A BLAKE3 digest: 32 bytes, kept inline, ordered bytewise.
package struct BLAKE3Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let byteCount = 32

    // The bytes as they lie in memory; a number of each word has no meaning beyond that.
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Copies 32 bytes; any other count is a programmer's error.
    package init(_ bytes: RawSpan) {
        precondition(bytes.byteCount == Self.byteCount, "a BLAKE3 digest has 32 bytes, not \(bytes.byteCount)")
        words = bytes.withUnsafeBytes { Self.words(at: $0) }
    }

    /// Copies 32 bytes; nil for any other count.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        words = bytes.withUnsafeBytes { Self.words(at: $0) }
    }

    /// Copies 32 bytes; nil for any other count.
    package init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        words = bytes.withUnsafeBytes { Self.words(at: $0) }
    }

    /// Copies 32 bytes; nil for any other count.
    package init?(_ bytes: some Collection<UInt8>) {
        self.init(Array(bytes))
    }

    /// Reads 64 lower-case hexadecimal digits; nil for anything else, so that one digest has one text.
    package init?(hex: String) {
        guard let bytes = Hexadecimal.bytes(hex) else { return nil }
        self.init(bytes)
    }

    /// Has 32 bytes written into it by `body`.
    init(writing body: (UnsafeMutablePointer<UInt8>) -> Void) {
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { buffer in
            buffer.withMemoryRebound(to: UInt8.self) { bytes in
                if let base = bytes.baseAddress { body(base) }
            }
        }
    }

    /// A new array of the 32 bytes.
    package var bytes: [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    /// Calls `body` with the 32 bytes, which are valid only during the call.
    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try Swift.withUnsafeBytes(of: words, body)
    }

    /// Copies the 32 bytes to `destination`, which needs no alignment.
    package func write(to destination: UnsafeMutableRawPointer) {
        withUnsafeBytes { bytes in
            UnsafeMutableRawBufferPointer(start: destination, count: Self.byteCount).copyMemory(from: bytes)
        }
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String {
        withUnsafeBytes { Hexadecimal.text($0) }
    }

    /// The same as `hex`.
    package var description: String { hex }

    package static func == (a: BLAKE3Digest, b: BLAKE3Digest) -> Bool {
        a.words == b.words
    }

    package static func < (a: BLAKE3Digest, b: BLAKE3Digest) -> Bool {
        if a.words.0 != b.words.0 { return UInt64(bigEndian: a.words.0) < UInt64(bigEndian: b.words.0) }
        if a.words.1 != b.words.1 { return UInt64(bigEndian: a.words.1) < UInt64(bigEndian: b.words.1) }
        if a.words.2 != b.words.2 { return UInt64(bigEndian: a.words.2) < UInt64(bigEndian: b.words.2) }
        return UInt64(bigEndian: a.words.3) < UInt64(bigEndian: b.words.3)
    }

    package func hash(into hasher: inout Hasher) {
        // One word of a digest is as random as all four, and whoever could choose colliding ones would have to find
        // inputs for the seeded hash of the process.
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    private static func words(at buffer: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
        (
            buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            buffer.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        )
    }
}
