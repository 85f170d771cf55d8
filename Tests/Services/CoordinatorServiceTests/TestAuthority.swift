import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate authority of tests: unlike the real one it also issues what must be refused.
struct TestAuthority {
    let certificate: Certificate
    /// Its key in PEM.
    let keyPEM: String
    private let key: Certificate.PrivateKey
    private let name: DistinguishedName

    init() throws {
        name = try DistinguishedName { CommonName("test authority") }
        let secret = P256.Signing.PrivateKey()
        keyPEM = secret.pemRepresentation
        key = Certificate.PrivateKey(secret)
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: -86_400),
            notValidAfter: Date(timeIntervalSinceNow: 1_000 * 86_400),
            issuer: name, subject: name,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
                SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://lab")])
            }, issuerPrivateKey: key)
    }

    /// A certificate for `uri`, valid from `from` to `to` in seconds from now, and its key.
    func issue(uri: String, from: Double = -3_600, to: Double = 3_600) throws -> (Certificate, P256.Signing.PrivateKey)
    {
        let leaf = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PrivateKey(leaf).publicKey, notValidBefore: Date(timeIntervalSinceNow: from),
            notValidAfter: Date(timeIntervalSinceNow: to), issuer: name,
            subject: try DistinguishedName { CommonName("test host") },
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames([.uniformResourceIdentifier(uri)])
            }, issuerPrivateKey: key)
        return (certificate, leaf)
    }
}
