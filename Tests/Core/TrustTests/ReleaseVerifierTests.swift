import Content
import Testing
import Trust

@Suite struct ReleaseVerifierTests {
    private let key: PublisherKey
    private let policy: ReleasePolicy

    init() throws {
        key = try sampleKey(1)
        policy = ReleasePolicy(fleet: "example", publishers: [key.publicKey])
    }

    private func signed(
        fleet: String = "example", set: String = "debian", sequence: UInt64 = 5, note: String = "",
        by number: UInt8 = 1
    ) throws -> SignedRelease {
        try SignedRelease(
            try sampleDocument(fleet: fleet, set: set, sequence: sequence, note: note), by: try sampleKey(number))
    }

    private func verify(
        _ signed: SignedRelease, policy: ReleasePolicy? = nil, set: String = "debian", above head: TrustedHead? = nil
    ) throws -> VerifiedRelease {
        try ReleaseVerifier.verify(signed, policy: policy ?? self.policy, set: set, above: head)
    }

    @Test func `a release that its publisher signed is verified, with its bytes kept`() throws {
        let release = try signed()
        let verified = try verify(release)
        #expect(verified.document == (try sampleDocument()))
        #expect(verified.signed == release)
        #expect(verified.digest == release.digest)
        #expect(verified.signers == [key.publicKey])
        #expect(verified.head == TrustedHead(sequence: 5, digest: release.digest))
    }

    @Test func `an unsigned release is refused`() throws {
        let release = try SignedRelease(document: try sampleDocument().encode(), signatures: [])
        #expect(throws: TrustError.unsigned) { try verify(release) }
    }

    @Test func `a release signed by somebody else is refused and names the key`() throws {
        let release = try signed(by: 2)
        let other = try sampleKey(2).publicKey.keyID
        #expect(throws: TrustError.unknownSigners([other])) { try verify(release) }
    }

    @Test func `a signature in the publisher's name over other bytes is refused`() throws {
        let release = try signed()
        let forged = try SignedRelease(
            document: try sampleDocument(sequence: 6).encode(), signatures: release.signatures)
        #expect(throws: TrustError.wronglySigned(by: key.publicKey)) { try verify(forged) }
    }

    @Test func `no bit of a signed release may change`() throws {
        let bytes = try signed().encode()
        for index in bytes.indices {
            for bit in 0..<8 {
                var copy = bytes
                copy[index] ^= 1 << UInt8(bit)
                guard let changed = try? SignedRelease(decoding: copy) else { continue }
                #expect(throws: TrustError.self) { try verify(changed) }
            }
        }
    }

    @Test func `a signature of a later kind counts for nothing and spoils nothing`() throws {
        let release = try signed()
        var bytes = release.encode()
        // The algorithm stands before the length and the 64 bytes of the signature.
        bytes[bytes.count - 66] = 9
        let later = try SignedRelease(decoding: bytes)
        #expect(throws: TrustError.unknownSigners([key.publicKey.keyID])) { try verify(later) }
        let both = try later.adding(try sampleKey(2).sign(document: later.document))
        let wider = ReleasePolicy(fleet: "example", publishers: [key.publicKey, try sampleKey(2).publicKey])
        #expect(try verify(both, policy: wider).signers == [try sampleKey(2).publicKey])
    }

    @Test func `a wrong signature beside a right one does no harm`() throws {
        let release = try signed()
        let other = try sampleKey(2).sign(document: [1, 2, 3])
        #expect(try verify(try release.adding(other)).signers == [key.publicKey])
    }

    @Test func `a threshold counts different keys, however often the policy names one`() throws {
        let first = try sampleKey(1).publicKey
        let second = try sampleKey(2).publicKey
        let two = ReleasePolicy(fleet: "example", publishers: [first, second, first], threshold: 2)
        #expect(two.publishers.count == 2)
        let release = try signed()
        #expect(throws: TrustError.tooFewSigners(found: 1, threshold: 2)) { try verify(release, policy: two) }
        let both = try release.adding(try sampleKey(2).sign(document: release.document))
        #expect(try verify(both, policy: two).signers.count == 2)
        let doubled = ReleasePolicy(fleet: "example", publishers: [first, first], threshold: 2)
        #expect(throws: TrustError.tooFewSigners(found: 1, threshold: 2)) { try verify(both, policy: doubled) }
    }

    @Test func `a threshold of zero still asks for one signature`() throws {
        let none = ReleasePolicy(fleet: "example", publishers: [key.publicKey], threshold: 0)
        #expect(none.threshold == 1)
        #expect(throws: TrustError.self) { try verify(try signed(by: 2), policy: none) }
    }

    @Test func `a policy without publishers trusts nobody`() throws {
        let empty = ReleasePolicy(fleet: "example", publishers: [])
        #expect(throws: TrustError.noPublishers(fleet: "example")) { try verify(try signed(), policy: empty) }
    }

    @Test func `a release of another fleet or set is refused although the signature is right`() throws {
        #expect(throws: TrustError.otherFleet(expected: "example", found: "other")) {
            try verify(try signed(fleet: "other"))
        }
        #expect(throws: TrustError.otherSet(expected: "debian", found: "iso")) { try verify(try signed(set: "iso")) }
    }

    @Test func `a lower sequence is refused, the same release again is not, gaps are allowed`() throws {
        let held = try verify(try signed(sequence: 5)).head
        #expect(throws: TrustError.lowerSequence(held: 5, found: 4)) {
            try verify(try signed(sequence: 4), above: held)
        }
        #expect(try verify(try signed(sequence: 5), above: held).head == held)
        #expect(try verify(try signed(sequence: 6), above: held).document.sequence == 6)
        #expect(try verify(try signed(sequence: 900), above: held).document.sequence == 900)
    }

    @Test func `a second release with the same sequence is refused with both digests`() throws {
        let held = try verify(try signed()).head
        let second = try signed(note: "another history")
        #expect(
            throws: TrustError.sameSequenceOtherDigest(sequence: 5, held: held.digest, found: second.digest)
        ) {
            try verify(second, above: held)
        }
    }

    @Test func `signed bytes that are no document are refused`() throws {
        let bytes = Array("anything".utf8)
        let release = try SignedRelease(document: bytes, signatures: [try key.sign(document: bytes)])
        #expect(throws: TrustError.badDocument(.notAReleaseDocument)) { try verify(release) }
    }

    @Test func `every refusal says what to do and with which values`() throws {
        let digest = ReleaseDigest(try sampleDigest(1))
        let errors: [(TrustError, [String])] = [
            (.noPublishers(fleet: "f1"), ["f1", "publishers:"]), (.unsigned, ["fleetctl publish"]),
            (.unknownSigners([key.publicKey.keyID]), [key.publicKey.fingerprint, "publishers:"]),
            (.wronglySigned(by: key.publicKey), [key.publicKey.fingerprint, "another source"]),
            (.tooFewSigners(found: 1, threshold: 3), ["1", "3"]), (.otherFleet(expected: "a", found: "b"), ["a", "b"]),
            (.otherSet(expected: "a", found: "b"), ["set a", "set b"]),
            (.lowerSequence(held: 9, found: 8), ["9", "8"]),
            (.sameSequenceOtherDigest(sequence: 4, held: digest, found: digest), ["4", digest.description]),
        ]
        for (error, parts) in errors {
            for part in parts {
                #expect(error.description.contains(part), "\(error)")
            }
        }
    }
}
