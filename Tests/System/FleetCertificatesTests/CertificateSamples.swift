import Crypto
import FleetCertificates
import FoundationEssentials
import Glibc
import SwiftASN1
import Testing
import X509

/// A folder that is gone with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/fleet-certificates-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        return stat(file(name), &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

/// An authority with a host's credentials, as files.
struct Enrolled {
    static let now: Int64 = 1_767_225_600
    static let day: Int64 = 86_400
    let folder: ScratchFolder
    let authority: CertificateAuthority
    let identity: FleetIdentity

    init(role: FleetRole = .agent, name: String = "m1", days: Int = 30) throws {
        folder = try ScratchFolder()
        authority = try CertificateAuthority.create(fleet: "example", now: Self.now)
        identity = try FleetIdentity(fleet: "example", role: role, name: name)
        try authority.save(certificatePath: folder.file("authority.pem"), keyPath: folder.file("authority.key"))
        try authority.issue(identity, days: days, now: Self.now)
            .save(certificatePath: folder.file("host.pem"), keyPath: folder.file("host.key"))
    }

    func credentials(
        certificate: String = "host.pem", key: String = "host.key", authority: String = "authority.pem",
        now: Int64 = Self.now
    ) throws -> HostCredentials {
        try HostCredentials(
            certificatePath: folder.file(certificate), keyPath: folder.file(key),
            authorityPath: folder.file(authority), now: now)
    }
}

/// DER of a certificate in PEM.
func der(_ pem: String) throws -> [UInt8] {
    try PEMDocument(pemString: pem).derBytes
}

/// A self-signed certificate with any alternative names, in DER.
func certificate(names: [GeneralName]?, isAuthority: Bool = false, key: Certificate.PrivateKey? = nil) throws -> [UInt8]
{
    let key = key ?? Certificate.PrivateKey(P256.Signing.PrivateKey())
    let subject = try DistinguishedName { CommonName("odd") }
    let certificate = try Certificate(
        version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
        notValidBefore: Date(timeIntervalSince1970: 0), notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
        issuer: subject, subject: subject,
        extensions: Certificate.Extensions {
            if isAuthority { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) }
            if let names { SubjectAlternativeNames(names) }
        },
        issuerPrivateKey: key)
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
}
