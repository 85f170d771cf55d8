/// A public key that can verify signatures. Made by a ``KeyScheme`` from the text in a document.
package protocol VerifyingKey: Sendable {
    /// What makes this key the same as another, whatever their ids: scheme and exact public bytes.
    var identity: [UInt8] { get }
    /// The identities of the plain keys that this one consists of; of a plain key its own. Two keys that share one could
    /// be satisfied by fewer people than they seem to be.
    var components: [[UInt8]] { get }

    /// Whether `signature` is this key's over `message`. Any other bytes, of whatever length, are false.
    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool
}

/// One kind of key: its names in documents, and how a public key is read.
package protocol KeyScheme: Sendable {
    /// The member `keytype`.
    var keyType: [UInt8] { get }
    /// The member `scheme`.
    var scheme: [UInt8] { get }

    /// The key of the text in `keyval.public`; nil unless it is exactly one.
    func verifyingKey(publicText: [UInt8]) -> (any VerifyingKey)?
}

/// The kinds of keys that a client knows. Keys of other kinds may stand in documents, and count for nothing.
package struct KeySchemes: Sendable {
    private let schemes: [any KeyScheme]

    /// A table of these kinds.
    package init(_ schemes: [any KeyScheme]) {
        self.schemes = schemes
    }

    /// What Mirrorfleet uses: the hybrid key, and plain Ed25519 for what others write.
    package static let own = KeySchemes([MLDSA65Ed25519Scheme(), Ed25519Scheme()])

    /// This table and more.
    package func adding(_ more: [any KeyScheme]) -> KeySchemes { KeySchemes(schemes + more) }

    func scheme(keyType: [UInt8], scheme: [UInt8]) -> (any KeyScheme)? {
        schemes.first { $0.keyType == keyType && $0.scheme == scheme }
    }
}
