package import UpdateFramework

/// A fleet's TUF repository, verified from a trusted root down at one moment: which releases of which sets are signed.
/// Only ``update(_:with:fleet:now:)`` makes one.
package struct VerifiedRepository: Sendable {
    /// What an update came to. Also one that is refused may have led to newer roots, which are to be kept.
    package struct Outcome: Sendable {
        /// What is to be kept in place of what was held.
        package let documents: RepositoryDocuments
        /// The repository, or why what was offered is refused.
        package let result: Result<VerifiedRepository, UpdateError>
    }

    /// Every document that was verified, with the roots that were held.
    package let documents: RepositoryDocuments
    /// The versions of those documents.
    package let versions: MetadataVersions
    /// Sets whose role says nothing now, and why.
    package let failures: [String: UpdateError]
    /// Refreshed, and has looked into the role of every set.
    private let update: RepositoryUpdate

    /// Takes `offered`, from whomever, into `held`, which begins with a root that is trusted: the workflow of section 5
    /// of the TUF specification, for all sets of the fleet at once.
    ///
    /// All or nothing, but for roots: nothing of a timestamp is kept whose snapshot or targets are not right. Expired
    /// roles of single sets are ``failures``. `now` is the time of the whole update.
    package static func update(
        _ held: RepositoryDocuments, with offered: RepositoryDocuments, fleet: String, now: MetadataTime
    ) -> Outcome {
        var run = Run(held: held, offered: offered)
        do throws(UpdateError) {
            let repository = try run.run(fleet: fleet, now: now)
            return Outcome(documents: repository.documents, result: .success(repository))
        } catch {
            return Outcome(documents: run.afterRefusal, result: .failure(error))
        }
    }

    /// The sets that the fleet's targets role delegates to, ascending.
    package var sets: [String] {
        (topLevel?.delegations ?? []).compactMap { FleetRoles.set(of: $0.role) }.sorted()
    }

    /// From when on nothing in the repository is fresh any more: the earliest end of root, timestamp, snapshot, targets.
    package var freshUntil: MetadataTime { update.expiry(along: Self.topLevelPath) }

    /// From when on no new release of `set` is accepted: as ``freshUntil``, with the set's own role.
    package func freshUntil(ofSet set: String) -> MetadataTime { update.expiry(along: Self.path(of: set)) }

    /// When the timestamp was signed, by the keeper's clock.
    package var signedAt: MetadataTime? { update.trustedTimestamp?.signedAt }

    /// Whose keys sign for `set`, and how many of them have to; nil if the fleet has no such set.
    package func signers(ofSet set: String) -> RoleKeys? {
        topLevel?.delegations.first { $0.role == FleetRoles.role(ofSet: set) }?.keys
    }

    /// What the fleet's targets role says of `set` beyond that.
    package func policy(ofSet set: String) -> SignedPolicy { topLevel?.policies[set] ?? SignedPolicy() }

    /// What the role of `set` signed; nil if there is nothing yet, or it says nothing now.
    package func contents(ofSet set: String) -> TargetsMetadata? {
        update.trustedTargets(along: Self.path(of: set))
    }

    /// The sequences of the releases that the role of `set` names, ascending.
    package func sequences(ofSet set: String) -> [UInt64] {
        (contents(ofSet: set)?.targets.keys ?? [:].keys).compactMap { FleetRoles.sequence(of: $0, ofSet: set) }.sorted()
    }

    /// The target `path`, found by the search of TUF; nil if nobody who is trusted with it names it. Throws the reason
    /// why the role of `set` says nothing, if that is so.
    package func target(_ path: TargetPath, ofSet set: String) throws(UpdateError) -> VerifiedTarget? {
        if let failure = failures[set] { throw failure }
        var search = update
        switch search.find(path).last {
        case .found(let target): return target
        case .refused(let error): throw error
        // A role that is to be loaded is one that the snapshot does not list: nothing was ever signed for the set.
        default: return nil
        }
    }

    /// The documents that are newer than `versions` says; all of them for somebody with an older root, whose documents
    /// may go with their keys, however high their versions are.
    package func documents(newerThan versions: MetadataVersions) -> RepositoryDocuments {
        let isRootNewer = self.versions.root > versions.root
        return RepositoryDocuments(
            roots: documents.roots.filter { $0.key > versions.root },
            documents: documents.documents.filter { isRootNewer || self.versions[$0.key] > versions[$0.key] })
    }

    private static let topLevelPath = [RoleName.root, .targets]

    private static func path(of set: String) -> [RoleName] { topLevelPath + [FleetRoles.role(ofSet: set)] }

    private var topLevel: TargetsMetadata? { update.trustedTargets(along: Self.topLevelPath) }
}

