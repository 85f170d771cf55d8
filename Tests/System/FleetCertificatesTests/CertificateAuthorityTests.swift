import Crypto
import FleetCertificates
import FoundationEssentials
import Glibc
import SwiftASN1
import Testing
import Trust
import X509

@Suite struct CertificateAuthorityTests {
    @Test func `a host's certificate has the names, usages and dates that TLS needs`() throws {
        let enrolled = try Enrolled(days: 30)
        let issued = try enrolled.authority.issue(enrolled.identity, days: 30, now: Enrolled.now)
        let certificate = try Certificate(pemEncoded: issued.certificatePEM)
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(Array(names) == [.uniformResourceIdentifier("spiffe://example/agent/m1"), .dnsName("m1")])
        #expect(Array(try #require(try certificate.extensions.extendedKeyUsage)) == [.serverAuth, .clientAuth])
        #expect(try #require(try certificate.extensions.keyUsage).digitalSignature)
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect(certificate.notValidBefore == Date(timeIntervalSince1970: Double(Enrolled.now - 3600)))
        #expect(certificate.notValidAfter == Date(timeIntervalSince1970: Double(Enrolled.now + 30 * Enrolled.day)))
        #expect(issued.notAfter == Enrolled.now + 30 * Enrolled.day)
        let root = try Certificate(pemEncoded: enrolled.authority.certificatePEM)
        #expect(certificate.issuer == root.subject)
        #expect(root.publicKey.isValidSignature(certificate.signature, for: certificate))
        #expect(
            try #require(try certificate.extensions.authorityKeyIdentifier).keyIdentifier
                == (try #require(try root.extensions.subjectKeyIdentifier)).keyIdentifier)
    }

    @Test(arguments: ["sslserver", "sslclient"])
    func `openssl accepts a host's certificate for both sides, and one of another authority for none`(
        purpose: String
    ) throws {
        let enrolled = try Enrolled()
        let folder = enrolled.folder
        let other = try CertificateAuthority.create(fleet: "example", now: Enrolled.now)
        try other.save(certificatePath: folder.file("other.pem"), keyPath: folder.file("other.key"))
        func verify(_ authority: String, _ host: String = "m1") -> Int32 {
            system(
                "openssl verify -x509_strict -attime \(Enrolled.now) -purpose \(purpose) -verify_hostname \(host)"
                    + " -CAfile \(folder.file(authority)) \(folder.file("host.pem")) >/dev/null 2>&1")
        }
        #expect(verify("authority.pem") == 0)
        #expect(verify("authority.pem", "m2") != 0)
        #expect(verify("other.pem") != 0)
    }

    @Test func `serial numbers do not repeat`() throws {
        let enrolled = try Enrolled()
        let serials = try (0..<20).map { _ in
            let pem = try enrolled.authority.issue(enrolled.identity, days: 1, now: Enrolled.now).certificatePEM
            return try Certificate(pemEncoded: pem).serialNumber
        }
        #expect(Set(serials).count == 20)
    }

    @Test func `an authority reads back from its files, and its key is for its owner alone`() throws {
        let enrolled = try Enrolled()
        let folder = enrolled.folder
        let read = try CertificateAuthority.load(
            certificatePath: folder.file("authority.pem"), keyPath: folder.file("authority.key"))
        #expect(read.fleet == "example")
        #expect(read.fingerprint == enrolled.authority.fingerprint)
        #expect(read.fingerprint.hasPrefix("SHA256:"))
        #expect(folder.mode("authority.key") == 0o600)
        #expect(folder.mode("authority.pem") == 0o644)
        #expect(folder.mode("host.key") == 0o600)
        #expect(folder.mode("host.pem") == 0o644)
        #expect(folder.names == ["authority.key", "authority.pem", "host.key", "host.pem"])
        let issued = try read.issue(enrolled.identity, days: 1, now: Enrolled.now)
        try issued.save(certificatePath: folder.file("host.pem"), keyPath: folder.file("host.key"))
        #expect(try enrolled.credentials().identity == enrolled.identity)
    }

    @Test func `an authority is never written over another one`() throws {
        let enrolled = try Enrolled()
        let other = try CertificateAuthority.create(fleet: "example")
        #expect {
            try other.save(
                certificatePath: enrolled.folder.file("authority.pem"), keyPath: enrolled.folder.file("authority.key"))
        } throws: { ($0 as? CredentialError)?.code == .exists }
        #expect(enrolled.folder.names.count == 4)
        #expect(try enrolled.credentials().identity == enrolled.identity)
    }

    @Test func `an authority whose key belongs to another certificate is refused`() throws {
        let enrolled = try Enrolled()
        #expect {
            try CertificateAuthority.load(
                certificatePath: enrolled.folder.file("authority.pem"), keyPath: enrolled.folder.file("host.key"))
        } throws: { ($0 as? CredentialError)?.code == .otherKey }
        #expect {
            try CertificateAuthority.load(
                certificatePath: enrolled.folder.file("host.pem"), keyPath: enrolled.folder.file("host.key"))
        } throws: { ($0 as? CredentialError)?.code == .malformed }
    }

    @Test func `what an authority cannot vouch for is not issued`() throws {
        let enrolled = try Enrolled()
        let foreign = try FleetIdentity(fleet: "other", role: .agent, name: "m1")
        let late = Enrolled.now + Int64(CertificateAuthority.lifetimeInDays) * Enrolled.day - 10
        let cases: [(FleetIdentity, Int, Int64)] = [
            (foreign, 1, Enrolled.now), (enrolled.identity, 0, Enrolled.now), (enrolled.identity, -1, Enrolled.now),
            (enrolled.identity, 3651, Enrolled.now), (enrolled.identity, .max, Enrolled.now),
            (enrolled.identity, 1, late),
        ]
        for (identity, days, now) in cases {
            #expect {
                try enrolled.authority.issue(identity, days: days, now: now)
            } throws: { ($0 as? CredentialError)?.code == .notIssuable }
        }
        #expect {
            try CertificateAuthority.create(fleet: "Not a name")
        } throws: { ($0 as? CredentialError)?.code == .notIssuable }
    }

    @Test func `a host may keep its own key to itself`() throws {
        let enrolled = try Enrolled()
        let key = P256.Signing.PrivateKey()
        let issued = try enrolled.authority.issue(
            enrolled.identity, subjectPublicKeyInfo: Array(key.publicKey.derRepresentation), days: 1, now: Enrolled.now)
        #expect(issued.keyPEM == nil)
        let read = try HostCertificate(der: der(issued.certificatePEM))
        #expect(read.reportKey.x963 == Array(key.publicKey.x963Representation))
        #expect {
            try enrolled.authority.issue(enrolled.identity, subjectPublicKeyInfo: [1, 2, 3], days: 1)
        } throws: { ($0 as? CredentialError)?.code == .notIssuable }
    }

    @Test func `nothing that prints or dumps a key shows it`() throws {
        let enrolled = try Enrolled()
        let issued = try enrolled.authority.issue(enrolled.identity, days: 1, now: Enrolled.now)
        let credentials = try enrolled.credentials()
        var dumped = ""
        dump(issued, to: &dumped)
        dump(credentials, to: &dumped)
        dump(enrolled.authority, to: &dumped)
        for text in [dumped, "\(issued)", "\(credentials)", String(reflecting: credentials), "\(enrolled.authority)"] {
            #expect(!text.contains("PRIVATE KEY"))
        }
    }
}
