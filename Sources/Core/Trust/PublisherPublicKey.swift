import Crypto

/// The public half of a publisher's Ed25519 key: what an agent trusts for its sets.
package struct PublisherPublicKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The length of the key in bytes; any other is refused.
    package static let byteCount = 32

    /// The 32 bytes of RFC 8032.
    package let bytes: [UInt8]

    /// Nil unless there are 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// From the text form, or a whole key file: comments, and one line `ed25519:BASE64`. Throws ``KeyTextError``.
    package init(text: String) throws(KeyTextError) {
        bytes = try KeyText.parse(text, type: KeyText.publicType)
    }

    /// The text form, `ed25519:BASE64`.
    package var text: String { "\(KeyText.publicType):\(Base64.encode(bytes))" }

    /// The contents of a public key file: a line of comment, the key. The comment loses everything but printable ASCII.
    package func file(comment: String) -> String {
        "# \(KeyFileComment.clean(comment))\n\(text)\n"
    }

    /// How signatures name the key: SHA-256 of its text form.
    package var keyID: PublisherKeyID {
        PublisherKeyID(Array(SHA256.hash(data: Array(text.utf8))))
    }

    /// What a person compares: `SHA256:` and the Base64 of ``keyID`` without padding.
    package var fingerprint: String { keyID.fingerprint }

    /// The text form.
    package var description: String { text }

    package static func < (left: PublisherPublicKey, right: PublisherPublicKey) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// Whether `signature` is this key's over the bytes of a release document.
    package func isValid(_ signature: [UInt8], forDocument document: [UInt8]) -> Bool {
        guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            return false
        }
        return key.isValidSignature(signature, for: SignatureDomain.release.message(document))
    }
}

/// Names a publisher's key in a signature: the SHA-256 of the key's text form.
package struct PublisherKeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// The caller has 32 bytes.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// `SHA256:` and 43 characters of Base64 without padding, as ssh shows keys.
    package var fingerprint: String {
        let text = Base64.encode(bytes)
        return "SHA256:" + text.prefix(while: { $0 != "=" })
    }

    /// The fingerprint.
    package var description: String { fingerprint }

    package static func < (left: PublisherKeyID, right: PublisherKeyID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// Comments of key files: one line of printable ASCII.
enum KeyFileComment {
    /// Drops what could end the line or is not printable; at most 200 bytes.
    static func clean(_ comment: String) -> String {
        String(decoding: comment.utf8.filter { $0 >= 0x20 && $0 < 0x7F }.prefix(200), as: UTF8.self)
    }
}
