import Content
import FleetAPI
import FleetModel
import Hashing
import Trust
import UpdateFramework

/// Verifies the releases of the fleet, from the root in the fleet's trust folder on. Nothing here could sign one.
///
/// Whether metadata has expired is not looked at: it binds the mirrors, each by its own clock, and what the coordinator
/// knows only steers.
struct ReleaseSeal: Sendable {
    private let fleet: String
    /// What was verified last; at first only roots.
    private(set) var documents: RepositoryDocuments
    private var repository: VerifiedRepository?

    /// Begins with what is known of `fleet`: roots at least.
    init(fleet: String, documents: RepositoryDocuments) {
        self.fleet = fleet
        self.documents = documents
        repository = try? VerifiedRepository.update(
            documents, with: RepositoryDocuments(), fleet: fleet, now: Self.never
        ).result.get()
    }

    /// What is signed of each set beyond who signs for it.
    var policies: [String: SignedPolicy] {
        guard let repository else { return [:] }
        return Dictionary(
            repository.sets.map { ($0, repository.policy(ofSet: $0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// What is signed of each set, for the status.
    var sets: [String: SetTrust] {
        guard let repository else { return [:] }
        var sets: [String: SetTrust] = [:]
        for set in repository.sets {
            guard let signers = repository.signers(ofSet: set) else { continue }
            let yanked = repository.yankTarget(ofSet: set)?.description.hashes.sha256
            sets[set] = SetTrust(
                threshold: signers.threshold, keys: signers.keyIDs.count,
                yanked: yanked.map { String(decoding: Hexadecimal.letters($0), as: UTF8.self) },
                flipQuorum: repository.policy(ofSet: set).flipQuorum)
        }
        return sets
    }

    private static let never = MetadataTime(secondsSince1970: 0)

    /// The versions of what was verified.
    var versions: MetadataVersions {
        repository?.versions ?? MetadataVersions(root: documents.newestRoot?.version ?? 0)
    }

    /// What holds once `encoded`, metadata that somebody hands in, is verified. Throws `RequestError` 422 that says which
    /// rule it breaks.
    func taking(_ encoded: [UInt8]) throws(RequestError) -> ReleaseSeal {
        do {
            let offered = try RepositoryDocuments(decoding: encoded)
            // An origin that hands in a release again has older metadata than others brought meanwhile.
            if let repository, try Self.isOlder(offered, than: repository) { return self }
            var seal = self
            let outcome = VerifiedRepository.update(documents, with: offered, fleet: fleet, now: Self.never)
            let repository = try outcome.result.get()
            (seal.documents, seal.repository) = (repository.documents, repository)
            return seal
        } catch {
            throw RequestError.unacceptable(RefusalCode.releaseNotTrusted, "\(error)")
        }
    }

    private static func isOlder(_ offered: RepositoryDocuments, than held: VerifiedRepository) throws -> Bool {
        guard let bytes = offered.documents[.timestamp] else { return false }
        let document = try SignedMetadata(bytes, byteCount: MetadataLimits.byteCount(of: .timestamp))
        guard case .integer(let version)? = document.signed["version"] else { return false }
        return version <= held.versions[.timestamp]
    }

    /// The release that `registration` hands in, if the keys of its set signed it. Throws `RequestError` 422 that says
    /// which rule it breaks.
    func verified(
        _ registration: ReleaseRegistration, registeredAt: Int64
    ) throws(RequestError) -> RegisteredRelease {
        do {
            guard let repository else { throw TrustError.metadata(.missing(.timestamp, version: nil)) }
            let release = try ReleaseVerifier.verify(
                registration.document.bytes, sequence: registration.sequence, ofSet: registration.set, fleet: fleet,
                by: repository, above: nil, freshAt: nil)
            return Self.registered(release.document, release.digest, registeredAt)
        } catch {
            throw RequestError.unacceptable(RefusalCode.releaseNotTrusted, "\(error)")
        }
    }

    /// The release in `bytes`, a document that was verified before it was stored.
    static func trusting(_ bytes: [UInt8], registeredAt: Int64) throws -> RegisteredRelease {
        registered(try ReleaseDocument(decoding: bytes), ReleaseDocument.digest(of: bytes), registeredAt)
    }

    private static func registered(
        _ document: ReleaseDocument, _ digest: ReleaseDigest, _ registeredAt: Int64
    ) -> RegisteredRelease {
        RegisteredRelease(
            set: document.set, sequence: document.sequence, digest: digest.description,
            root: document.manifest.digest.description, files: document.manifest.files,
            entries: document.manifest.entries, bytes: document.manifest.bytes, publishedAt: document.publishedAt,
            registeredAt: registeredAt, retouchedBytes: document.retouchedBytes)
    }
}
