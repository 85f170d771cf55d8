import Crypto
import CryptoExtras
import UpdateFramework

/// The key types that others use and Mirrorfleet does not: public keys in PEM.
struct PEMScheme: KeyScheme {
    let keyType: [UInt8]
    let scheme: [UInt8]
    private let read: @Sendable (String) -> (any VerifyingKey)?

    /// ECDSA over P-256 with SHA-256, under both names that are in use for the type, and RSASSA-PSS with SHA-256.
    static let all: [any KeyScheme] = [
        PEMScheme("ecdsa", "ecdsa-sha2-nistp256") { P256Key(pem: $0) },
        PEMScheme("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") { P256Key(pem: $0) },
        PEMScheme("rsa", "rsassa-pss-sha256") { RSAKey(pem: $0) },
    ]

    private init(
        _ keyType: String, _ scheme: String, read: @escaping @Sendable (String) -> (any VerifyingKey)?
    ) {
        self.keyType = Array(keyType.utf8)
        self.scheme = Array(scheme.utf8)
        self.read = read
    }

    func verifyingKey(publicText: [UInt8]) -> (any VerifyingKey)? {
        String(validating: publicText, as: UTF8.self).flatMap(read)
    }
}

private struct P256Key: VerifyingKey {
    private let key: P256.Signing.PublicKey

    init?(pem: String) {
        guard let key = try? P256.Signing.PublicKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    var identity: [UInt8] { Array("ecdsa".utf8) + [0] + key.x963Representation }
    var components: [[UInt8]] { [identity] }

    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

private struct RSAKey: VerifyingKey {
    private let key: _RSA.Signing.PublicKey

    init?(pem: String) {
        guard let key = try? _RSA.Signing.PublicKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    var identity: [UInt8] { Array("rsa".utf8) + [0] + key.derRepresentation }
    var components: [[UInt8]] { [identity] }

    func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: message), padding: .PSS)
    }
}
