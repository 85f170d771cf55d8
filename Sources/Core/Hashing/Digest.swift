/// A digest of any algorithm. Ordered by the algorithm's number, then bytewise.
package struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let algorithm: HashAlgorithm
    /// `algorithm.byteCount` bytes.
    package let bytes: [UInt8]

    /// nil unless there are as many bytes as the algorithm gives.
    package init?(_ algorithm: HashAlgorithm, _ bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.init(algorithm, exactly: bytes)
    }

    package init(_ digest: BLAKE3Digest) {
        self.init(.blake3, exactly: digest.bytes)
    }

    /// Reads the form of `description`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let algorithm = HashAlgorithm(name: String(text[..<colon])),
            let bytes = Hexadecimal.bytes(String(text[text.utf8.index(after: colon)...]))
        else { return nil }
        self.init(algorithm, bytes)
    }

    init(_ algorithm: HashAlgorithm, exactly bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Lower-case hexadecimal digits, two a byte.
    package var hex: String {
        bytes.withUnsafeBytes { Hexadecimal.text($0) }
    }

    /// The name of the algorithm, a colon and the digits: `sha256:9f86d0...`.
    package var description: String { "\(algorithm.name):\(hex)" }

    package static func < (a: Digest, b: Digest) -> Bool {
        if a.algorithm != b.algorithm { return a.algorithm.rawValue < b.algorithm.rawValue }
        return a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}
