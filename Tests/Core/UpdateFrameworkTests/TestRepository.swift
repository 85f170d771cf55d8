import SigningKeys
import Testing
import UpdateFramework

/// A role name of a test.
func role(_ name: String) throws -> RoleName { try #require(RoleName(Array(name.utf8))) }

/// A target path of a test.
func path(_ text: String) throws -> TargetPath { try #require(TargetPath(Array(text.utf8))) }

/// A key that is no secret: the same number is the same key.
func key(_ number: UInt8) throws -> Ed25519SigningKey {
    try #require(Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)))
}

/// Who signs for a role of a ``TestRepository``.
struct TestRole {
    var keys: [Ed25519SigningKey]
    var threshold = 1
    /// Those that do sign; all keys if nil.
    var signers: [Ed25519SigningKey]?
    var version: Int64 = 0
    var expires: MetadataTime
}

/// A delegation of a ``TestRepository``.
struct TestDelegation {
    var from: RoleName
    var to: RoleName
    var pattern: String
    var isTerminating = false
}

/// A repository in memory that a test changes and publishes step by step.
struct TestRepository {
    static let now = MetadataTime(secondsSince1970: 1_800_000_000)
    static let fleet = Array("example".utf8)
    static func later(_ seconds: Int64) -> MetadataTime {
        MetadataTime(secondsSince1970: now.secondsSince1970 + seconds)
    }

    var profile = MetadataProfile.fleet(fleet)
    var roles: [RoleName: TestRole] = [:]
    var delegations: [TestDelegation] = []
    var targets: [RoleName: [TargetPath: TargetDescription]] = [:]
    /// Whether snapshot and timestamp say lengths and hashes.
    var statesHashes = true
    /// What sources have, by file name.
    var files: [String: [UInt8]] = [:]
    /// The newest document of each role.
    var documents: [RoleName: [UInt8]] = [:]
    /// What the snapshot lists.
    var listed: [RoleName: MetadataDescription] = [:]

    /// Version 1 of everything, key 1 for root, 2 for timestamp, 3 for snapshot, 4 for targets.
    init(profile: MetadataProfile = .fleet(fleet)) throws {
        self.profile = profile
        for (number, name) in [RoleName.root, .timestamp, .snapshot, .targets].enumerated() {
            roles[name] = TestRole(keys: [try key(UInt8(number + 1))], expires: Self.later(86_400))
        }
        try publish(.root, .targets, .snapshot, .timestamp)
    }

    /// Adds a role with a key of its own; its delegator and itself are to be published.
    mutating func delegate(
        from: RoleName = .targets, to: RoleName, pattern: String, isTerminating: Bool = false, key number: UInt8
    ) throws {
        delegations.append(TestDelegation(from: from, to: to, pattern: pattern, isTerminating: isTerminating))
        if roles[to] == nil {
            roles[to] = TestRole(keys: [try key(number)], expires: Self.later(86_400))
        }
    }

    /// Makes the next version of each role, in this order.
    mutating func publish(_ names: RoleName...) throws {
        for name in names { try publish(name) }
    }

    private mutating func publish(_ name: RoleName) throws {
        roles[name]?.version += 1
        let bytes = try document(signed(name), signers: try #require(roles[name]).signers ?? roles[name]?.keys ?? [])
        try serve(bytes, as: name)
    }

    /// Gives `bytes` out as the newest document of a role, in its present version.
    mutating func serve(_ bytes: [UInt8], as name: RoleName) throws {
        let version = try #require(roles[name]).version
        documents[name] = bytes
        files[name == .timestamp ? name.fileName : "\(version).\(name.fileName)"] = bytes
        if ![.root, .timestamp, .snapshot].contains(name) {
            listed[name] = MetadataDescription(version: version, of: statesHashes ? bytes : nil)
        }
    }

    /// The newest `signed` of a role.
    func signed(_ name: RoleName) throws -> JSONObject {
        let writer = MetadataWriter(profile: profile)
        let role = try #require(roles[name])
        switch name {
        case .root:
            let named = RoleName.topLevel.compactMap { name in roles[name].map { (name, $0) } }
            return writer.signed(
                RootMetadata(
                    version: role.version, expires: role.expires, keys: named.flatMap { $0.1.keys.map(\.key) },
                    roles: Dictionary(uniqueKeysWithValues: named.map { ($0.0, Self.roleKeys($0.1)) })), role: name)
        case .timestamp:
            let description = MetadataDescription(
                version: roles[.snapshot]?.version ?? 0, of: statesHashes ? documents[.snapshot] : nil)
            return writer.signed(
                TimestampMetadata(version: role.version, expires: role.expires, snapshot: description), role: name)
        case .snapshot:
            return writer.signed(
                SnapshotMetadata(version: role.version, expires: role.expires, roles: listed), role: name)
        default:
            let own = delegations.filter { $0.from == name }
            return writer.signed(
                TargetsMetadata(
                    version: role.version, expires: role.expires, targets: targets[name] ?? [:],
                    keys: own.flatMap { roles[$0.to]?.keys.map(\.key) ?? [] },
                    delegations: try own.map { delegation in
                        Delegation(
                            role: delegation.to, keys: Self.roleKeys(try #require(roles[delegation.to])),
                            paths: .patterns([try #require(PathPattern(Array(delegation.pattern.utf8)))]),
                            isTerminating: delegation.isTerminating)
                    }), role: name)
        }
    }

    static func roleKeys(_ role: TestRole) -> RoleKeys {
        RoleKeys(keyIDs: role.keys.map(\.key.id), threshold: role.threshold)
    }

    /// `signed` with signatures by `signers`.
    func document(_ signed: JSONObject, signers: [Ed25519SigningKey]) throws -> [UInt8] {
        MetadataWriter.document(
            signed, signatures: try signers.map { try MetadataWriter.signature(over: signed, by: $0) })
    }

    /// Gives out the newest document of a role once more, with a member of `signed` changed, and well signed.
    mutating func reserve(_ name: RoleName, _ change: (inout JSONObject) throws -> Void) throws {
        var signed = try signed(name)
        try change(&signed)
        try serve(try document(signed, signers: try #require(roles[name]).keys), as: name)
    }
}

/// A client in memory: what it keeps, and what it asked for.
struct TestClient {
    /// How an update ended.
    enum Outcome: Equatable {
        case refreshed
        case refused(UpdateError)

        /// The word for what was refused; nil if nothing was.
        var label: String? {
            guard case .refused(let error) = self else { return nil }
            return error.label
        }
    }

    var stored: [RoleName: [UInt8]] = [:]
    var profile = MetadataProfile.fleet(TestRepository.fleet)
    /// Names of the files asked for in the last update.
    var requests: [String] = []
    /// Limits that came with them.
    var limits: [Int] = []
    /// What was kept and dropped in the last update.
    var changes: [String] = []
    /// The update, for searches.
    var update: RepositoryUpdate?

    init(_ repository: TestRepository) {
        stored[.root] = repository.documents[.root]
        profile = repository.profile
    }

    /// A whole update.
    mutating func refresh(_ repository: TestRepository, now: MetadataTime = TestRepository.now) throws -> Outcome {
        (requests, limits, changes) = ([], [], [])
        do throws(UpdateError) {
            update = try RepositoryUpdate(trustedRoot: stored[.root] ?? [], now: now, profile: profile)
        } catch {
            return .refused(error)
        }
        let last = perform(update?.begin() ?? [], repository)
        switch last {
        case .refreshed: return .refreshed
        case .refused(let error): return .refused(error)
        default: throw Unexpected(last: "\(last as Any)")
        }
    }

    /// The search for one target in the update.
    mutating func find(_ target: TargetPath, _ repository: TestRepository) throws -> RepositoryUpdate.Action {
        (requests, limits, changes) = ([], [], [])
        return try #require(perform(update?.find(target) ?? [], repository))
    }

    struct Unexpected: Error { let last: String }

    private mutating func perform(
        _ first: [RepositoryUpdate.Action], _ repository: TestRepository
    ) -> RepositoryUpdate.Action? {
        var actions = first
        while true {
            var answer: RepositoryUpdate.Event?
            for action in actions {
                switch action {
                case .store(let role, let bytes):
                    stored[role] = bytes
                    changes.append("+\(role)")
                case .delete(let role):
                    stored[role] = nil
                    changes.append("-\(role)")
                case .load(let role): answer = .loaded(stored[role])
                case .fetch(let request):
                    requests.append(request.fileName)
                    limits.append(request.byteLimit)
                    answer = repository.files[request.fileName].map { .fetched($0) } ?? .notFound
                default: return action
                }
            }
            guard let answer else { return nil }
            actions = update?.handle(answer) ?? []
        }
    }
}
