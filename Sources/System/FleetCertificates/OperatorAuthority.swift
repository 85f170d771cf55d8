package import Trust
import X509

/// Verifies what operators say to the fleet: that somebody whom the fleet's authority certified as one said it.
package struct OperatorAuthority: Sendable {
    private let authority: AuthorityCertificate

    /// Reads the authority's certificate, PEM, from the file `path`. Throws ``CredentialError``.
    package init(authorityPath path: String) throws(CredentialError) {
        self.init(
            try AuthorityCertificate(
                try CertificateFile.parseOne(try KeyFile.read(path, .open), place: path), place: path))
    }

    init(_ authority: AuthorityCertificate) {
        self.authority = authority
    }

    /// The statement in `signed`. Throws ``StatementError``.
    ///
    /// The operator's certificate must have counted when the statement was signed; that it has expired since changes
    /// nothing, or no agent could join a fleet whose term is old.
    package func verify<Statement: OperatorStatement>(
        _ signed: OperatorSigned<Statement>
    ) throws(StatementError) -> Statement {
        let host: HostCertificate
        let statement: Statement
        do {
            host = try HostCertificate(der: signed.certificate)
            statement = try Statement(decoding: signed.body)
        } catch {
            throw StatementError(Statement.kind, .malformed("\(error)"))
        }
        func refused(_ reason: StatementError.Reason) -> StatementError { StatementError(Statement.kind, reason) }
        guard authority.issued(host.certificate) else { throw refused(.otherAuthority) }
        guard host.identity.role == .operator, host.identity.fleet == authority.fleet else {
            throw refused(.notAnOperator(host.identity.uri))
        }
        guard signed.isSigned(by: host.reportKey) else { throw refused(.wronglySigned(by: host.identity.uri)) }
        guard statement.fleet == authority.fleet else { throw refused(.otherFleet(statement.fleet)) }
        guard host.notBefore <= statement.signedAt, statement.signedAt <= host.notAfter else {
            throw refused(.outOfTime(host.identity.uri))
        }
        return statement
    }
}

/// Why what an operator is said to have said is refused.
package struct StatementError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Reason: Hashable, Sendable {
        /// The bytes are none.
        case malformed(String)
        /// The certificate inside is not issued by the fleet's authority.
        case otherAuthority
        /// The certificate inside is not an operator's.
        case notAnOperator(String)
        /// The signature is not by the certificate's key over this statement.
        case wronglySigned(by: String)
        /// It is another fleet's.
        case otherFleet(String)
        /// It was signed before the certificate counted, or after.
        case outOfTime(String)
    }

    /// What kind of statement it is, e.g. "term".
    package let kind: String
    /// What is wrong with it.
    package let reason: Reason

    /// The error for a statement of that kind.
    package init(_ kind: String, _ reason: Reason) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String {
        switch reason {
        case .malformed(let what): "the signed \(kind) is malformed: \(what)"
        case .otherAuthority: "the \(kind) is signed with a certificate that is not of this fleet's authority"
        case .notAnOperator(let uri): "the \(kind) is signed by \(uri), and only an operator declares one"
        case .wronglySigned(let uri):
            "the \(kind) carries a signature in the name of \(uri) that is not by its key"
        case .otherFleet(let fleet): "the \(kind) is that of fleet \(fleet)"
        case .outOfTime(let uri): "the \(kind) was signed when the certificate of \(uri) did not count"
        }
    }
}

extension HostCredentials {
    /// Signs a statement with the operator's key. Throws ``CredentialError`` if the certificate cannot be read again.
    package func sign<Statement: OperatorStatement>(_ statement: Statement) throws -> OperatorSigned<Statement> {
        let body = statement.encode()
        let certificate = try CertificateFile.parse(certificatePEM, place: certificatePath)[0]
        return OperatorSigned(
            body: body, certificate: CertificateFile.der(certificate) ?? [],
            signature: try signature(for: OperatorSigned<Statement>.signedBytes(body: body)))
    }
}
