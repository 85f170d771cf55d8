import Crypto
import Hashing

/// Names a key inside of one document: the SHA-256 of the canonical JSON of the key, in hexadecimal digits.
///
/// Documents by others may use any text (TAP 12 allows it), so it is bytes, and nothing is ever counted by it.
package struct KeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The most bytes of an id.
    package static let maximumByteCount = 256

    /// The text.
    package let bytes: [UInt8]

    /// The id `bytes`, as a document has it; nil if it is empty or too long.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= Self.maximumByteCount else { return nil }
        self.bytes = bytes
    }

    /// The id of a key by its canonical JSON.
    init(ofCanonicalKey bytes: [UInt8]) {
        self.bytes = Hexadecimal.letters(Array(SHA256.hash(data: bytes)))
    }

    /// All of the text, printable.
    package var text: String { "\(PrintableText(bytes))" }

    /// The text, printable, and short if it is of our form.
    package var description: String { "\(PrintableText(Array(bytes.prefix(16))))" }

    package static func < (left: KeyID, right: KeyID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
