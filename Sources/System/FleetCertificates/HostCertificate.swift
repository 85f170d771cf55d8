import Crypto
import FoundationEssentials
import SwiftASN1
package import Trust
import X509

/// A host's certificate, read strictly: who it names, its key, until when it counts. That the fleet's authority issued
/// it is for TLS to verify, or for ``HostCredentials``.
package struct HostCertificate: Sendable {
    /// Who the host is.
    package let identity: FleetIdentity
    /// Verifies the host's reports.
    package let reportKey: ReportPublicKey
    /// The first second at which the certificate counts, since 1970.
    package let notBefore: Int64
    /// The last second at which the certificate counts, since 1970.
    package let notAfter: Int64
    /// The bytes that stand where an operator's word that the host is a member does; nil: there are none.
    let admission: [UInt8]?
    let certificate: Certificate

    /// Reads a certificate in DER. Throws ``IdentityError``.
    package init(der: [UInt8]) throws(IdentityError) {
        let certificate: Certificate
        do {
            certificate = try Certificate(derEncoded: der)
        } catch {
            throw .notACertificate("\(error)")
        }
        try self.init(certificate)
    }

    init(_ certificate: Certificate) throws(IdentityError) {
        if case .isCertificateAuthority = try Self.constraints(of: certificate) { throw .authority }
        let uris = try Self.uris(of: certificate)
        guard uris.count == 1, let uri = uris.first else { throw .wrongNumberOfURIs(uris.count) }
        guard let key = P256.Signing.PublicKey(certificate.publicKey),
            let reportKey = ReportPublicKey(x963: Array(key.x963Representation))
        else { throw .otherKey }
        self.identity = try FleetIdentity(uri: uri)
        self.reportKey = reportKey
        self.notBefore = Int64(certificate.notValidBefore.timeIntervalSince1970)
        self.notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        admission = certificate.extensions.first { $0.oid == CertificateSigner.admissionOID }.map { Array($0.value) }
        self.certificate = certificate
    }

    /// All URIs among the subject's alternative names; a certificate may have the extension once only.
    static func uris(of certificate: Certificate) throws(IdentityError) -> [String] {
        let extensions = certificate.extensions.filter { $0.oid == .X509ExtensionID.subjectAlternativeName }
        guard extensions.count <= 1 else { throw .wrongNumberOfURIs(extensions.count) }
        do {
            return try extensions.flatMap { try SubjectAlternativeNames($0) }.compactMap { name in
                if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
            }
        } catch {
            throw .notACertificate("\(error)")
        }
    }

    private static func constraints(of certificate: Certificate) throws(IdentityError) -> BasicConstraints? {
        do {
            return try certificate.extensions.basicConstraints
        } catch {
            throw .notACertificate("\(error)")
        }
    }
}

extension FleetIdentity {
    /// Who a certificate in DER names: exactly one URI, `spiffe://FLEET/ROLE/NAME`. That the fleet's authority issued
    /// the certificate must have been verified before. Throws ``IdentityError``.
    package init(certificateDER: [UInt8]) throws(IdentityError) {
        self = try HostCertificate(der: certificateDER).identity
    }
}
