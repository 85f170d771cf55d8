import Crypto
import FleetCertificates
import Testing
import X509

@Suite struct FleetIdentityTests {
    @Test(arguments: FleetRole.allCases)
    func `an identity reads back from its URI and from a certificate`(role: FleetRole) throws {
        let identity = try FleetIdentity(fleet: "example", role: role, name: "m1")
        #expect(identity.uri == "spiffe://example/\(role.rawValue)/m1")
        #expect(try FleetIdentity(uri: identity.uri) == identity)
        let authority = try CertificateAuthority.create(fleet: "example")
        let issued = try authority.issue(identity, days: 1)
        #expect(try FleetIdentity(certificateDER: der(issued.certificatePEM)) == identity)
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe://example", "spiffe://example/agent", "spiffe://example/agent/",
        "spiffe://example//m1",
        "spiffe:///agent/m1", "spiffe://example/agent/m1/", "spiffe://example/agent/m1/x", "SPIFFE://example/agent/m1",
        "https://example/agent/m1", "spiffe://example/Agent/m1", "spiffe://example/root/m1",
        "spiffe://example/agent/M1",
        "spiffe://example/agent/..", "spiffe://example/agent/m1?x", "spiffe://example/agent/m1#x",
        "spiffe://example:1/agent/m1", "spiffe://u@example/agent/m1", "spiffe://example/agent/m%31",
        "spiffe://example/agent/m1\u{0}", "spiffe://ex\u{E9}/agent/m1", " spiffe://example/agent/m1",
    ])
    func `any other URI is refused`(uri: String) {
        #expect(throws: IdentityError.badURI(uri)) { try FleetIdentity(uri: uri) }
    }

    @Test(arguments: ["", "M1", "-m1", "m.1", "m/1", String(repeating: "m", count: 64)])
    func `a name that is not plain is refused`(name: String) {
        #expect(throws: IdentityError.badName(name)) { try FleetIdentity(fleet: "example", role: .agent, name: name) }
        #expect(throws: IdentityError.badName(name)) { try FleetIdentity(fleet: name, role: .agent, name: "m1") }
    }

    @Test func `a certificate without alternative names, or without a URI among them, names nobody`() throws {
        let bare = try certificate(names: nil)
        #expect(throws: IdentityError.wrongNumberOfURIs(0)) { try FleetIdentity(certificateDER: bare) }
        let hostOnly = try certificate(names: [.dnsName("m1")])
        #expect(throws: IdentityError.wrongNumberOfURIs(0)) { try FleetIdentity(certificateDER: hostOnly) }
    }

    @Test func `a certificate with two URIs names nobody, even if they are equal or one is foreign`() throws {
        let own = GeneralName.uniformResourceIdentifier("spiffe://example/agent/m1")
        for other in [own, .uniformResourceIdentifier("https://example.org/")] {
            let double = try certificate(names: [own, other])
            #expect(throws: IdentityError.wrongNumberOfURIs(2)) { try FleetIdentity(certificateDER: double) }
        }
    }

    @Test func `a foreign URI, an authority's certificate and another kind of key are refused`() throws {
        let uri = "https://example.org/m1"
        let foreign = try certificate(names: [.uniformResourceIdentifier(uri)])
        #expect(throws: IdentityError.badURI(uri)) { try FleetIdentity(certificateDER: foreign) }
        let own = GeneralName.uniformResourceIdentifier("spiffe://example/agent/m1")
        let authority = try certificate(names: [own], isAuthority: true)
        #expect(throws: IdentityError.authority) { try FleetIdentity(certificateDER: authority) }
        let otherKey = try certificate(names: [own], key: Certificate.PrivateKey(P384.Signing.PrivateKey()))
        #expect(throws: IdentityError.otherKey) { try FleetIdentity(certificateDER: otherKey) }
    }

    @Test func `bytes that are no certificate, and every truncation of one, are refused`() throws {
        let good = try certificate(names: [.uniformResourceIdentifier("spiffe://example/agent/m1")])
        #expect(try FleetIdentity(certificateDER: good).name == "m1")
        for count in good.indices {
            #expect(throws: IdentityError.self) { try FleetIdentity(certificateDER: Array(good[..<count])) }
        }
        #expect(throws: IdentityError.self) { try FleetIdentity(certificateDER: good + [0]) }
    }

    @Test func `no changed bit makes a certificate of another form trap`() throws {
        let good = try certificate(names: [.uniformResourceIdentifier("spiffe://example/agent/m1"), .dnsName("m1")])
        for index in good.indices {
            for bit in 0..<8 {
                var changed = good
                changed[index] ^= 1 << UInt8(bit)
                guard let identity = try? FleetIdentity(certificateDER: changed) else { continue }
                #expect(try FleetIdentity(uri: identity.uri) == identity)
            }
        }
    }

    @Test func `an error shows a hostile URI without control characters`() {
        let error = IdentityError.badURI("spiffe://\u{1B}[2J\n")
        #expect(!error.description.utf8.contains { $0 < 0x20 })
    }
}
