import Content
import Testing
import Trust
import TrustSupport
import UpdateFramework

@Suite struct ReleaseVerifierTests {
    private let publisher: TestPublisher

    init() throws {
        publisher = try samplePublisher()
    }

    /// Verifies `document`, which was signed as release `sequence` of `set`.
    private func verify(
        _ document: [UInt8], sequence: UInt64 = 5, of set: String = "debian", naming named: [UInt8]? = nil,
        asked: (sequence: UInt64, set: String)? = nil, above head: TrustedHead? = nil,
        at now: MetadataTime? = TestPublisher.now
    ) throws -> VerifiedRelease {
        let all = try publisher.documents(naming: [(sequence, named ?? document)], of: set)
        let wanted = asked ?? (sequence, set)
        return try ReleaseVerifier.verify(
            document, sequence: wanted.sequence, ofSet: wanted.set, fleet: "example", by: publisher.verified(all),
            above: head, freshAt: now)
    }

    /// The error that `body` ends with.
    private func refusal(_ body: () throws -> VerifiedRelease) -> TrustError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? TrustError
        }
    }

    @Test func `a release that its set's role names is verified, with its bytes kept`() throws {
        let document = try sampleDocument()
        let release = try verify(document.encode())
        #expect(release.document == document)
        #expect(release.bytes == document.encode())
        #expect(release.digest == document.digest)
        #expect(release.head == TrustedHead(sequence: 5, digest: document.digest))
    }

    @Test func `other bytes than those that were signed are refused`() throws {
        let signed = try sampleDocument().encode()
        for other in [try sampleDocument(note: "x").encode(), Array(signed.dropLast()), signed + [0], []] {
            guard case .metadata? = refusal({ try verify(other, naming: signed) }) else {
                Issue.record("\(other.count) bytes were taken")
                continue
            }
        }
    }

    @Test func `a release that no role names, and a set that no role signs for, are refused`() throws {
        let bytes = try sampleDocument().encode()
        #expect(
            refusal { try verify(bytes, asked: (6, "debian")) }
                == .notNamed(set: "debian", sequence: 6, newest: 5))
        #expect(
            refusal { try verify(bytes, asked: (5, "iso")) } == .notNamed(set: "iso", sequence: 5, newest: nil))
        #expect(refusal { try verify(bytes, asked: (5, "other")) } == .unknownSet("other"))
    }

    @Test func `a release signed under the name of another fleet, set or number is refused`() throws {
        let fleet = try sampleDocument(fleet: "other").encode()
        #expect(refusal { try verify(fleet) } == .otherFleet(expected: "example", found: "other"))
        let set = try sampleDocument(set: "iso").encode()
        #expect(refusal { try verify(set) } == .otherSet(expected: "debian", found: "iso"))
        let sequence = try sampleDocument(sequence: 4).encode()
        #expect(refusal { try verify(sequence) } == .otherSequence(expected: 5, found: 4))
        guard case .badDocument? = refusal({ try verify([1, 2, 3]) }) else {
            Issue.record("three bytes were taken for a document")
            return
        }
    }

    @Test func `nothing below the trusted head is accepted, and of two with its number only itself`() throws {
        let document = try sampleDocument()
        let bytes = document.encode()
        let other = ReleaseDigest(try sampleDigest(9))
        #expect(
            refusal { try verify(bytes, above: TrustedHead(sequence: 6, digest: other)) }
                == .lowerSequence(held: 6, found: 5))
        #expect(
            refusal { try verify(bytes, above: TrustedHead(sequence: 5, digest: other)) }
                == .sameSequenceOtherDigest(sequence: 5, held: other, found: document.digest))
        #expect(refusal { try verify(bytes, above: TrustedHead(sequence: 5, digest: document.digest)) } == nil)
        #expect(refusal { try verify(bytes, above: TrustedHead(sequence: 1, digest: other)) } == nil)
    }

    @Test func `freshness ends with the first document that expires, and what was verified before needs none`() throws {
        let bytes = try sampleDocument().encode()
        let end = TestPublisher.now.adding(MetadataLifetimes().timestamp)
        #expect(refusal { try verify(bytes, at: end.adding(-1)) } == nil)
        #expect(refusal { try verify(bytes, at: end) } == .stale(set: "debian", since: end))
        #expect(refusal { try verify(bytes, at: nil) } == nil)
    }

    @Test func `errors say what to do`() throws {
        let texts: [(TrustError, [String])] = [
            (.unknownSet("iso"), ["trust delegate iso"]),
            (.notNamed(set: "iso", sequence: 3, newest: 2), ["release 3 of iso", "newest is 2"]),
            (.stale(set: "iso", since: TestPublisher.now), ["freshness expired since 2027-01-15T08:00:00Z"]),
            (.otherFleet(expected: "a", found: "b"), ["fleet b", "fleet a"]),
            (.lowerSequence(held: 2, found: 1), ["publish the old tree as a new release"]),
        ]
        for (error, parts) in texts {
            for part in parts { #expect("\(error)".contains(part)) }
        }
    }
}
