/// The client workflow of TUF (section 5 of the specification) as a machine: bytes in, decisions out. One value is one
/// update: the time is fixed when it begins.
///
/// The caller begins with ``begin()``, carries out every action in its order, and answers the last one with the event that
/// it asks for:
/// 1. ``Action/store(_:_:)`` and ``Action/delete(_:)`` are durable before the next action is begun.
/// 2. ``Action/load(_:)`` wants what was stored for a role, as it was, or nil. It is verified anew, against today's keys.
/// 3. ``Action/fetch(_:)`` wants the file, of which no more than the limit is read, or that there is none. If nobody can say,
///    the caller gives up, and may begin a new update at any time.
/// 4. After ``Action/refreshed`` targets may be looked for, one after the other, with ``find(_:)``.
///
/// Without a network, a caller answers that there is no new root, and gives the stored timestamp for the fetched one: what
/// is stored and has not expired is then verified as ever.
package struct RepositoryUpdate: Sendable {
    /// What the caller does next.
    package enum Action: Sendable {
        /// Keep the metadata of a role, and it is all that is kept of it.
        case store(RoleName, [UInt8])
        /// Keep nothing of a role any more: its keys were rotated, maybe to recover from what was stored.
        case delete(RoleName)
        /// Answer with ``Event/loaded(_:)``.
        case load(RoleName)
        /// Answer with ``Event/fetched(_:)`` or ``Event/notFound``.
        case fetch(MetadataRequest)
        /// The top-level metadata is verified and up to date.
        case refreshed
        /// A target was found.
        case found(VerifiedTarget)
        /// Nobody who is trusted with the target names it, or not within the first ``roleLimit`` roles.
        case absent(TargetPath, visitedRoleCount: Int)
        /// The update ends here, or the search if it was one.
        case refused(UpdateError)
    }

    /// The answer to an action.
    package enum Event: Sendable {
        /// What was stored for the role; nil if nothing was.
        case loaded([UInt8]?)
        /// The file.
        case fetched([UInt8])
        /// The repository says that it has no such file.
        case notFound
    }

    /// Roots of one update at most: bounds what a client that slept long can be made to do.
    package static let rootLimit = 1_024
    /// Roles that the search for one target visits at most.
    package static let roleLimit = 64

    enum State: Sendable {
        case begun
        case root
        case storedTimestamp, timestamp
        case storedSnapshot, snapshot
        case storedTargets(DelegatedRole), targets(DelegatedRole)
        case ready
        case refused
    }

    let verifier: MetadataVerifier
    var state = State.begun
    private(set) var root: RootMetadata
    private var newRootCount = 0
    private var timestamp: TimestampMetadata?
    private(set) var snapshot: SnapshotMetadata?
    /// Verified targets metadata, by the roles that lead to it: what one delegator allows says nothing of another's.
    var targets: [[RoleName]: TargetsMetadata] = [:]
    var search: TargetSearch?

    /// An update from the stored root, or from the one that came with the program. Its own keys have to have signed it; it
    /// may have expired. `now` is the time for all of the update. Throws ``UpdateError``.
    package init(
        trustedRoot: [UInt8], now: MetadataTime, profile: MetadataProfile, schemes: KeySchemes = .own
    ) throws(UpdateError) {
        verifier = MetadataVerifier(profile: profile, schemes: schemes, now: now)
        root = try verifier.initialRoot(trustedRoot)
    }

    /// The version of the root that is trusted.
    package var rootVersion: Int64 { root.version }

    /// The timestamp that is trusted; nil before the update is refreshed.
    package var trustedTimestamp: TimestampMetadata? { timestamp }

    /// The snapshot that is trusted; nil before the update is refreshed.
    package var trustedSnapshot: SnapshotMetadata? { snapshot }

    /// The targets metadata that was verified on the way `path`, a list of roles from root on; nil if none was.
    package func trustedTargets(along path: [RoleName]) -> TargetsMetadata? { targets[path] }

    /// When the first of all documents expires that lead to targets metadata by `path`, itself included.
    package func expiry(along path: [RoleName]) -> MetadataTime { earliestExpiry(along: path) }

    /// The first actions.
    package mutating func begin() -> [Action] {
        guard case .begun = state else { preconditionFailure("an update begins once") }
        return deciding { update throws(UpdateError) in try update.askForRoot() }
    }

    /// The actions that follow from an answer. Called for nothing else than the answer to the last action.
    package mutating func handle(_ event: Event) -> [Action] {
        deciding { update throws(UpdateError) in
            switch (update.state, event) {
            case (.root, .fetched(let bytes)): try update.rootFetched(bytes)
            case (.root, .notFound): try update.rootIsNewest()
            case (.storedTimestamp, .loaded(let bytes)): update.timestampLoaded(bytes)
            case (.timestamp, .fetched(let bytes)): try update.timestampFetched(bytes)
            case (.timestamp, .notFound): throw .missing(.timestamp, version: nil)
            case (.storedSnapshot, .loaded(let bytes)): try update.snapshotLoaded(bytes)
            case (.snapshot, .fetched(let bytes)): try update.snapshotFetched(bytes)
            case (.snapshot, .notFound): throw .missing(.snapshot, version: update.timestamp?.snapshot.version)
            case (.storedTargets(let role), .loaded(let bytes)): try update.targetsLoaded(bytes, of: role)
            case (.targets(let role), .fetched(let bytes)): try update.targetsFetched(bytes, of: role)
            case (.targets(let role), .notFound):
                throw .missing(role.name, version: update.snapshot?.description(of: role.name.listedName)?.version)
            default: preconditionFailure("\(event) in \(update.state)")
            }
        }
    }

    /// Runs one step; what it throws is the last action. A search that is refused leaves the update as it was before.
    mutating func deciding(
        _ step: (inout RepositoryUpdate) throws(UpdateError) -> [Action]
    ) -> [Action] {
        do throws(UpdateError) {
            return try step(&self)
        } catch {
            state = search == nil ? .refused : .ready
            search = nil
            return [.refused(error)]
        }
    }

    // MARK: - Root

    private mutating func askForRoot() throws(UpdateError) -> [Action] {
        guard newRootCount < Self.rootLimit, root.version < JSONLimits.integers.upperBound else {
            return try rootIsNewest()
        }
        state = .root
        return [
            .fetch(
                MetadataRequest(role: .root, version: root.version + 1, byteLimit: MetadataLimits.rootByteCount))
        ]
    }

    private mutating func rootFetched(_ bytes: [UInt8]) throws(UpdateError) -> [Action] {
        let new = try verifier.root(bytes, after: root)
        var actions: [Action] = []
        if isRotated(.timestamp, in: new) || isRotated(.snapshot, in: new) {
            // Before the root is stored: a crash in between must not leave what the old keys signed beside the new root.
            actions = [.delete(.timestamp), .delete(.snapshot)]
        }
        actions.append(.store(.root, bytes))
        root = new
        newRootCount += 1
        // The root is good, and stored, whatever its date.
        return actions + deciding { update throws(UpdateError) in try update.askForRoot() }
    }

    /// Whether a key of the role is none of it any more.
    private func isRotated(_ role: RoleName, in new: RootMetadata) -> Bool {
        !root.keys.identities(of: root.keys(of: role)).isSubset(of: new.keys.identities(of: new.keys(of: role)))
    }

    private mutating func rootIsNewest() throws(UpdateError) -> [Action] {
        try verifier.checkExpiry(of: root, role: .root)
        state = .storedTimestamp
        return [.load(.timestamp)]
    }

    // MARK: - Timestamp

    private mutating func timestampLoaded(_ bytes: [UInt8]?) -> [Action] {
        // What does not verify any more is as good as nothing; what has expired still says how far back nobody leads.
        timestamp = bytes.flatMap {
            try? verifier.contents($0, of: .timestamp, signedBy: root.delegation(of: .timestamp))
        }
        state = .timestamp
        return [
            .fetch(MetadataRequest(role: .timestamp, version: nil, byteLimit: MetadataLimits.timestampByteCount))
        ]
    }

    private mutating func timestampFetched(_ bytes: [UInt8]) throws(UpdateError) -> [Action] {
        let new: TimestampMetadata = try verifier.contents(
            bytes, of: .timestamp, signedBy: root.delegation(of: .timestamp))
        var actions: [Action] = []
        if let held = timestamp, new.version == held.version {
            // Nothing new; whatever else it says is not looked at.
            try verifier.checkExpiry(of: held, role: .timestamp)
        } else {
            if let held = timestamp {
                guard new.version > held.version else {
                    throw .rollback(.timestamp, held: held.version, found: new.version)
                }
                guard new.snapshot.version >= held.snapshot.version else {
                    throw .listedRollback(
                        by: .timestamp, file: RoleName.snapshot.listedName, held: held.snapshot.version,
                        found: new.snapshot.version)
                }
            }
            try verifier.checkExpiry(of: new, role: .timestamp)
            timestamp = new
            actions = [.store(.timestamp, bytes)]
        }
        state = .storedSnapshot
        return actions + [.load(.snapshot)]
    }

    // MARK: - Snapshot

    private mutating func snapshotLoaded(_ bytes: [UInt8]?) throws(UpdateError) -> [Action] {
        guard let listing = timestamp?.snapshot else { preconditionFailure("a snapshot before its timestamp") }
        snapshot = bytes.flatMap {
            try? verifier.contents($0, of: .snapshot, signedBy: root.delegation(of: .snapshot))
        }
        if let bytes, let held = snapshot, held.version == listing.version, listing.isOf(bytes),
            (try? verifier.checkExpiry(of: held, role: .snapshot)) != nil
        {
            return visit(.topLevel(root))
        }
        state = .snapshot
        return [
            .fetch(
                MetadataRequest(
                    role: .snapshot, version: root.hasConsistentSnapshots ? listing.version : nil,
                    byteLimit: listing.byteLimit(of: .snapshot)))
        ]
    }

    private mutating func snapshotFetched(_ bytes: [UInt8]) throws(UpdateError) -> [Action] {
        guard let listing = timestamp?.snapshot else { preconditionFailure("a snapshot before its timestamp") }
        let new: SnapshotMetadata = try verifier.contents(
            bytes, of: .snapshot, signedBy: root.delegation(of: .snapshot),
            listed: ListedMetadata(description: listing, lister: .timestamp))
        if let held = snapshot { try Self.checkRollback(from: held, to: new) }
        try verifier.checkExpiry(of: new, role: .snapshot)
        snapshot = new
        return [.store(.snapshot, bytes)] + visit(.topLevel(root))
    }

    private static func checkRollback(
        from held: SnapshotMetadata, to new: SnapshotMetadata
    ) throws(UpdateError) {
        guard new.version >= held.version else {
            throw .rollback(.snapshot, held: held.version, found: new.version)
        }
        for (file, description) in held.listed {
            guard let found = new.description(of: file) else {
                throw .listedRemoved(file: file, held: description.version)
            }
            guard found.version >= description.version else {
                throw .listedRollback(by: .snapshot, file: file, held: description.version, found: found.version)
            }
        }
    }

    // MARK: - Targets, of the top level and delegated

    /// Goes on with `role`, which nobody has verified by this way yet.
    mutating func visit(_ role: DelegatedRole) -> [Action] {
        state = .storedTargets(role)
        return [.load(role.name)]
    }

    private mutating func targetsLoaded(_ bytes: [UInt8]?, of role: DelegatedRole) throws(UpdateError) -> [Action] {
        let listed = try listing(of: role)
        if let bytes, let held = try? verifiedTargets(bytes, of: role, listed: listed) {
            return try targetsVerified(held, of: role)
        }
        state = .targets(role)
        return [
            .fetch(
                MetadataRequest(
                    role: role.name, version: root.hasConsistentSnapshots ? listed.description.version : nil,
                    byteLimit: listed.description.byteLimit(of: role.name)))
        ]
    }

    private mutating func targetsFetched(_ bytes: [UInt8], of role: DelegatedRole) throws(UpdateError) -> [Action] {
        let new = try verifiedTargets(bytes, of: role, listed: try listing(of: role))
        // What was verified is stored even if the next step is refused.
        return [.store(role.name, bytes)]
            + deciding { update throws(UpdateError) in
                try update.targetsVerified(new, of: role)
            }
    }

    private func verifiedTargets(
        _ bytes: [UInt8], of role: DelegatedRole, listed: ListedMetadata
    ) throws(UpdateError) -> TargetsMetadata {
        let found: TargetsMetadata = try verifier.contents(bytes, of: role.name, signedBy: role.signers, listed: listed)
        try verifier.checkExpiry(of: found, role: role.name)
        return found
    }

    private func listing(of role: DelegatedRole) throws(UpdateError) -> ListedMetadata {
        guard let snapshot else { preconditionFailure("targets before their snapshot") }
        guard let description = snapshot.description(of: role.name.listedName) else {
            throw .notListed(role.name, snapshotVersion: snapshot.version)
        }
        return ListedMetadata(description: description, lister: .snapshot)
    }

    private mutating func targetsVerified(
        _ found: TargetsMetadata, of role: DelegatedRole
    ) throws(UpdateError) -> [Action] {
        targets[role.path] = found
        guard search != nil else {
            state = .ready
            return [.refreshed]
        }
        return try searched(found, of: role)
    }

    /// The earliest end of all that leads to targets metadata by `path`, itself included.
    func earliestExpiry(along path: [RoleName]) -> MetadataTime {
        var earliest = root.expires
        for expires in [timestamp?.expires, snapshot?.expires] {
            if let expires { earliest = min(earliest, expires) }
        }
        for length in 2...max(path.count, 2) {
            if let expires = targets[Array(path.prefix(length))]?.expires { earliest = min(earliest, expires) }
        }
        return earliest
    }
}
