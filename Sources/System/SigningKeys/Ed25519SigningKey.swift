import Crypto
package import UpdateFramework

/// The secret half of a plain key `ed25519`, for repositories that every client of TUF has to read.
///
/// Printing it shows the id of its public half.
package struct Ed25519SigningKey: MetadataSigner, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let secret: Curve25519.Signing.PrivateKey
    package let key: MetadataKey

    /// The key of a seed of 32 random bytes, which the caller takes from the system's generator. Nil for any other number
    /// of bytes.
    package init?(seed: [UInt8]) {
        guard seed.count == Ed25519Scheme.keyByteCount,
            let secret = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let key = MetadataKey(
                scheme: Ed25519Scheme(), publicBytes: Array(secret.publicKey.rawRepresentation))
        else { return nil }
        self.secret = secret
        self.key = key
    }

    /// The signature over `message`. Throws an error of Crypto.
    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        Array(try secret.signature(for: message))
    }

    /// Never the secret.
    package var description: String { "signing key \(key.id)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": "\(key.id)"]) }
}
