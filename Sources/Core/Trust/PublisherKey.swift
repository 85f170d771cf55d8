import Crypto

/// A publisher's Ed25519 key: signs release documents. Only `fleetctl` ever holds one.
///
/// Printing it shows the fingerprint of its public half.
package struct PublisherKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The bytes of randomness that make a key.
    package static let seedByteCount = 32

    private let key: Curve25519.Signing.PrivateKey
    /// What verifies this key's signatures.
    package let publicKey: PublisherPublicKey

    /// The key of a seed of 32 random bytes, which the caller takes from the system's generator. Nil for any other
    /// number of bytes.
    package init?(seed: [UInt8]) {
        guard seed.count == Self.seedByteCount,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let publicKey = PublisherPublicKey(bytes: Array(key.publicKey.rawRepresentation))
        else { return nil }
        self.key = key
        self.publicKey = publicKey
    }

    /// From the contents of a secret key file: comments, and one line `ed25519-secret:BASE64`. Throws ``KeyTextError``.
    package init(text: String) throws(KeyTextError) {
        let seed = try KeyText.parse(text, type: KeyText.secretType)
        guard let key = Self(seed: seed) else { throw .badKey }
        self = key
    }

    /// The contents of a secret key file; whoever writes it gives it mode 0600.
    package func file(comment: String) -> String {
        """
        # \(KeyFileComment.clean(comment))
        # secret; signs releases; public key \(publicKey.text)
        \(KeyText.secretType):\(Base64.encode(Array(key.rawRepresentation)))

        """
    }

    /// The signature over the bytes of a release document, under the domain of releases.
    package func sign(document: [UInt8]) throws -> ReleaseSignature {
        let signature = try key.signature(for: SignatureDomain.release.message(document))
        return ReleaseSignature(keyID: publicKey.keyID, algorithm: .ed25519, bytes: Array(signature))
    }

    /// Never the secret.
    package var description: String { "publisher key \(publicKey.fingerprint)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey.text]) }
}
