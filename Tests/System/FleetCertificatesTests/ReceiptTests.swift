import Content
import FleetCertificates
import Testing
import Trust

/// A fleet's authority with a mirror whose certificate it issued.
private struct Mirror {
    let enrolled: Enrolled
    let credentials: HostCredentials
    let verifier: PeerVerifier

    init(role: FleetRole = .agent) throws {
        enrolled = try Enrolled(role: role, name: "m1")
        credentials = try enrolled.credentials()
        verifier = try PeerVerifier(authorityPath: enrolled.folder.file("authority.pem"))
    }

    func receipt(host: String = "m1", fleet: String = "example", after seconds: Int64 = 60) -> HoldReceipt {
        HoldReceipt(
            fleet: fleet, host: host, set: "debian", sequence: 7, release: ReleaseDocument.digest(of: [1]),
            heldAt: Enrolled.now + seconds)
    }

    /// Why a receipt counts for nothing; nil: it counts.
    func refusal(_ signed: SignedReceipt) -> ReceiptError? {
        do {
            _ = try verifier.verify(signed)
            return nil
        } catch {
            return error
        }
    }
}

@Suite("Receipts of mirrors")
struct ReceiptTests {
    @Test("A mirror's receipt is verified by the certificate that it carries, and comes back from its bytes")
    func genuine() throws {
        let mirror = try Mirror()
        let signed = try mirror.credentials.sign(mirror.receipt())
        let list = ReceiptList([signed, signed])
        #expect(try ReceiptList(decoding: list.encode()) == list && list.words.count == 2)
        let (receipt, host) = try mirror.verifier.verify(SignedReceipt(decoding: signed.encode()))
        #expect(receipt == mirror.receipt() && host.identity.name == "m1")
    }

    @Test("A receipt that is changed, of another name, time, fleet, role or authority, counts for nothing")
    func forged() throws {
        let mirror = try Mirror()
        let signed = try mirror.credentials.sign(mirror.receipt())
        let changed = SignedReceipt(
            body: mirror.receipt(after: 61).encode(), chain: signed.chain, signature: signed.signature)
        #expect(mirror.refusal(changed) == .wronglySigned(by: "spiffe://example/agent/m1"))
        #expect(
            mirror.refusal(try mirror.credentials.sign(mirror.receipt(host: "m2")))
                == .otherHost("m2", by: "spiffe://example/agent/m1"))
        #expect(
            mirror.refusal(try mirror.credentials.sign(mirror.receipt(fleet: "other")))
                == .otherHost("m1", by: "spiffe://example/agent/m1"))
        for seconds in [-400 * Enrolled.day, 400 * Enrolled.day] {
            #expect(
                mirror.refusal(try mirror.credentials.sign(mirror.receipt(after: seconds)))
                    == .outOfTime("spiffe://example/agent/m1"))
        }
        let origin = try Mirror(role: .origin)
        #expect(
            origin.refusal(try origin.credentials.sign(origin.receipt())) == .notAMirror("spiffe://example/origin/m1"))
        #expect(origin.refusal(signed) == .otherAuthority)
        #expect(throws: CodecError.self) { _ = try SignedReceipt(decoding: signed.encode() + [0]) }
        #expect(throws: CodecError.self) {
            _ = try SignedReceipt(
                decoding: SignedReceipt(body: signed.body, chain: [], signature: signed.signature).encode())
        }
    }

    @Test("A mirror's own certificate is no issuing key's: it makes no receipts in other names")
    func leafAsIssuer() throws {
        let mirror = try Mirror()
        let folder = mirror.enrolled.folder
        let thief = try StolenIssuingKey(certificatePath: folder.file("host.pem"), keyPath: folder.file("host.key"))
        let forged = try thief.issue(uri: "spiffe://example/agent/m2", admission: nil)
        let signed = try mirror.credentials.sign(mirror.receipt(host: "m2"))
        let receipt = SignedReceipt(
            body: signed.body, chain: [forged, signed.chain[0]], signature: signed.signature)
        #expect(mirror.refusal(receipt) == .otherAuthority)
    }
}
