import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A coordinator's issuing key in the hands of somebody who signs what he likes with it.
struct StolenIssuingKey {
    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    init(certificatePath: String, keyPath: String) throws {
        certificate = try Certificate(pemEncoded: String(contentsOfFile: certificatePath, encoding: .utf8))
        key = try P256.Signing.PrivateKey(pemRepresentation: String(contentsOfFile: keyPath, encoding: .utf8))
    }

    /// A certificate with that name and those bytes in the place of an operator's word, in DER.
    func issue(uri: String, admission: [UInt8]?) throws -> [UInt8] {
        try der(pem(uri: uri, admission: admission, keyPEM: P256.Signing.PrivateKey().pemRepresentation))
    }

    func pem(uri: String, admission: [UInt8]?, keyPEM: String) throws -> String {
        var extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            SubjectAlternativeNames([.uniformResourceIdentifier(uri)])
        }
        if let admission {
            try extensions.append(.init(oid: [1, 3, 6, 1, 3, 7443, 1], critical: false, value: admission[...]))
        }
        let forged = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(P256.Signing.PrivateKey(pemRepresentation: keyPEM).publicKey),
            notValidBefore: Date(timeIntervalSince1970: Double(Enrolled.now)),
            notValidAfter: Date(timeIntervalSince1970: Double(Enrolled.now + Enrolled.day)),
            issuer: certificate.subject, subject: DistinguishedName { CommonName("forged") },
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(key))
        return try forged.serializeAsPEM().pemString + "\n"
    }
}
