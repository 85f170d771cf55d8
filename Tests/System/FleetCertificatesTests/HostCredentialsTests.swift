import FleetCertificates
import Glibc
import Testing
import Trust

@Suite struct HostCredentialsTests {
    /// Runs `body`, which must throw a credential error with `code` that names `place` and something to do.
    private func expect(
        _ code: CredentialError.Code, at place: String, _ body: () throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            try body()
            Issue.record("nothing was thrown", sourceLocation: sourceLocation)
        } catch let error as CredentialError {
            #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
            #expect(error.place.hasSuffix(place), "\(error)", sourceLocation: sourceLocation)
            #expect(!error.remedy.isEmpty && !error.message.isEmpty, sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    @Test func `credentials are read, and sign reports that their certificate verifies`() throws {
        let enrolled = try Enrolled()
        let credentials = try enrolled.credentials()
        #expect(credentials.identity == enrolled.identity)
        #expect(credentials.authorityFingerprint == enrolled.authority.fingerprint)
        #expect(credentials.notAfter == Enrolled.now + 30 * Enrolled.day)
        let report = try credentials.sign(Array("{}".utf8))
        let certificate = try HostCertificate(der: der(credentials.certificatePEM))
        #expect(try report.verified(by: certificate.reportKey) == Array("{}".utf8))
    }

    @Test func `a certificate of another authority is refused, also of one with the same name`() throws {
        let enrolled = try Enrolled()
        let other = try CertificateAuthority.create(fleet: "example", now: Enrolled.now)
        let folder = enrolled.folder
        try other.save(certificatePath: folder.file("other.pem"), keyPath: folder.file("other.key"))
        expect(.otherAuthority, at: "host.pem") { _ = try enrolled.credentials(authority: "other.pem") }
        let elsewhere = try CertificateAuthority.create(fleet: "elsewhere", now: Enrolled.now)
        try elsewhere.save(certificatePath: folder.file("third.pem"), keyPath: folder.file("third.key"))
        expect(.otherAuthority, at: "host.pem") { _ = try enrolled.credentials(authority: "third.pem") }
    }

    @Test func `an expired certificate, and one from the future, are refused with both times`() throws {
        let enrolled = try Enrolled(days: 30)
        let end = Enrolled.now + 30 * Enrolled.day
        #expect(try enrolled.credentials(now: end).identity == enrolled.identity)
        expect(.expired, at: "host.pem") { _ = try enrolled.credentials(now: end + 1) }
        #expect(try enrolled.credentials(now: Enrolled.now - 3600).identity == enrolled.identity)
        expect(.notYetValid, at: "authority.pem") { _ = try enrolled.credentials(now: Enrolled.now - 3601) }
        do {
            _ = try enrolled.credentials(now: end + 1)
        } catch let error as CredentialError {
            #expect(error.description.contains("2026-01-31T00:00:00Z"))
            #expect(error.description.contains("2026-01-31T00:00:01Z"))
        }
    }

    @Test func `the key of another host is refused by name`() throws {
        let enrolled = try Enrolled()
        expect(.otherKey, at: "authority.key") { _ = try enrolled.credentials(key: "authority.key") }
    }

    @Test func `a file in the wrong place is refused by name`() throws {
        let enrolled = try Enrolled()
        expect(.identity, at: "authority.pem") { _ = try enrolled.credentials(certificate: "authority.pem") }
        expect(.malformed, at: "host.pem") { _ = try enrolled.credentials(authority: "host.pem") }
        expect(.malformed, at: "host.key") { _ = try enrolled.credentials(certificate: "host.key") }
        chmod(enrolled.folder.file("host.pem"), 0o600)
        expect(.malformed, at: "host.pem") { _ = try enrolled.credentials(key: "host.pem") }
    }

    @Test func `a missing, empty, oversized or damaged file is refused by name`() throws {
        let enrolled = try Enrolled()
        let folder = enrolled.folder
        expect(.file, at: "missing.pem") { _ = try enrolled.credentials(certificate: "missing.pem") }
        expect(.file, at: folder.path + "/.") { _ = try enrolled.credentials(authority: ".") }
        try KeyFile.write("", to: folder.file("empty"), .secret)
        expect(.malformed, at: "empty") { _ = try enrolled.credentials(certificate: "empty") }
        expect(.malformed, at: "empty") { _ = try enrolled.credentials(key: "empty") }
        expect(.malformed, at: "empty") { _ = try enrolled.credentials(authority: "empty") }
        let large = String(repeating: "x", count: KeyFile.maximumByteCount + 1)
        try KeyFile.write(large, to: folder.file("large"), .open)
        expect(.malformed, at: "large") { _ = try enrolled.credentials(certificate: "large") }
        let text = try KeyFile.read(folder.file("host.pem"), .open)
        try KeyFile.write(String(text.dropLast(60)), to: folder.file("cut.pem"), .open)
        expect(.malformed, at: "cut.pem") { _ = try enrolled.credentials(certificate: "cut.pem") }
    }

    @Test(arguments: [0o644, 0o604, 0o660, 0o620, 0o601] as [mode_t])
    func `a key that others can get at is refused`(mode: mode_t) throws {
        let enrolled = try Enrolled()
        chmod(enrolled.folder.file("host.key"), mode)
        expect(.exposed, at: "host.key") { _ = try enrolled.credentials() }
    }

    @Test(arguments: [0o600, 0o400, 0o440, 0o640] as [mode_t])
    func `a key that its owner, or a group that may only read, can get at is accepted`(mode: mode_t) throws {
        let enrolled = try Enrolled()
        chmod(enrolled.folder.file("host.key"), mode)
        #expect(try enrolled.credentials().identity == enrolled.identity)
    }
}

@Suite struct KeyFileTests {
    @Test func `a file is replaced as a whole and keeps its mode whatever the umask`() throws {
        let folder = try ScratchFolder()
        let path = folder.file("key")
        try KeyFile.write("one", to: path, .secret)
        #expect(throws: CredentialError.self) { try KeyFile.write("two", to: path, .secret) }
        #expect(try KeyFile.read(path, .secret) == "one")
        try KeyFile.write("two", to: path, .secret, replacing: true)
        #expect(try KeyFile.read(path, .secret) == "two")
        #expect(folder.mode("key") == 0o600)
        #expect(folder.names == ["key"])
    }

    @Test func `a failed write leaves nothing behind`() throws {
        let folder = try ScratchFolder()
        #expect(throws: CredentialError.self) { try KeyFile.write("x", to: folder.file("no/such/key"), .secret) }
        mkdir(folder.file("directory"), 0o700)
        #expect(throws: CredentialError.self) {
            try KeyFile.write("x", to: folder.file("directory"), .secret, replacing: true)
        }
        #expect(folder.names == ["directory"])
    }

    @Test func `a link that lies in the way is not followed`() throws {
        let folder = try ScratchFolder()
        try KeyFile.write("precious", to: folder.file("target"), .secret)
        symlink("target", folder.file("link"))
        #expect(throws: CredentialError.self) { try KeyFile.write("x", to: folder.file("link"), .secret) }
        try KeyFile.write("x", to: folder.file("link"), .secret, replacing: true)
        #expect(try KeyFile.read(folder.file("target"), .secret) == "precious")
    }

    @Test func `seeds differ`() {
        let seeds = (0..<10).map { _ in RandomBytes.make(count: 32) }
        #expect(Set(seeds).count == 10)
        #expect(seeds.allSatisfy { $0.count == 32 })
    }
}
