import Crypto
import FoundationEssentials
package import Trust
import X509

/// The key with which a coordinator gives certificates to agents, below the fleet's authority, which stays offline.
///
/// Whoever has it can pose as agents that operators admitted, and as nobody else: every verifier demands, of a
/// certificate from such a key, the role `agent` and an operator's signed word that the host is a member, which stands in
/// the certificate (decision 0015).
package struct IssuingKey: Sendable {
    /// Days that a certificate of an agent counts; it is renewed after a third of them.
    package static let days = 30

    /// The fleet.
    package let fleet: String
    /// The issuing key's certificate in PEM: hosts show it with their own.
    package let certificatePEM: String
    /// The last second at which it counts, since 1970.
    package let notAfter: Int64
    private let signer: CertificateSigner
    private let operators: OperatorAuthority

    /// Reads an issuing key that the authority in `authorityPath` certified. Throws ``CredentialError``.
    package init(certificatePath: String, keyPath: String, authorityPath: String) throws(CredentialError) {
        certificatePEM = try KeyFile.read(certificatePath, .open)
        let certificate = try CertificateFile.parseOne(certificatePEM, place: certificatePath)
        let key = try CertificateFile.parseKey(try KeyFile.read(keyPath, .secret), place: keyPath)
        let authority = try AuthorityCertificate(
            try CertificateFile.parseOne(try KeyFile.read(authorityPath, .open), place: authorityPath),
            place: authorityPath)
        var isIssuing = false
        if case .isCertificateAuthority? = try? certificate.extensions.basicConstraints { isIssuing = true }
        guard isIssuing, authority.issued(certificate), certificate.subject != authority.certificate.subject else {
            throw CredentialError(
                .otherAuthority, certificatePath, "is no issuing key of the authority in \(authorityPath)",
                remedy: "make one: fleetctl keys issuing")
        }
        guard Certificate.PublicKey(key.publicKey) == certificate.publicKey else {
            throw CredentialError(
                .otherKey, keyPath, "is not the key of \(certificatePath)", remedy: "name the two that belong together")
        }
        fleet = authority.fleet
        notAfter = Int64(certificate.notValidAfter.timeIntervalSince1970)
        signer = CertificateSigner(fleet: authority.fleet, certificate: certificate, key: key)
        operators = OperatorAuthority(authority)
    }

    /// A certificate for the agent that an operator admitted by `word`, with the issuing key's behind it: what a host
    /// shows. Whoever asks must have shown that it has the key. Throws ``CredentialError``.
    package func issue(
        _ word: SignedStanding, subjectPublicKeyInfo: [UInt8], now: Int64
    ) throws(CredentialError) -> IssuedCertificate {
        let standing: HostStanding
        let identity: FleetIdentity
        do {
            standing = try operators.verify(word)
            identity = try FleetIdentity(fleet: fleet, role: .agent, name: standing.name)
        } catch {
            throw CredentialError(.notIssuable, "admission", "\(error)", remedy: "fleetctl mirror enrol")
        }
        guard standing.isMember else {
            throw CredentialError(
                .notIssuable, identity.uri, "an operator said that it is no member", remedy: "fleetctl mirror enrol")
        }
        // Near its own end the key gives what is left of it: hosts renew, and by then there is another.
        let days = min(Self.days, Int((notAfter - now) / 86_400))
        let issued = try signer.issue(
            CertificateSigner.Wish(
                identity: identity, publicKey: try CertificateRequest.publicKey(subjectPublicKeyInfo, of: identity),
                days: days, now: now, admission: word.encode()))
        return IssuedCertificate(
            certificatePEM: issued.pem + certificatePEM, keyPEM: nil, notAfter: issued.notAfter)
    }
}

extension IssuingKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "issuing key of fleet \(fleet)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["fleet": fleet]) }
}
