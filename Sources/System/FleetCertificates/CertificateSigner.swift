import Crypto
import FoundationEssentials
import SwiftASN1
import Trust
import X509

/// A key that issues certificates of a fleet, with its own certificate: the authority's, or an issuing key's.
struct CertificateSigner: Sendable {
    /// Where an operator's signed word that the host is a member stands in a certificate from an issuing key: an arc for
    /// experiments, since nobody but Mirrorfleet reads it.
    static let admissionOID: ASN1ObjectIdentifier = [1, 3, 6, 1, 3, 7443, 1]

    let fleet: String
    let certificate: Certificate
    let key: P256.Signing.PrivateKey

    /// What a certificate says.
    struct Wish {
        var identity: FleetIdentity
        var publicKey: P256.Signing.PublicKey
        var days: Int
        var now: Int64
        var admission: [UInt8]?
    }

    /// The certificate in PEM, and its last second. Throws ``CredentialError``.
    func issue(_ wish: Wish) throws(CredentialError) -> (pem: String, notAfter: Int64) {
        let identity = wish.identity
        guard identity.fleet == fleet else {
            throw CredentialError(
                .notIssuable, identity.uri, "this is the authority of fleet \(fleet)",
                remedy: "use the authority of fleet \(identity.fleet)")
        }
        let notAfter = try end(after: wish.days, from: wish.now, what: identity.uri)
        do {
            let hostKey = Certificate.PublicKey(wish.publicKey)
            let issued = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: hostKey,
                notValidBefore: CertificateFile.date(wish.now - CertificateAuthority.backdating),
                notValidAfter: CertificateFile.date(notAfter),
                issuer: certificate.subject, subject: try Self.subject(identity.name),
                signatureAlgorithm: .ecdsaWithSHA256, extensions: try extensions(for: wish, hostKey),
                issuerPrivateKey: Certificate.PrivateKey(key))
            return (try CertificateFile.pem(issued), notAfter)
        } catch {
            throw CredentialError(
                .notIssuable, identity.uri, "it cannot be issued (\(error))", remedy: "this is a fault of the program")
        }
    }

    /// The certificate of an issuing key below this one. Throws ``CredentialError``.
    func issueIssuingKey(
        _ publicKey: P256.Signing.PublicKey, days: Int, now: Int64
    ) throws(CredentialError) -> (pem: String, notAfter: Int64) {
        let notAfter = try end(after: days, from: now, what: "issuing key")
        do {
            let key = Certificate.PublicKey(publicKey)
            let issued = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
                notValidBefore: CertificateFile.date(now - CertificateAuthority.backdating),
                notValidAfter: CertificateFile.date(notAfter), issuer: certificate.subject,
                subject: try Self.subject("\(fleet) issuing key"), signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true))
                    SubjectKeyIdentifier(hash: key)
                    authorityKeyIdentifier
                    SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://\(fleet)")])
                },
                issuerPrivateKey: Certificate.PrivateKey(self.key))
            return (try CertificateFile.pem(issued), notAfter)
        } catch {
            throw CredentialError(
                .notIssuable, "issuing key", "it cannot be made (\(error))", remedy: "this is a fault of the program")
        }
    }

    private func end(after days: Int, from now: Int64, what: String) throws(CredentialError) -> Int64 {
        guard days >= 1, days <= CertificateAuthority.maximumDays else {
            throw CredentialError(
                .notIssuable, what, "\(days) days are not 1 to \(CertificateAuthority.maximumDays)",
                remedy: "choose fewer days")
        }
        let notAfter = now + Int64(days) * 86_400
        let ownNotAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        guard notAfter <= ownNotAfter else {
            throw CredentialError(
                .notIssuable, what,
                "it would outlive the authority, which ends at \(CertificateFile.text(ownNotAfter))",
                remedy: "choose fewer days, or make a new authority")
        }
        return notAfter
    }

    private static func subject(_ name: String) throws -> DistinguishedName {
        try DistinguishedName {
            OrganizationName("mirrorfleet")
            CommonName(name)
        }
    }

    private var authorityKeyIdentifier: AuthorityKeyIdentifier {
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
    }

    private func extensions(for wish: Wish, _ hostKey: Certificate.PublicKey) throws -> Certificate.Extensions {
        var extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            SubjectAlternativeNames([.uniformResourceIdentifier(wish.identity.uri), .dnsName(wish.identity.name)])
            SubjectKeyIdentifier(hash: hostKey)
            authorityKeyIdentifier
        }
        if let admission = wish.admission {
            try extensions.append(.init(oid: Self.admissionOID, critical: false, value: admission[...]))
        }
        return extensions
    }
}
