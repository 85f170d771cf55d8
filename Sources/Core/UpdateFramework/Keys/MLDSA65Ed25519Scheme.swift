import Crypto
import Hashing

/// The hybrid key: ML-DSA-65 and Ed25519 as one key with one id, after draft-ietf-lamps-pq-composite-sigs
/// (id-MLDSA65-Ed25519-SHA512). Both halves must verify, so it holds as long as either algorithm does, and a threshold
/// still counts people.
package struct MLDSA65Ed25519Scheme: KeyScheme {
    /// The name of the type and of the scheme.
    package static let name = Array("mldsa65-ed25519".utf8)
    /// Bytes of an ML-DSA-65 public key, which comes first.
    package static let mldsaKeyByteCount = 1_952
    /// Bytes of an ML-DSA-65 signature, which comes first.
    package static let mldsaSignatureByteCount = 3_309
    /// Bytes of a public key.
    package static let keyByteCount = mldsaKeyByteCount + Ed25519Scheme.keyByteCount
    /// Bytes of a signature.
    package static let signatureByteCount = mldsaSignatureByteCount + Ed25519Scheme.signatureByteCount
    /// What binds the halves to each other: part of the message, and ML-DSA's context.
    package static let label = Array("COMPSIG-MLDSA65-Ed25519-SHA512".utf8)

    private static let prefix = Array("CompositeAlgorithmSignatures2025".utf8)

    /// The scheme.
    package init() {}

    package var keyType: [UInt8] { Self.name }
    package var scheme: [UInt8] { Self.name }

    package func verifyingKey(publicText: [UInt8]) -> (any VerifyingKey)? {
        Hexadecimal.bytes(publicText).flatMap { MLDSA65Ed25519VerifyingKey(bytes: $0) }
    }

    /// What both halves sign for `message`. TUF has no context; `context` is for the vectors of the draft, and has at
    /// most 255 bytes.
    package static func representative(of message: [UInt8], context: [UInt8] = []) -> [UInt8] {
        precondition(context.count <= 255, "a context of \(context.count) bytes")
        return prefix + label + [UInt8(context.count)] + context + Array(SHA512.hash(data: message))
    }
}

/// A public key of the hybrid scheme.
package struct MLDSA65Ed25519VerifyingKey: VerifyingKey {
    private let lattice: MLDSA65.PublicKey
    private let curve: Curve25519.Signing.PublicKey
    package let identity: [UInt8]
    package let components: [[UInt8]]

    /// Nil unless there are 1,984 bytes that are two public keys.
    package init?(bytes: [UInt8]) {
        guard bytes.count == MLDSA65Ed25519Scheme.keyByteCount else { return nil }
        let first = Array(bytes.prefix(MLDSA65Ed25519Scheme.mldsaKeyByteCount))
        let second = Array(bytes.suffix(Ed25519Scheme.keyByteCount))
        guard let lattice = try? MLDSA65.PublicKey(rawRepresentation: first),
            let curve = try? Curve25519.Signing.PublicKey(rawRepresentation: second)
        else { return nil }
        self.lattice = lattice
        self.curve = curve
        identity = MLDSA65Ed25519Scheme.name + [0] + bytes
        components = [Array("mldsa65".utf8) + [0] + first, Ed25519Scheme.name + [0] + second]
    }

    package func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        isValid(signature, for: message, context: [])
    }

    /// The same with a context, for the vectors of the draft.
    package func isValid(_ signature: [UInt8], for message: [UInt8], context: [UInt8]) -> Bool {
        guard signature.count == MLDSA65Ed25519Scheme.signatureByteCount else { return false }
        let signed = MLDSA65Ed25519Scheme.representative(of: message, context: context)
        // The cheaper half first: a forger of it is the likelier one.
        return curve.isValidSignature(signature.suffix(Ed25519Scheme.signatureByteCount), for: signed)
            && lattice.isValidSignature(
                signature.prefix(MLDSA65Ed25519Scheme.mldsaSignatureByteCount), for: signed,
                context: MLDSA65Ed25519Scheme.label)
    }
}
