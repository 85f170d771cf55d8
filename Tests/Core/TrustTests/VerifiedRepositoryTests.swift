import Testing
import Trust
import TrustSupport
import UpdateFramework

@Suite struct VerifiedRepositoryTests {
    private let publisher: TestPublisher
    private let anchor: RepositoryDocuments
    private let debian = FleetRoles.role(ofSet: "debian")

    init() throws {
        publisher = try samplePublisher()
        anchor = RepositoryDocuments(roots: [1: publisher.root])
    }

    private func update(
        _ held: RepositoryDocuments, with offered: RepositoryDocuments, now: MetadataTime = TestPublisher.now
    ) -> VerifiedRepository.Outcome {
        VerifiedRepository.update(held, with: offered, fleet: "example", now: now)
    }

    /// What a refused update is refused with.
    private func refusal(_ outcome: VerifiedRepository.Outcome) -> UpdateError? {
        guard case .failure(let error) = outcome.result else { return nil }
        return error
    }

    @Test func `releases are found by the roles that name them`() throws {
        _ = try publisher.publish([1], sequence: 1, of: "debian")
        _ = try publisher.publish([9], sequence: 4, of: "iso")
        let all = try publisher.publish([2], sequence: 2, of: "debian")
        let repository = try update(anchor, with: all).result.get()
        #expect(repository.sets == ["debian", "iso"])
        #expect(repository.sequences(ofSet: "debian") == [1, 2])
        #expect(repository.sequences(ofSet: "iso") == [4])
        #expect(repository.sequences(ofSet: "none") == [])
        #expect(repository.versions[debian] == 2 && repository.versions[.timestamp] == 3)
        let target = try #require(try repository.target(FleetRoles.release(2, ofSet: "debian"), ofSet: "debian"))
        #expect(try target.verify([2]).bytes == [2])
        #expect(throws: UpdateError.self) { try target.verify([1]) }
        #expect(try repository.target(FleetRoles.release(3, ofSet: "debian"), ofSet: "debian") == nil)
    }

    @Test func `a set without a release is no fault`() throws {
        let repository = try update(anchor, with: publisher.publish([1], sequence: 1, of: "debian")).result.get()
        #expect(repository.failures.isEmpty)
        #expect(try repository.target(FleetRoles.release(1, ofSet: "iso"), ofSet: "iso") == nil)
        #expect(repository.signers(ofSet: "iso")?.threshold == 1)
    }

    @Test func `an update takes all or nothing`() throws {
        let first = try publisher.publish([1], sequence: 1, of: "debian")
        let held = try update(anchor, with: first).result.get()
        let second = try publisher.publish([2], sequence: 2, of: "debian")
        for role in [RoleName.snapshot, debian] {
            var partial = second
            partial.documents[role] = nil
            let outcome = update(held.documents, with: partial)
            #expect(refusal(outcome)?.label == (role == .snapshot ? "missing" : "missing"))
            #expect(outcome.documents == held.documents)
        }
        var mixed = second
        mixed.documents[debian] = first.documents[debian]
        #expect(refusal(update(anchor, with: mixed))?.label == "other-bytes")
        var older = first
        older.roots = [:]
        let newer = try update(held.documents, with: second).result.get()
        #expect(refusal(update(newer.documents, with: older))?.label == "rollback")
    }

