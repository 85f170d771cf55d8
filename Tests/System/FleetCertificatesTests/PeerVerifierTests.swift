import Crypto
import FleetCertificates
import SwiftASN1
import Testing
import Trust

/// A fleet's authority with an operator and an issuing key, and the certificates that they give.
private struct Membership {
    let enrolled: Enrolled
    let issuing: IssuingKey
    let verifier: PeerVerifier
    let `operator`: HostCredentials

    init() throws {
        enrolled = try Enrolled(role: .operator, name: "alice", days: 300)
        let folder = enrolled.folder
        try enrolled.authority.issueIssuingKey(days: 100, now: Enrolled.now)
            .save(certificatePath: folder.file("issuing.pem"), keyPath: folder.file("issuing.key"))
        issuing = try IssuingKey(
            certificatePath: folder.file("issuing.pem"), keyPath: folder.file("issuing.key"),
            authorityPath: folder.file("authority.pem"))
        verifier = try PeerVerifier(authorityPath: folder.file("authority.pem"))
        `operator` = try enrolled.credentials()
    }

    func word(_ name: String, isMember: Bool, after milliseconds: Int64, fleet: String = "example") throws
        -> SignedStanding
    {
        try `operator`.sign(
            HostStanding(fleet: fleet, name: name, isMember: isMember, at: Enrolled.now * 1_000 + milliseconds))
    }

    /// The leaf of a certificate from the issuing key, in DER.
    func enrol(_ word: SignedStanding) throws -> [UInt8] {
        let request = try CertificateRequest()
        let issued = try issuing.issue(
            word, subjectPublicKeyInfo: CertificateRequest.subjectPublicKeyInfo(of: request.der), now: Enrolled.now)
        return try leaf(issued.certificatePEM)
    }

    func leaf(_ pem: String) throws -> [UInt8] {
        try #require(PEMDocument.parseMultiple(pemString: pem).first).derBytes
    }

    /// Why a certificate is refused; nil: it is not.
    func refusal(_ der: [UInt8]) -> IdentityError? {
        do {
            _ = try verifier.verify(certificateDER: der)
            return nil
        } catch {
            return error
        }
    }
}

@Suite("Whom a host believes")
struct PeerVerifierTests {
    @Test("The authority's certificates count for every role, an issuing key's for agents that an operator admitted")
    func issuers() throws {
        let fleet = try Membership()
        for role in FleetRole.allCases {
            let issued = try fleet.enrolled.authority.issue(
                FleetIdentity(fleet: "example", role: role, name: "h"), days: 3, now: Enrolled.now)
            let host = try fleet.verifier.verify(certificateDER: der(issued.certificatePEM))
            #expect(host.identity.role == role && !host.isEnrolled && host.admission == nil)
        }
        let word = try fleet.word("m1", isMember: true, after: 0)
        let host = try fleet.verifier.verify(certificateDER: fleet.enrol(word))
        #expect(host.identity.uri == "spiffe://example/agent/m1" && host.isEnrolled)
        #expect(host.admission == word && host.since == Enrolled.now * 1_000)
    }

