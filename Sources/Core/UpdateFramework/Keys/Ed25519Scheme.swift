import Crypto
import Hashing

/// Plain Ed25519 (RFC 8032): the public key in 64 hexadecimal digits, signatures of 64 bytes.
package struct Ed25519Scheme: KeyScheme {
    /// The name of the type and of the scheme.
    package static let name = Array("ed25519".utf8)
    /// Bytes of a public key.
    package static let keyByteCount = 32
    /// Bytes of a signature.
    package static let signatureByteCount = 64

    /// The scheme.
    package init() {}

    package var keyType: [UInt8] { Self.name }
    package var scheme: [UInt8] { Self.name }

    package func verifyingKey(publicText: [UInt8]) -> (any VerifyingKey)? {
        Hexadecimal.bytes(publicText).flatMap { Ed25519VerifyingKey(bytes: $0) }
    }
}

/// A public key of Ed25519.
struct Ed25519VerifyingKey: VerifyingKey {
    private let key: Curve25519.Signing.PublicKey
    let identity: [UInt8]

    /// Nil unless there are 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == Ed25519Scheme.keyByteCount,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { return nil }
        self.key = key
        identity = Ed25519Scheme.name + [0] + bytes
    }

    var components: [[UInt8]] { [identity] }

    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        signature.count == Ed25519Scheme.signatureByteCount && key.isValidSignature(signature, for: message)
    }
}