extension VerifiedRepository {
    /// One update: carries out what the machine asks for, out of two values.
    private struct Run {
        let held: RepositoryDocuments
        let offered: RepositoryDocuments
        private var kept: RepositoryDocuments
        /// Roles whose documents went with their keys.
        private var dropped: Set<RoleName> = []

        init(held: RepositoryDocuments, offered: RepositoryDocuments) {
            self.held = held
            self.offered = offered
            kept = held
        }

        /// Newer roots stay, and what they ended is gone; the rest is as it was.
        var afterRefusal: RepositoryDocuments {
            RepositoryDocuments(
                roots: kept.roots, documents: held.documents.filter { !dropped.contains($0.key) })
        }

        mutating func run(fleet: String, now: MetadataTime) throws(UpdateError) -> VerifiedRepository {
            guard let root = held.newestRoot?.bytes else { throw .missing(.root, version: nil) }
            var update = try RepositoryUpdate(trustedRoot: root, now: now, profile: .fleet(Array(fleet.utf8)))
            let first = update.begin()
            try finish(first, &update)
            let topLevel = update.trustedTargets(along: VerifiedRepository.topLevelPath)
            var failures: [String: UpdateError] = [:]
            for set in (topLevel?.delegations ?? []).compactMap({ FleetRoles.set(of: $0.role) }) {
                let search = update.find(FleetRoles.yanked(ofSet: set))
                do throws(UpdateError) {
                    try finish(search, &update)
                } catch {
                    switch error {
                    case .notListed: break
                    case .expired: failures[set] = error
                    default: throw error
                    }
                }
            }
            return VerifiedRepository(
                documents: kept, versions: versions(update), failures: failures, update: update)
        }

        /// Goes on until the update, or the search, has come to its end. Throws what it refuses.
        private mutating func finish(
            _ actions: [RepositoryUpdate.Action], _ update: inout RepositoryUpdate
        ) throws(UpdateError) {
            var actions = actions
            while true {
                var answer: RepositoryUpdate.Event?
                for action in actions {
                    switch action {
                    case .store(.root, let bytes): kept.roots[update.rootVersion] = bytes
                    case .store(let role, let bytes): kept.documents[role] = bytes
                    case .delete(let role):
                        kept.documents[role] = nil
                        dropped.insert(role)
                    case .load(let role): answer = .loaded(kept.documents[role])
                    case .fetch(let request): answer = fetched(request)
                    case .refused(let error): throw error
                    case .refreshed, .found, .absent: return
                    }
                }
                guard let answer else { preconditionFailure("an update that asks for nothing") }
                actions = update.handle(answer)
            }
        }

        /// Sources leave out what is held already: a timestamp that did not change stands for itself.
        private func fetched(_ request: MetadataRequest) -> RepositoryUpdate.Event {
            let bytes =
                switch request.role {
                case .root: request.version.flatMap { offered.roots[$0] }
                case .timestamp: offered.documents[.timestamp] ?? kept.documents[.timestamp]
                default: offered.documents[request.role]
                }
            guard let bytes else { return .notFound }
            return .fetched(bytes)
        }

        private func versions(_ update: RepositoryUpdate) -> MetadataVersions {
            var versions = MetadataVersions(root: update.rootVersion)
            versions.roles[.timestamp] = update.trustedTimestamp?.version
            versions.roles[.snapshot] = update.trustedSnapshot?.version
            let topLevel = update.trustedTargets(along: VerifiedRepository.topLevelPath)
            versions.roles[.targets] = topLevel?.version
            for delegation in topLevel?.delegations ?? [] {
                let path = VerifiedRepository.topLevelPath + [delegation.role]
                versions.roles[delegation.role] = update.trustedTargets(along: path)?.version
            }
            return versions
        }
    }
}