    @Test("A stolen issuing key makes no origin, operator or coordinator, and no agent without an operator's word")
    func stolenKey() throws {
        let fleet = try Membership()
        // What the thief signs: the issuing key in the place of an authority, with names as he likes.
        let folder = fleet.enrolled.folder
        let thief = try StolenIssuingKey(
            certificatePath: folder.file("issuing.pem"), keyPath: folder.file("issuing.key"))
        let word = try fleet.word("m1", isMember: true, after: 0)
        for role in ["origin", "operator", "coordinator", "reader"] {
            let forged = try thief.issue(uri: "spiffe://example/\(role)/m1", admission: word.encode())
            #expect(fleet.refusal(forged) == .notForIssuingKey("spiffe://example/\(role)/m1"))
        }
        func isNotAdmitted(_ admission: [UInt8]?, _ name: String = "m1") throws -> Bool {
            let forged = try thief.issue(uri: "spiffe://example/agent/\(name)", admission: admission)
            if case .notAdmitted? = fleet.refusal(forged) { return true }
            return false
        }
        #expect(try isNotAdmitted(nil))
        #expect(try isNotAdmitted([1, 2, 3]))
        #expect(try isNotAdmitted(word.encode(), "m2"))
        #expect(try isNotAdmitted(fleet.word("m1", isMember: false, after: 0).encode()))
        #expect(try isNotAdmitted(fleet.word("m1", isMember: true, after: 0, fleet: "other").encode()))
        // By an operator whom another authority certified, and by somebody who is none.
        let other = try Membership()
        #expect(try isNotAdmitted(other.word("m1", isMember: true, after: 0).encode()))
        let agent = try Enrolled(role: .agent, name: "m9")
        try agent.authority.save(certificatePath: folder.file("a2.pem"), keyPath: folder.file("a2.key"))
        try fleet.enrolled.authority.issue(agent.identity, days: 3, now: Enrolled.now)
            .save(certificatePath: folder.file("m9.pem"), keyPath: folder.file("m9.key"))
        let none = try HostCredentials(
            certificatePath: folder.file("m9.pem"), keyPath: folder.file("m9.key"),
            authorityPath: folder.file("authority.pem"), now: Enrolled.now)
        let forged = try none.sign(
            HostStanding(fleet: "example", name: "m1", isMember: true, at: Enrolled.now * 1_000))
        #expect(try isNotAdmitted(forged.encode()))
        #expect(try !isNotAdmitted(word.encode()))
    }

    @Test("An issuing key issues for a name only by an operator's word that it is a member")
    func issuing() throws {
        let fleet = try Membership()
        let key = try CertificateRequest.subjectPublicKeyInfo(of: CertificateRequest().der)
        for word in [
            try fleet.word("m1", isMember: false, after: 0), try Membership().word("m1", isMember: true, after: 0),
        ] {
            #expect(throws: CredentialError.self) {
                try fleet.issuing.issue(word, subjectPublicKeyInfo: key, now: Enrolled.now)
            }
        }
    }

    @Test("A request without the key, too long or damaged is refused")
    func requests() throws {
        var der = try CertificateRequest().der
        der[der.count - 1] ^= 1
        #expect(throws: CredentialError.self) { try CertificateRequest.subjectPublicKeyInfo(of: der) }
        #expect(throws: CredentialError.self) { try CertificateRequest.subjectPublicKeyInfo(of: [1, 2]) }
        #expect(throws: CredentialError.self) {
            try CertificateRequest.subjectPublicKeyInfo(of: Array(repeating: 48, count: 5_000))
        }
    }

    @Test("A host that was taken out is refused until it is admitted again; who took its name ends it")
    func standing() throws {
        let fleet = try Membership()
        let first = try fleet.enrol(fleet.word("m1", isMember: true, after: 0))
        let byAuthority = try der(
            fleet.enrolled.authority.issue(
                FleetIdentity(fleet: "example", role: .origin, name: "m1"), days: 3, now: Enrolled.now
            ).certificatePEM)
        let other = try fleet.enrol(fleet.word("m2", isMember: true, after: 0))
        // Another host under the name: whoever had it before is replaced.
        let second = try fleet.word("m1", isMember: true, after: 5_000)
        #expect(fleet.verifier.take(StandingList([second])))
        #expect(fleet.refusal(first) == .replaced("spiffe://example/agent/m1"))
        #expect(fleet.refusal(byAuthority) == .replaced("spiffe://example/origin/m1"))
        #expect(try fleet.refusal(fleet.enrol(second)) == nil)
        // Taken out: also those that were admitted in the same moment.
        #expect(try fleet.verifier.take(StandingList([fleet.word("m1", isMember: false, after: 5_000)])))
        #expect(try fleet.refusal(fleet.enrol(second)) == .revoked("spiffe://example/agent/m1"))
        #expect(try fleet.refusal(fleet.enrol(fleet.word("m1", isMember: true, after: 5_001))) == nil)
        #expect(fleet.refusal(other) == nil)
    }

    @Test("Words are merged in any order; what is not verified changes nothing")
    func merging() throws {
        let fleet = try Membership()
        let words = [
            try fleet.word("m1", isMember: true, after: 5), try fleet.word("m1", isMember: false, after: 9),
            try fleet.word("m2", isMember: false, after: 1), try fleet.word("m1", isMember: true, after: 9),
        ]
        var tags: Set<String?> = []
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
            let verifier = try PeerVerifier(authorityPath: fleet.enrolled.folder.file("authority.pem"))
            for index in order { _ = verifier.take(StandingList([words[index]])) }
            #expect(verifier.standing(of: "m1")?.isMember == false && verifier.list.words.count == 2)
            tags.insert(verifier.standingsTag)
        }
        #expect(tags.count == 1 && !tags.contains(nil))
        #expect(!fleet.verifier.take(StandingList([try Membership().word("m1", isMember: false, after: 0)])))
        #expect(fleet.verifier.standingsTag == nil && fleet.verifier.list.words.isEmpty)
        let list = StandingList(words)
        #expect(try StandingList(decoding: list.encode()) == list)
    }

    @Test("Credentials from an issuing key are renewed after a third of their time; of another role they are refused")
    func credentials() throws {
        let fleet = try Membership()
        let folder = fleet.enrolled.folder
        let request = try CertificateRequest()
        let issued = try fleet.issuing.issue(
            fleet.word("m1", isMember: true, after: 0),
            subjectPublicKeyInfo: CertificateRequest.subjectPublicKeyInfo(of: request.der), now: Enrolled.now)
        try KeyFile.write(issued.certificatePEM, to: folder.file("m1.pem"), .open)
        try KeyFile.write(request.keyPEM, to: folder.file("m1.key"), .secret)
        let credentials = try fleet.enrolled.credentials(certificate: "m1.pem", key: "m1.key")
        #expect(credentials.isEnrolled)
        #expect(credentials.notAfter == Enrolled.now + 30 * Enrolled.day)
        #expect(credentials.renewAfter == Enrolled.now + 10 * Enrolled.day)
        let thief = try StolenIssuingKey(
            certificatePath: folder.file("issuing.pem"), keyPath: folder.file("issuing.key"))
        try KeyFile.write(
            try thief.pem(uri: "spiffe://example/operator/m1", admission: nil, keyPEM: request.keyPEM)
                + (try KeyFile.read(folder.file("issuing.pem"), .open)),
            to: folder.file("m1.pem"), .open, replacing: true)
        #expect(throws: CredentialError.self) { try fleet.enrolled.credentials(certificate: "m1.pem", key: "m1.key") }
    }
}

