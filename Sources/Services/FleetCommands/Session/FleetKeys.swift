import FleetCertificates
import FleetModel
import Trust

/// The folder with the fleet's keys: the certificate authority, the operator's certificate, the publisher's key.
///
/// It stays on the operator's machine. What a host needs is issued from it into a folder of that host.
struct FleetKeys {
    /// Days that a certificate counts; there is no renewal by itself yet.
    static let defaultDays = 825

    let folder: String

    var authorityCertificate: String { "\(folder)/authority.pem" }
    var authorityKey: String { "\(folder)/authority.key" }
    var publisherKey: String { "\(folder)/publisher.key" }
    var publisherPublicKey: String { "\(folder)/publisher.pub" }

    /// Makes the authority, the publisher's key and an operator's certificate. Replaces nothing that is there.
    func make(fleet: String) throws {
        let authority = try CertificateAuthority.create(fleet: fleet)
        try TextFile.makeFolder(folder, mode: 0o700)
        try authority.save(certificatePath: authorityCertificate, keyPath: authorityKey)
        guard let publisher = PublisherKey(seed: RandomBytes.make(count: PublisherKey.seedByteCount)) else {
            throw FleetctlError(.failed, "no publisher's key could be made")
        }
        try KeyFile.write(publisher.file(comment: "publisher of fleet \(fleet)"), to: publisherKey, .secret)
        try KeyFile.write(
            publisher.publicKey.file(comment: "publisher of fleet \(fleet)"), to: publisherPublicKey, .open)
        try issue(.operator, name: "operator", days: Self.defaultDays, into: folder, as: "operator")
    }

    /// Issues a certificate and its key as `BASENAME.pem` and `BASENAME.key` in `target`, beside copies of the
    /// authority's certificate and the publisher's public key that a host needs to check others.
    func issue(_ role: FleetRole, name: String, days: Int, into target: String, as basename: String) throws {
        let authority = try CertificateAuthority.load(certificatePath: authorityCertificate, keyPath: authorityKey)
        let identity = try FleetIdentity(fleet: authority.fleet, role: role, name: name)
        try TextFile.makeFolder(target)
        try authority.issue(identity, days: days)
            .save(certificatePath: "\(target)/\(basename).pem", keyPath: "\(target)/\(basename).key")
        guard target != folder else { return }
        try TextFile.write(authority.certificatePEM, to: "\(target)/authority.pem")
        try TextFile.write(TextFile.read(publisherPublicKey), to: "\(target)/publisher.pub")
    }
}
