import Content
import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A certificate with its key, new from the authority.
package struct IssuedCertificate: Sendable {
    /// The certificate in PEM.
    package let certificatePEM: String
    /// The key in PEM (PKCS #8); nil if the host made its own.
    package let keyPEM: String?
    /// The last second at which the certificate counts, since 1970.
    package let notAfter: Int64

    /// Writes both files, the key first, and replaces what is there: so that a new certificate is never seen beside
    /// the old key for longer than a moment. Throws ``CredentialError``.
    package func save(certificatePath: String, keyPath: String) throws(CredentialError) {
        if let keyPEM {
            try KeyFile.write(keyPEM, to: keyPath, .secret, replacing: true)
        }
        try KeyFile.write(certificatePEM, to: certificatePath, .open, replacing: true)
    }
}

/// The fleet's own certificate authority: says which key is which host. P-256; below it at most one level of issuing keys.
package struct CertificateAuthority: Sendable {
    /// How long an authority counts: 20 years. Replacing it means re-enrolling every host.
    package static let lifetimeInDays = 7305
    /// The longest that a host's certificate may count: 10 years (a lab's; a fleet renews long before).
    package static let maximumDays = 3650
    /// Days that an issuing key counts: two years. A new one needs nothing of the hosts.
    package static let issuingKeyDays = 730
    /// How far certificates are dated back, in seconds: what clocks of a fleet may differ by.
    package static let backdating: Int64 = 3600

    /// The fleet.
    package let fleet: String
    /// The certificate in PEM: what every host trusts.
    package let certificatePEM: String
    let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    /// What a person compares: `SHA256:` and the digest of the certificate.
    package var fingerprint: String { CertificateFile.fingerprint(of: certificate) }

    /// A new authority with a new key; nothing is written. `now` is in seconds since 1970. Throws ``CredentialError``.
    package static func create(fleet: String, now: Int64? = nil) throws(CredentialError) -> CertificateAuthority {
        guard PlainName.accepts(fleet) else {
            throw CredentialError(
                .notIssuable, "authority", "the fleet's name is not \(PlainName.rule)", remedy: "choose another name")
        }
        let key = P256.Signing.PrivateKey()
        let now = now ?? WallClock.now()
        do {
            let name = try DistinguishedName {
                OrganizationName("mirrorfleet")
                CommonName("\(fleet) authority")
            }
            let publicKey = Certificate.PublicKey(key.publicKey)
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: CertificateFile.date(now - backdating),
                notValidAfter: CertificateFile.date(now + Int64(lifetimeInDays) * 86_400),
                issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: publicKey)
                    SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://\(fleet)")])
                },
                issuerPrivateKey: Certificate.PrivateKey(key))
            return CertificateAuthority(
                fleet: fleet, certificatePEM: try CertificateFile.pem(certificate), certificate: certificate, key: key)
        } catch {
            throw CredentialError(
                .notIssuable, "authority", "it cannot be made (\(error))", remedy: "this is a fault of the program")
        }
    }

    /// Reads an authority from two files. Throws ``CredentialError``.
    package static func load(certificatePath: String, keyPath: String) throws(CredentialError) -> CertificateAuthority {
        let text = try KeyFile.read(certificatePath, .open)
        let certificate = try CertificateFile.parseOne(text, place: certificatePath)
        let fleet = try AuthorityCertificate(certificate, place: certificatePath).fleet
        let key = try CertificateFile.parseKey(try KeyFile.read(keyPath, .secret), place: keyPath)
        guard Certificate.PublicKey(key.publicKey) == certificate.publicKey else {
            throw CredentialError(
                .otherKey, keyPath, "is not the key of \(certificatePath)", remedy: "name the two that belong together")
        }
        return CertificateAuthority(fleet: fleet, certificatePEM: text, certificate: certificate, key: key)
    }

    /// Writes the certificate and the key; never over an authority that is there, since nothing would trust the hosts
    /// that it has enrolled. Throws ``CredentialError``.
    package func save(certificatePath: String, keyPath: String) throws(CredentialError) {
        try KeyFile.write(key.pemRepresentation + "\n", to: keyPath, .secret)
        try KeyFile.write(certificatePEM, to: certificatePath, .open)
    }

    /// A certificate for a host, with a new key. Throws ``CredentialError``.
    package func issue(
        _ identity: FleetIdentity, days: Int, now: Int64? = nil
    ) throws(CredentialError) -> IssuedCertificate {
        let hostKey = P256.Signing.PrivateKey()
        let issued = try signer.issue(
            CertificateSigner.Wish(
                identity: identity, publicKey: hostKey.publicKey, days: days, now: now ?? WallClock.now()))
        return IssuedCertificate(
            certificatePEM: issued.pem, keyPEM: hostKey.pemRepresentation + "\n", notAfter: issued.notAfter)
    }

    /// A certificate for a host that made its key itself; the key as SubjectPublicKeyInfo in DER. Whoever asks must
    /// have shown that it has the key. Throws ``CredentialError``.
    package func issue(
        _ identity: FleetIdentity, subjectPublicKeyInfo: [UInt8], days: Int, now: Int64? = nil
    ) throws(CredentialError) -> IssuedCertificate {
        let publicKey = try CertificateRequest.publicKey(subjectPublicKeyInfo, of: identity)
        let issued = try signer.issue(
            CertificateSigner.Wish(identity: identity, publicKey: publicKey, days: days, now: now ?? WallClock.now()))
        return IssuedCertificate(certificatePEM: issued.pem, keyPEM: nil, notAfter: issued.notAfter)
    }

    /// A new key with which a coordinator issues certificates of agents, and of nothing else: see ``IssuingKey``.
    /// Throws ``CredentialError``.
    package func issueIssuingKey(days: Int, now: Int64? = nil) throws(CredentialError) -> IssuedCertificate {
        guard try AuthorityCertificate(certificate, place: "authority").allowsIssuingKeys else {
            throw CredentialError(
                .notIssuable, "issuing key", "this authority was made by a version without issuing keys",
                remedy: "go on with `fleetctl keys issue`, or make a new authority and issue every certificate again")
        }
        let key = P256.Signing.PrivateKey()
        let issued = try signer.issueIssuingKey(key.publicKey, days: days, now: now ?? WallClock.now())
        return IssuedCertificate(
            certificatePEM: issued.pem, keyPEM: key.pemRepresentation + "\n", notAfter: issued.notAfter)
    }

    private var signer: CertificateSigner { CertificateSigner(fleet: fleet, certificate: certificate, key: key) }
}
