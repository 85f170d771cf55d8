import Content
package import LinuxIO
package import Logging
import Synchronization
package import Trust
package import UpdateFramework

/// What this host believes of its fleet: the verified TUF repository, in memory and in one file, and the only place that
/// verifies releases.
///
/// Time: the later of the wall clock and of the time that the timestamp was signed at, so a clock that is set back never
/// makes something count again. While the process runs that time goes on by the monotonic clock. Calls that take documents
/// block.
package final class TrustedRepository: Sendable {
    private static let fileName = "metadata"
    private static let temporaryName = ".metadata.new"
    /// A timestamp that was signed so much later than now is not taken: one of the two clocks is wrong, and what it says
    /// would be believed until the fleet's online key is replaced.
    private static let clockTolerance: Int64 = 86_400

    private struct State {
        /// What is kept; at least one root.
        var documents: RepositoryDocuments
        /// Nil as long as nothing but roots was verified.
        var repository: VerifiedRepository?
        /// When `repository` became known.
        var since = ContinuousClock.now
    }

    private let fleet: String
    private let folder: Folder
    private let keeper: RepositoryKeeper?
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger
    /// Held while documents are taken, so that they are one after the other.
    private let taking = Mutex(())
    private let state: Mutex<State>
    /// Raised when there is something newer than before.
    let changed = Signal()

    /// Reads what is kept in `folder`, which the agent owns; at first that is `root`, from the host's configuration.
    ///
    /// - Parameters:
    ///   - keeper: signs snapshots and timestamps, on the one host that does.
    ///   - wallClock: seconds since 1970.
    /// Throws `FileError`, and ``TrustStartError`` if what is kept or `root` cannot be used.
    package init(
        fleet: String, root: [UInt8], folder: Folder, keeper: RepositoryKeeper? = nil,
        wallClock: @escaping @Sendable () -> Int64, logger: Logger
    ) throws {
        self.fleet = fleet
        self.folder = folder
        self.keeper = keeper
        self.wallClock = wallClock
        self.logger = logger
        let kept = try Self.read(folder)
        let (documents, repository) = try Self.start(kept, root: root, fleet: fleet)
        state = Mutex(State(documents: documents, repository: repository))
    }

    /// What is verified; nil as long as that is only roots.
    package var repository: VerifiedRepository? { state.withLock { $0.repository } }

    /// What is signed of `set` beyond who signs for it; the standard policy as long as nothing is known.
    package func policy(ofSet set: String) -> SignedPolicy { repository?.policy(ofSet: set) ?? SignedPolicy() }

    /// Whether this host signs snapshots and timestamps.
    var isKeeper: Bool { keeper != nil }

    /// The versions of what is verified.
    var versions: MetadataVersions {
        state.withLock { $0.repository?.versions ?? MetadataVersions(root: $0.documents.newestRoot?.version ?? 0) }
    }

    /// What somebody who has `versions` lacks.
    package func documents(newerThan versions: MetadataVersions) -> RepositoryDocuments {
        state.withLock { state in
            state.repository?.documents(newerThan: versions)
                ?? RepositoryDocuments(roots: state.documents.roots.filter { $0.key > versions.root })
        }
    }

    /// The documents that lead to the releases of `set`, and to no others.
    func documents(leadingTo set: String) -> RepositoryDocuments {
        let all = documents(newerThan: MetadataVersions())
        let wanted = [.timestamp, .snapshot, .targets, FleetRoles.role(ofSet: set)] as [RoleName]
        return RepositoryDocuments(roots: all.roots, documents: all.documents.filter { wanted.contains($0.key) })
    }

    /// The time that expiry is held against.
    var now: MetadataTime { state.withLock { time($0) } }

    private func time(_ state: State) -> MetadataTime {
        let wall = MetadataTime(secondsSince1970: wallClock())
        guard let floor = state.repository?.signedAt else { return wall }
        return max(wall, floor.adding((ContinuousClock.now - state.since).components.seconds))
    }

    /// Verifies the document of a release. One that is `held` already need not be fresh. Throws `TrustError`.
    package func verify(
        _ document: [UInt8], sequence: UInt64, ofSet set: String, above head: TrustedHead?, isHeld: Bool = false
    ) throws(TrustError) -> VerifiedRelease {
        let (repository, now) = state.withLock { ($0.repository, time($0)) }
        guard let repository else { throw .metadata(.missing(.timestamp, version: nil)) }
        return try ReleaseVerifier.verify(
            document, sequence: sequence, ofSet: set, fleet: fleet, by: repository, above: head,
            freshAt: isHeld ? nil : now)
    }

    /// Says that a list of yanked paths is in force, and wakes whoever tells others.
    func told(_ list: YankList) {
        logger.notice(
            "yanked paths are in force", metadata: ["set": "\(list.set)", "paths": "\(list.entries.count)"])
        changed.raise()
    }

    // MARK: - Taking documents

    /// Takes what a peer offers. Durable when it returns. Throws `UpdateError` if it is refused, `FileError`; nothing but
    /// newer roots has changed then.
    ///
    /// - Returns: whether something is newer than before.
    @discardableResult
    package func take(_ offered: RepositoryDocuments) throws -> Bool {
        try taking.withLock { _ in try update(with: offered) }
    }

    /// Takes what an operator offers: on the keeper's host, new roots, targets and roles of sets, which are signed into a
    /// new snapshot; elsewhere whatever a keeper has signed. Throws as ``take(_:)``, and what the signer throws.
    @discardableResult
    package func accept(_ offered: RepositoryDocuments) throws -> Bool {
        guard let keeper else { return try take(offered) }
        return try taking.withLock { _ in
            let (documents, versions, now) = state.withLock { state in
                (state.documents, state.repository?.versions ?? MetadataVersions(), time(state))
            }
            var merged = documents.merging(offered)
            // The keeper's own are not for others to replace.
            for role in [RoleName.snapshot, .timestamp] { merged.documents[role] = documents.documents[role] }
            guard merged.documents[.targets] != nil else { return try update(with: offered) }
            return try update(with: keeper.sign(merged, above: versions, now: now))
        }
    }

    /// Signs a new timestamp, on the keeper's host, so that what is there goes on counting; before operators have brought
    /// anything there is nothing to sign. Throws as ``accept(_:)``.
    func renew() throws {
        guard state.withLock({ $0.documents.documents[.targets] != nil }) else { return }
        try accept(RepositoryDocuments())
    }

    private func update(with offered: RepositoryDocuments) throws -> Bool {
        let (held, now) = state.withLock { ($0, time($0)) }
        let outcome = VerifiedRepository.update(held.documents, with: offered, fleet: fleet, now: now)
        let repository: VerifiedRepository
        do {
            repository = try outcome.result.get()
            try Self.checkClock(repository, now)
        } catch {
            if outcome.documents.roots.count != held.documents.roots.count { try keep(outcome.documents, nil) }
            throw error
        }
        guard repository.documents != held.documents else { return false }
        try keep(repository.documents, repository)
        logger.info(
            "metadata is new",
            metadata: [
                "root": "\(repository.versions.root)", "timestamp": "\(repository.versions[.timestamp])",
                "snapshot": "\(repository.versions[.snapshot])",
            ])
        changed.raise()
        return true
    }

    /// Throws `UpdateError` if a timestamp was signed so long after `now` that one of the two clocks is wrong.
    static func checkClock(_ repository: VerifiedRepository, _ now: MetadataTime) throws(UpdateError) {
        guard let signedAt = repository.signedAt, signedAt > now.adding(Self.clockTolerance) else { return }
        throw .fromTheFuture(.timestamp, version: repository.versions[.timestamp], signedAt: signedAt, now: now)
    }

    /// Makes documents durable, then known.
    private func keep(_ documents: RepositoryDocuments, _ repository: VerifiedRepository?) throws(FileError) {
        try folder.writeDurably(
            documents.encode(), to: Self.fileName, through: Self.temporaryName, mode: 0o600)
        state.withLock { state in
            state.documents = documents
            // Newer roots alone: what was verified before goes on counting until the rest comes.
            if let repository { (state.repository, state.since) = (repository, .now) }
        }
    }

    // MARK: - Start

    private static func read(_ folder: Folder) throws -> RepositoryDocuments? {
        guard let file = try folder.openFileIfPresent(fileName) else { return nil }
        do {
            return try RepositoryDocuments(
                decoding: try file.readAll(limit: RepositoryDocuments.maximumByteCount))
        } catch let error as CodecError {
            throw TrustStartError.damaged(file: fileName, reason: "\(error)")
        }
    }

    /// Verifies what is kept, as of the time when it was signed: it counted then, and what was accepted stays accepted.
    private static func start(
        _ kept: RepositoryDocuments?, root: [UInt8], fleet: String
    ) throws -> (RepositoryDocuments, VerifiedRepository?) {
        let version: Int64
        do {
            version = try RepositoryUpdate(
                trustedRoot: root, now: MetadataTime(secondsSince1970: 0), profile: .fleet(Array(fleet.utf8))
            ).rootVersion
        } catch {
            throw TrustStartError.badRoot("\(error)")
        }
        let given = RepositoryDocuments(roots: [version: root])
        guard let kept, let newest = kept.newestRoot?.version else { return (given, nil) }
        if let same = kept.roots[version], same != root { throw TrustStartError.otherRoot(version: version) }
        guard version <= newest + 1 else { throw TrustStartError.rootsBetween(held: newest, found: version) }
        let outcome = VerifiedRepository.update(
            kept, with: version > newest ? given : RepositoryDocuments(), fleet: fleet,
            now: MetadataTime(secondsSince1970: 0))
        return (outcome.documents, try? outcome.result.get())
    }
}