@Suite("Enrolment tokens")
struct EnrolmentTokenTests {
    static let token = EnrolmentToken(
        fleet: "example", name: "fra1", coordinator: "coord1.example.org:7443",
        authority: Array(repeating: 0xFB, count: 32), root: Array(repeating: 0xFF, count: 32),
        secret: (0..<32).map { UInt8($0) })

    @Test("A token is one word, and is read back, also with line ends around it")
    func roundTrip() throws {
        let text = Self.token.text
        #expect(
            text.hasPrefix("mfjoin1.") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2B && $0 != 0x2F })
        #expect(try EnrolmentToken(text: " \(text)\n") == Self.token)
    }

    @Test("A token that lacks a character, or has another one, is refused or is another token")
    func damaged() {
        let text = Array(Self.token.text.utf8)
        for index in text.indices {
            var shorter = text
            shorter.remove(at: index)
            #expect((try? EnrolmentToken(text: String(decoding: shorter, as: UTF8.self))) != Self.token)
            var other = text
            other[index] = other[index] == 0x41 ? 0x42 : 0x41
            #expect((try? EnrolmentToken(text: String(decoding: other, as: UTF8.self))) != Self.token)
        }
        #expect(throws: (any Error).self) { try EnrolmentToken(text: "") }
        #expect(throws: (any Error).self) { try EnrolmentToken(text: String(repeating: "A", count: 5_000)) }
    }

    @Test("It never shows its secret")
    func redaction() {
        var dumped = ""
        dump(Self.token, to: &dumped)
        for text in ["\(Self.token)", String(reflecting: Self.token), dumped] {
            #expect(!text.contains("31") && !text.contains("secret"))
        }
    }
}
