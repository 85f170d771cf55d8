package import Trust
import X509

/// Verifies terms: that an operator, whom the fleet's authority certified, declared them.
package struct TermAuthority: Sendable {
    private let authority: AuthorityCertificate

    /// Reads the authority's certificate, PEM, from the file `path`. Throws ``CredentialError``.
    package init(authorityPath path: String) throws(CredentialError) {
        authority = try AuthorityCertificate(
            try CertificateFile.parseOne(try KeyFile.read(path, .open), place: path), place: path)
    }

    /// The term in `signed`. Throws ``TermError``.
    ///
    /// The operator's certificate must have counted when the term was signed; that it has expired since changes nothing,
    /// or no agent could join a fleet whose term is old.
    package func verify(_ signed: SignedTerm) throws(TermError) -> FleetTerm {
        let host: HostCertificate
        let term: FleetTerm
        do {
            host = try HostCertificate(der: signed.certificate)
            term = try FleetTerm(decoding: signed.body)
        } catch {
            throw .malformed("\(error)")
        }
        guard host.certificate.issuer == authority.certificate.subject,
            authority.certificate.publicKey.isValidSignature(host.certificate.signature, for: host.certificate)
        else { throw .otherAuthority }
        guard host.identity.role == .operator, host.identity.fleet == authority.fleet else {
            throw .notAnOperator(host.identity.uri)
        }
        guard signed.isSigned(by: host.reportKey) else { throw .wronglySigned(by: host.identity.uri) }
        guard term.fleet == authority.fleet else { throw .otherFleet(term.fleet) }
        guard host.notBefore <= term.signedAt, term.signedAt <= host.notAfter else {
            throw .outOfTime(host.identity.uri)
        }
        return term
    }
}

/// Why a term is refused.
package enum TermError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are none.
    case malformed(String)
    /// The certificate inside is not issued by the fleet's authority.
    case otherAuthority
    /// The certificate inside is not an operator's.
    case notAnOperator(String)
    /// The signature is not by the certificate's key over this term.
    case wronglySigned(by: String)
    /// It is another fleet's.
    case otherFleet(String)
    /// It was signed before the certificate counted, or after.
    case outOfTime(String)

    package var description: String {
        switch self {
        case .malformed(let what): "the signed term is malformed: \(what)"
        case .otherAuthority: "the term is signed with a certificate that is not of this fleet's authority"
        case .notAnOperator(let uri): "the term is signed by \(uri), and only an operator declares terms"
        case .wronglySigned(let uri): "the term carries a signature in the name of \(uri) that is not by its key"
        case .otherFleet(let fleet): "the term is that of fleet \(fleet)"
        case .outOfTime(let uri): "the term was signed when the certificate of \(uri) did not count"
        }
    }
}

extension HostCredentials {
    /// Signs a term with the operator's key. Throws ``CredentialError`` if the certificate cannot be read again.
    package func sign(_ term: FleetTerm) throws -> SignedTerm {
        let body = term.encode()
        let certificate = try CertificateFile.parse(certificatePEM, place: certificatePath)[0]
        return SignedTerm(
            body: body, certificate: CertificateFile.der(certificate) ?? [],
            signature: try signature(for: SignedTerm.signedBytes(body: body)))
    }
}
