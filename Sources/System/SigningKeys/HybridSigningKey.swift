import Crypto
package import UpdateFramework

/// The secret half of a hybrid key `mldsa65-ed25519`. Signing takes randomness from the system, as FIPS 204 recommends.
///
/// Printing it shows the id of its public half.
package struct HybridSigningKey: MetadataSigner, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The bytes of randomness that make a key: 32 for ML-DSA-65, then 32 for Ed25519. They are used nowhere else.
    package static let seedByteCount = 64

    private let lattice: MLDSA65.PrivateKey
    private let curve: Curve25519.Signing.PrivateKey
    package let key: MetadataKey

    /// The key of a seed of 64 random bytes, which the caller takes from the system's generator. Nil for any other number
    /// of bytes.
    package init?(seed: [UInt8]) {
        guard seed.count == Self.seedByteCount,
            let lattice = try? MLDSA65.PrivateKey(seedRepresentation: seed.prefix(32), publicKey: nil),
            let curve = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed.suffix(32)),
            let key = MetadataKey(
                scheme: MLDSA65Ed25519Scheme(),
                publicBytes: Array(lattice.publicKey.rawRepresentation) + curve.publicKey.rawRepresentation)
        else { return nil }
        self.lattice = lattice
        self.curve = curve
        self.key = key
    }

    /// Both signatures over `message`, ML-DSA's first. Throws an error of Crypto.
    package func sign(_ message: [UInt8]) throws -> [UInt8] {
        let signed = MLDSA65Ed25519Scheme.representative(of: message)
        return Array(try lattice.signature(for: signed, context: MLDSA65Ed25519Scheme.label))
            + (try curve.signature(for: signed))
    }

    /// Never the secret.
    package var description: String { "hybrid signing key \(key.id)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": "\(key.id)"]) }
}
