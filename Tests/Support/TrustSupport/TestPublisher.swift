package import Content
import SigningKeys
package import Trust
package import UpdateFramework
import Synchronization

/// Every key of a fleet in one hand: makes the metadata that tests need. The keys are no secrets.
package final class TestPublisher: Sendable {
    /// A moment at which everything counts.
    package static let now = MetadataTime(secondsSince1970: 1_800_000_000)

    package let fleet: String
    package let sets: [String]
    /// Signs snapshots and timestamps.
    package let keeper: RepositoryKeeper
    /// The first root alone.
    package let root: [UInt8]
    /// Root and targets: what is there before anything was published.
    package let start: RepositoryDocuments
    private let lifetimes: MetadataLifetimes
    /// What was published, one after the other.
    private let published: Mutex<RepositoryDocuments>

    /// A publisher of `sets`; another `seed` makes other keys.
    package init(
        fleet: String, sets: [String], seed: UInt8 = 7, isHybrid: Bool = false,
        lifetimes: MetadataLifetimes = MetadataLifetimes()
    ) throws {
        self.fleet = fleet
        self.sets = sets
        self.lifetimes = lifetimes
        let keys = try (0..<4).map { try Self.key(seed &+ $0, isHybrid: isHybrid) }
        setKey = keys[3]
        keeper = RepositoryKeeper(fleet: fleet, signer: keys[2], lifetimes: lifetimes)
        let writer = MetadataWriter(profile: .fleet(Array(fleet.utf8)))
        func role(_ key: any MetadataSigner) -> RoleKeys { RoleKeys(keyIDs: [key.key.id], threshold: 1) }
        let expires = Self.now.adding(lifetimes.offline)
        root = try writer.document(
            RootMetadata(
                version: 1, expires: expires, keys: keys.prefix(3).map(\.key),
                roles: [
                    .root: role(keys[0]), .targets: role(keys[1]), .snapshot: role(keys[2]), .timestamp: role(keys[2]),
                ]), role: .root, signers: [keys[0]])
        let targets = try writer.document(
            TargetsMetadata(
                version: 1, expires: expires, keys: [keys[3].key],
                delegations: sets.map { set in
                    Delegation(
                        role: FleetRoles.role(ofSet: set), keys: role(keys[3]),
                        paths: .patterns([FleetRoles.pattern(ofSet: set)]), isTerminating: true)
                }), role: .targets, signers: [keys[1]])
        start = RepositoryDocuments(roots: [1: root], documents: [.targets: targets])
        published = Mutex(start)
    }

    /// Signs for every set.
    package let setKey: any MetadataSigner

    private static func key(_ number: UInt8, isHybrid: Bool) throws -> any MetadataSigner {
        if isHybrid {
            // Two halves that no other number has.
            let seed = [UInt8](repeating: number, count: 32) + [UInt8](repeating: number ^ 0x80, count: 32)
            guard let key = HybridSigningKey(seed: seed) else { throw NoKey() }
            return key
        }
        guard let key = Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)) else { throw NoKey() }
        return key
    }

    private struct NoKey: Error {}

    /// The role of `set` after `held`, with the releases of these documents.
    package func role(
        of set: String, after held: TargetsMetadata? = nil, naming documents: [(sequence: UInt64, bytes: [UInt8])],
        now: MetadataTime = now
    ) throws -> RepositoryDocuments {
        var role = SetRole(of: set, after: held, now: now, lifetimes: lifetimes)
        for document in documents { role.add(release: document.sequence, document: document.bytes) }
        let signed = role.signed(fleet: fleet)
        let signature = try MetadataWriter.signature(over: signed, by: setKey)
        return RepositoryDocuments(
            documents: [
                FleetRoles.role(ofSet: set): MetadataWriter.document(signed, signatures: [signature])
            ])
    }

    /// All documents of a repository whose only content are these releases of one set.
    package func documents(
        naming documents: [(sequence: UInt64, bytes: [UInt8])], of set: String, now: MetadataTime = now
    ) throws -> RepositoryDocuments {
        let role = try role(of: set, naming: documents, now: now)
        return try keeper.sign(start.merging(role), above: MetadataVersions(), now: now)
    }

    /// All documents of a repository whose only content is the list of yanked paths of one set.
    package func documents(
        yanking list: [UInt8], of set: String, now: MetadataTime = now
    ) throws -> RepositoryDocuments {
        var role = SetRole(of: set, after: nil, now: now, lifetimes: lifetimes)
        role.set(yanked: list)
        let signed = role.signed(fleet: fleet)
        let signature = try MetadataWriter.signature(over: signed, by: setKey)
        var all = start
        all.documents[FleetRoles.role(ofSet: set)] = MetadataWriter.document(signed, signatures: [signature])
        return try keeper.sign(all, above: MetadataVersions(), now: now)
    }

    /// All documents once a release was published on top of what was published before.
    package func publish(
        _ document: [UInt8], sequence: UInt64, of set: String, now: MetadataTime = now
    ) throws -> RepositoryDocuments {
        try published.withLock { published in
            let held = published.documents[.timestamp] == nil ? nil : try verified(published, now: now)
            let role = try role(
                of: set, after: held?.contents(ofSet: set), naming: [(sequence, document)], now: now)
            published = try keeper.sign(
                published.merging(role), above: held?.versions ?? MetadataVersions(), now: now)
            return published
        }
    }

    /// The repository with `documents`, as a client sees it that knows the root.
    package func verified(_ documents: RepositoryDocuments, now: MetadataTime = now) throws -> VerifiedRepository {
        try VerifiedRepository.update(
            RepositoryDocuments(roots: [1: root]), with: documents, fleet: fleet, now: now
        ).result.get()
    }

    /// The release of a document, signed and verified.
    package func release(_ document: ReleaseDocument) throws -> VerifiedRelease {
        let bytes = document.encode()
        let all = try documents(naming: [(document.sequence, bytes)], of: document.set)
        return try ReleaseVerifier.verify(
            bytes, sequence: document.sequence, ofSet: document.set, fleet: fleet, by: verified(all), above: nil,
            freshAt: Self.now)
    }
}
