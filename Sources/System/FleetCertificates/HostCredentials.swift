import Crypto
import FoundationEssentials
package import Trust
import X509

/// What a host shows to others: its certificate and key, and the authority that it trusts. Read once, and checked
/// against each other, so that a wrong file is named here and not guessed from a failed handshake.
package struct HostCredentials: Sendable {
    /// Where the certificate is.
    package let certificatePath: String
    /// Where the key is.
    package let keyPath: String
    /// Where the authority's certificate is.
    package let authorityPath: String
    /// The certificate, and perhaps others after it, in PEM.
    package let certificatePEM: String
    /// The key in PEM.
    package let keyPEM: String
    /// The authority's certificate in PEM.
    package let authorityPEM: String
    /// Who the host is.
    package let identity: FleetIdentity
    /// The last second at which the certificate counts, since 1970.
    package let notAfter: Int64
    /// When the certificate has counted for a third of its time, in seconds since 1970: an agent renews it from then on.
    package let renewAfter: Int64
    /// Whether a coordinator's issuing key issued the certificate: it is renewed there.
    package let isEnrolled: Bool
    /// Decides whom this host believes to be who.
    package let verifier: PeerVerifier
    /// The authority's, to compare.
    package let authorityFingerprint: String
    private let key: P256.Signing.PrivateKey

    /// Reads the three files, and refuses what cannot work: unreadable or damaged files, a key that others can read or
    /// that is not the certificate's, a certificate that names no host, is expired or not of this authority.
    /// `now` is in seconds since 1970. Throws ``CredentialError``.
    package init(
        certificatePath: String, keyPath: String, authorityPath: String, now: Int64? = nil
    ) throws(CredentialError) {
        let now = now ?? WallClock.now()
        certificatePEM = try KeyFile.read(certificatePath, .open)
        keyPEM = try KeyFile.read(keyPath, .secret)
        authorityPEM = try KeyFile.read(authorityPath, .open)
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.authorityPath = authorityPath

        let chain = try CertificateFile.parse(certificatePEM, place: certificatePath)
        let host: HostCertificate
        do {
            host = try HostCertificate(chain[0])
        } catch {
            throw CredentialError(
                .identity, certificatePath, "\(error)", remedy: "name the certificate that was issued for this host")
        }
        key = try CertificateFile.parseKey(keyPEM, place: keyPath)
        guard Array(key.publicKey.x963Representation) == host.reportKey.x963 else {
            throw CredentialError(
                .otherKey, keyPath, "is not the key of \(certificatePath)", remedy: "name the two that belong together")
        }
        let authority = try AuthorityCertificate(
            try CertificateFile.parseOne(authorityPEM, place: authorityPath), place: authorityPath)
        try Self.checkTime(authority.notBefore, authority.notAfter, now: now, path: authorityPath)
        try Self.checkTime(host.notBefore, host.notAfter, now: now, path: certificatePath)
        isEnrolled = try Self.check(
            host, above: Array(chain.dropFirst()), authority, certificatePath: certificatePath,
            authorityPath: authorityPath)
        identity = host.identity
        notAfter = host.notAfter
        let issuedAt = host.notBefore + CertificateAuthority.backdating
        renewAfter = issuedAt + max(0, host.notAfter - issuedAt) / 3
        authorityFingerprint = CertificateFile.fingerprint(of: authority.certificate)
        verifier = PeerVerifier(authority)
    }

    /// Signs a report with the host's key. Throws ``SignedReportError`` if the report is too large.
    package func sign(_ report: [UInt8]) throws -> SignedReport {
        try SignedReport(body: report, signature: signature(for: SignedReport.signedBytes(body: report)))
    }

    /// ECDSA over P-256 with SHA-256 by the host's key: two numbers of 32 bytes.
    func signature(for message: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: message).rawRepresentation)
    }

    /// Whether an issuing key issued the certificate; throws unless that or the authority itself did.
    private static func check(
        _ host: HostCertificate, above: [Certificate], _ authority: AuthorityCertificate, certificatePath: String,
        authorityPath: String
    ) throws(CredentialError) -> Bool {
        guard host.identity.fleet == authority.fleet else {
            throw otherAuthority(certificatePath, authority, authorityPath)
        }
        if authority.issued(host.certificate) { return false }
        guard authority.issued(host.certificate, through: above) else {
            throw otherAuthority(certificatePath, authority, authorityPath)
        }
        guard host.identity.role == .agent, host.admission != nil else {
            throw CredentialError(
                .identity, certificatePath, "is from the coordinator's issuing key, which makes agents only",
                remedy: "issue it with the fleet's authority: fleetctl keys issue")
        }
        return true
    }

    private static func otherAuthority(
        _ certificatePath: String, _ authority: AuthorityCertificate, _ authorityPath: String
    ) -> CredentialError {
        CredentialError(
            .otherAuthority, certificatePath,
            "is not issued by the authority in \(authorityPath)"
                + " (\(CertificateFile.fingerprint(of: authority.certificate)), fleet \(authority.fleet))",
            remedy: "issue it anew, or name the authority that issued it")
    }

    private static func checkTime(
        _ notBefore: Int64, _ notAfter: Int64, now: Int64, path: String
    ) throws(CredentialError) {
        guard now >= notBefore else {
            throw CredentialError(
                .notYetValid, path,
                "counts only from \(CertificateFile.text(notBefore)), and it is \(CertificateFile.text(now))",
                remedy: "set the clock right")
        }
        guard now <= notAfter else {
            throw CredentialError(
                .expired, path,
                "has expired at \(CertificateFile.text(notAfter)), and it is \(CertificateFile.text(now))",
                remedy: "enrol the host again, or issue a new one with the fleet's authority")
        }
    }
}
