package import UpdateFramework

/// The kinds of keys that Mirrorfleet makes, by their names in key files.
package enum SigningKeyKind: String, Sendable, CaseIterable {
    /// ML-DSA-65 and Ed25519 as one key.
    case hybrid = "mldsa65-ed25519"
    /// Ed25519 alone, which every client of TUF knows.
    case classic = "ed25519"

    /// The bytes of randomness that make a key.
    package var seedByteCount: Int {
        switch self {
        case .hybrid: HybridSigningKey.seedByteCount
        case .classic: Ed25519Scheme.keyByteCount
        }
    }

    /// The bytes of a signature.
    package var signatureByteCount: Int {
        switch self {
        case .hybrid: MLDSA65Ed25519Scheme.signatureByteCount
        case .classic: Ed25519Scheme.signatureByteCount
        }
    }

    /// The kind of `key`; nil if it is another.
    package init?(of key: MetadataKey) {
        guard key.verifying != nil else { return nil }
        self.init(rawValue: String(decoding: key.keyType, as: UTF8.self))
    }

    /// What signs with the key of `seed`; nil for another number of bytes.
    package func signer(seed: [UInt8]) -> (any MetadataSigner)? {
        switch self {
        case .hybrid: HybridSigningKey(seed: seed)
        case .classic: Ed25519SigningKey(seed: seed)
        }
    }

    /// The public key of these bytes; nil if they are none.
    package func publicKey(_ bytes: [UInt8]) -> MetadataKey? {
        switch self {
        case .hybrid: MetadataKey(scheme: MLDSA65Ed25519Scheme(), publicBytes: bytes)
        case .classic: MetadataKey(scheme: Ed25519Scheme(), publicBytes: bytes)
        }
    }
}
