import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A host's own new key, and the request by which it asks for a certificate: PKCS #10. It shows that the host has the
/// key; the names in it count for nothing.
package struct CertificateRequest: Sendable {
    /// The most bytes of a request: ours have some 250.
    package static let maximumByteCount = 4 << 10

    /// The request in DER.
    package let der: [UInt8]
    /// The key in PEM (PKCS #8).
    package let keyPEM: String

    /// A request with a new key. Throws ``CredentialError``.
    package init() throws(CredentialError) {
        try self.init(key: P256.Signing.PrivateKey())
    }

    /// A request with a key that was made before, in PEM; `place` names its file. Throws ``CredentialError``.
    package init(keyPEM: String, place: String) throws(CredentialError) {
        try self.init(key: CertificateFile.parseKey(keyPEM, place: place))
    }

    private init(key: P256.Signing.PrivateKey) throws(CredentialError) {
        do {
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName { CommonName("a host that joins") },
                privateKey: Certificate.PrivateKey(key), attributes: CertificateSigningRequest.Attributes(),
                signatureAlgorithm: .ecdsaWithSHA256)
            var serializer = DER.Serializer()
            try serializer.serialize(request)
            der = serializer.serializedBytes
        } catch {
            throw CredentialError(
                .notIssuable, "request", "it cannot be made (\(error))", remedy: "this is a fault of the program")
        }
        keyPEM = key.pemRepresentation + "\n"
    }

    /// The key that a request in DER asks for, once the request has shown that its sender has it; as
    /// SubjectPublicKeyInfo in DER. Throws ``CredentialError``.
    package static func subjectPublicKeyInfo(of der: [UInt8]) throws(CredentialError) -> [UInt8] {
        func refused(_ what: String) -> CredentialError {
            CredentialError(.notIssuable, "request", what, remedy: "let fleet-agent join make it")
        }
        guard der.count <= maximumByteCount else { throw refused("it has \(der.count) bytes") }
        guard let request = try? CertificateSigningRequest(derEncoded: der) else {
            throw refused("it is no certificate signing request")
        }
        guard let key = P256.Signing.PublicKey(request.publicKey) else {
            throw refused("its public key is not one of P-256")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw refused("it is not signed by its own key")
        }
        return Array(key.derRepresentation)
    }

    /// The key of a host that is to have `identity`. Throws ``CredentialError``.
    static func publicKey(
        _ subjectPublicKeyInfo: [UInt8], of identity: FleetIdentity
    ) throws(CredentialError) -> P256.Signing.PublicKey {
        guard let key = try? P256.Signing.PublicKey(derRepresentation: subjectPublicKeyInfo) else {
            throw CredentialError(
                .notIssuable, identity.uri, "its public key is not one of P-256", remedy: "make a P-256 key")
        }
        return key
    }
}

extension CertificateRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "certificate request of \(der.count) bytes" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["der": der.count]) }
}