/// Why what a host is to believe cannot be used.
package enum TrustStartError: Error, CustomStringConvertible {
    /// The root in the configuration is none of this fleet.
    case badRoot(String)
    /// Another root than the one of the same version that is kept.
    case otherRoot(version: Int64)
    /// Roots are missing between the one kept and the one in the configuration.
    case rootsBetween(held: Int64, found: Int64)
    /// What is kept cannot be read.
    case damaged(file: String, reason: String)
    /// The online key cannot be used.
    case badOnlineKey(String)

    package var description: String {
        switch self {
        case .badRoot(let reason):
            "trust.root in agent.yaml is no root of this fleet: \(reason)"
        case .otherRoot(let version):
            "trust.root in agent.yaml is another root \(version) than the one that this host has trusted until now: if"
                + " the fleet was made anew, remove .store/metadata, else give it the right root"
        case .rootsBetween(let held, let found):
            "trust.root in agent.yaml is root \(found), this host has root \(held), and knows none between: give it root"
                + " \(held + 1), or if the fleet's keys were lost and made anew, remove .store/metadata"
        case .damaged(let file, let reason):
            ".store/\(file) is damaged: \(reason): remove it, and this host fetches the metadata again from trust.root on"
        case .badOnlineKey(let reason):
            "trust.online_key in agent.yaml cannot be used: \(reason)"
        }
    }
}
