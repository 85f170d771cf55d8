import FleetCertificates
import FleetModel

/// The folder with the keys of the fleet's certificates: the certificate authority and the operator's certificate.
///
/// It stays on the operator's machine. What a host needs is issued from it into a folder of that host.
struct FleetKeys {
    /// Days that a certificate counts that nobody renews; those of hosts that join by token renew themselves.
    static let defaultDays = 825

    let folder: String

    var authorityCertificate: String { "\(folder)/authority.pem" }
    var authorityKey: String { "\(folder)/authority.key" }

    /// Makes the authority and an operator's certificate. Replaces nothing that is there.
    func make(fleet: String) throws {
        let authority = try CertificateAuthority.create(fleet: fleet)
        try TextFile.makeFolder(folder, mode: 0o700)
        try authority.save(certificatePath: authorityCertificate, keyPath: authorityKey)
        try issue(.operator, name: "operator", days: Self.defaultDays, into: folder, as: "operator")
    }

    /// Issues a certificate and its key as `BASENAME.pem` and `BASENAME.key` in `target`, beside a copy of the
    /// authority's certificate, which a host needs to check others.
    func issue(_ role: FleetRole, name: String, days: Int, into target: String, as basename: String) throws {
        let authority = try CertificateAuthority.load(certificatePath: authorityCertificate, keyPath: authorityKey)
        let identity = try FleetIdentity(fleet: authority.fleet, role: role, name: name)
        try TextFile.makeFolder(target)
        try authority.issue(identity, days: days)
            .save(certificatePath: "\(target)/\(basename).pem", keyPath: "\(target)/\(basename).key")
        guard target != folder else { return }
        try TextFile.write(authority.certificatePEM, to: "\(target)/authority.pem")
    }

    /// Makes an issuing key for a coordinator, as `issuing.pem` and `issuing.key` in `target`.
    func issueIssuingKey(days: Int, into target: String) throws {
        let authority = try CertificateAuthority.load(certificatePath: authorityCertificate, keyPath: authorityKey)
        try TextFile.makeFolder(target)
        try authority.issueIssuingKey(days: days)
            .save(certificatePath: "\(target)/issuing.pem", keyPath: "\(target)/issuing.key")
    }
}