    @Test func `a timestamp alone renews what is held`() throws {
        let held = try update(anchor, with: publisher.publish([1], sequence: 1, of: "debian")).result.get()
        let later = TestPublisher.now.adding(3_600)
        let renewed = try publisher.keeper.sign(held.documents, above: held.versions, now: later)
        let only = RepositoryDocuments(documents: [.timestamp: try #require(renewed.documents[.timestamp])])
        let repository = try update(held.documents, with: only, now: later).result.get()
        #expect(repository.signedAt == later)
        #expect(repository.versions[.timestamp] == 2 && repository.versions[.snapshot] == 1)
        #expect(repository.freshUntil == later.adding(MetadataLifetimes().timestamp))
        // And without one, what is held is fresh until it expires.
        let end = held.freshUntil
        #expect(refusal(update(held.documents, with: RepositoryDocuments(), now: end.adding(-1))) == nil)
        #expect(refusal(update(held.documents, with: RepositoryDocuments(), now: end))?.label == "expired")
    }

    @Test func `the expired role of one set says nothing, and hinders no other`() throws {
        var lifetimes = MetadataLifetimes()
        lifetimes.set = 60
        lifetimes.timestamp = 86_400 * 2
        let short = try TestPublisher(fleet: "example", sets: ["debian", "iso"], seed: 16, lifetimes: lifetimes)
        _ = try short.publish([1], sequence: 1, of: "debian")
        let later = TestPublisher.now.adding(61)
        let all = try short.publish([1], sequence: 1, of: "iso", now: TestPublisher.now.adding(30))
        let repository = try update(anchor, with: all, now: later).result.get()
        #expect(repository.failures["debian"]?.label == "expired" && repository.failures.count == 1)
        #expect(throws: UpdateError.self) {
            try repository.target(FleetRoles.release(1, ofSet: "debian"), ofSet: "debian")
        }
        #expect(try repository.target(FleetRoles.release(1, ofSet: "iso"), ofSet: "iso") != nil)
        #expect(repository.freshUntil(ofSet: "iso") == TestPublisher.now.adding(90))
    }

    @Test func `a keeper signs a new snapshot only if it lists something else`() throws {
        let held = try update(anchor, with: publisher.publish([1], sequence: 1, of: "debian")).result.get()
        let same = try publisher.keeper.sign(held.documents, above: held.versions, now: TestPublisher.now)
        #expect(same.documents[.snapshot] == held.documents.documents[.snapshot])
        #expect(same.documents[.timestamp] != held.documents.documents[.timestamp])
        let half = TestPublisher.now.adding(MetadataLifetimes().snapshot / 2)
        let old = try publisher.keeper.sign(held.documents, above: held.versions, now: half)
        #expect(old.documents[.snapshot] != held.documents.documents[.snapshot])
        #expect(throws: UpdateError.self) {
            try publisher.keeper.sign(anchor, above: MetadataVersions(), now: TestPublisher.now)
        }
    }

    @Test func `a role names the newest releases, and stays small`() throws {
        var role = SetRole(of: "debian", after: nil, now: TestPublisher.now)
        for sequence in 1...100 { role.add(release: UInt64(sequence), document: [UInt8(sequence)]) }
        role.set(yanked: [1])
        let sequences = role.contents.targets.keys.compactMap { FleetRoles.sequence(of: $0, ofSet: "debian") }
        #expect(sequences.sorted() == Array(UInt64(101 - SetRole.releaseLimit)...100))
        #expect(role.contents.targets.count == SetRole.releaseLimit + 1)
        let next = SetRole(of: "debian", after: role.contents, now: TestPublisher.now)
        #expect(next.contents.version == 2 && next.contents.targets == role.contents.targets)
    }

    @Test func `with hybrid keys, no news has hardly any bytes, and a renewal less than 10 KiB`() throws {
        let hybrid = try TestPublisher(fleet: "example", sets: ["debian", "iso"], isHybrid: true)
        let held = try hybrid.verified(hybrid.publish([1], sequence: 1, of: "debian"))
        let question = held.versions.encoded
        #expect(question.count < 100)
        #expect(held.documents(newerThan: held.versions).encode().count < 10)
        let later = TestPublisher.now.adding(900)
        let signed = try hybrid.keeper.sign(held.documents, above: held.versions, now: later)
        let renewed = try update(held.documents, with: signed, now: later).result.get()
        let answer = renewed.documents(newerThan: held.versions)
        #expect(Array(answer.documents.keys) == [.timestamp] && answer.roots.isEmpty)
        #expect(answer.encode().count < 8 << 10, "\(answer.encode().count)")
        let release = try hybrid.verified(hybrid.publish([2], sequence: 2, of: "debian"))
        let news = release.documents(newerThan: held.versions).encode().count
        #expect(news < 26 << 10, "\(news)")
    }

    @Test func `a keeper with a new key signs the snapshot again, with a higher number, whoever signed it before`()
        throws
    {
        let (old, new) = (
            try TestPublisher(fleet: "lab", sets: ["a"]), try TestPublisher(fleet: "lab", sets: ["a"], seed: 70)
        )
        let first = try old.keeper.sign(old.start, above: MetadataVersions(), now: TestPublisher.now)
        let versions = MetadataVersions(root: 1, roles: [.snapshot: 1, .timestamp: 1])
        let same = try old.keeper.sign(first, above: versions, now: TestPublisher.now)
        #expect(same.documents[.snapshot] == first.documents[.snapshot])
        let rotated = try new.keeper.sign(first, above: versions, now: TestPublisher.now)
        let bytes = try #require(rotated.documents[.snapshot])
        let document = try SignedMetadata(bytes, byteCount: bytes.count)
        #expect(document.signed["version"] == .integer(2))
    }
}
