/// Root and targets as they are to be: edited, then made into the documents that say so.
package struct TrustPlan: Sendable {
    /// Who signs for each top-level role.
    package private(set) var roles: [RoleName: RoleGrant]
    /// Who signs for each set, in the order of the delegations.
    package private(set) var sets: [SetGrant]
    /// What is said of each set beyond that; a set that is not named has the standard policy.
    package private(set) var policies: [String: SignedPolicy]
    /// When a document is to expire, if that was asked for.
    package private(set) var expiries: [RoleName: MetadataTime] = [:]

    /// What `trust` says now.
    package init(_ trust: FleetTrust) {
        roles = Dictionary(uniqueKeysWithValues: RoleName.topLevel.map { ($0, trust.root.grant(of: $0)) })
        sets = trust.targets.setGrants
        policies = trust.targets.policies
    }

    /// A first root and targets.
    package init(root: RoleGrant, targets: RoleGrant, online: RoleGrant, sets: [SetGrant]) {
        roles = [.root: root, .targets: targets, .snapshot: online, .timestamp: online]
        self.sets = sets
        policies = [:]
    }

    /// Who signs for `role`. Nil if there is no such role.
    package func grant(of role: RoleName) -> RoleGrant? {
        roles[role] ?? sets.first { $0.role == role }?.grant
    }

    /// Adds a key to a role, and sets its threshold unless that is nil. Throws ``TrustChangeError``.
    package mutating func add(
        _ owned: OwnedKey, to role: RoleName, threshold: Int? = nil
    ) throws(TrustChangeError) {
        try change(role) { grant throws(TrustChangeError) in
            guard !grant.keys.contains(where: { $0.key.id == owned.key.id }) else {
                throw .hasKey(role, owned.key.id)
            }
            grant.keys.append(owned)
            grant.threshold = threshold ?? grant.threshold
        }
    }

    /// Puts a new key into the place of another one. Throws ``TrustChangeError``.
    package mutating func replace(
        _ old: KeyID, by new: OwnedKey, in role: RoleName
    ) throws(TrustChangeError) {
        try change(role) { grant throws(TrustChangeError) in
            guard let place = grant.keys.firstIndex(where: { $0.key.id == old }) else {
                throw .lacksKey(role, old)
            }
            guard !grant.keys.contains(where: { $0.key.id == new.key.id }) else { throw .hasKey(role, new.key.id) }
            grant.keys[place] = new
        }
    }

    /// Takes a key away from every role that has it; thresholds stay, but for that of `role`. Throws
    /// ``TrustChangeError`` if nobody has it, or fewer keys than a threshold are left.
    package mutating func revoke(_ id: KeyID, threshold: Int? = nil) throws(TrustChangeError) {
        let affected = (RoleName.topLevel + sets.map(\.role)).filter { role in
            grant(of: role)?.keys.contains { $0.key.id == id } == true
        }
        guard !affected.isEmpty else { throw .unknownKey(id) }
        for role in affected {
            try change(role) { grant throws(TrustChangeError) in
                grant.keys.removeAll { $0.key.id == id }
                grant.threshold = threshold ?? grant.threshold
            }
        }
    }

    /// Sets the threshold of a role. Throws ``TrustChangeError``.
    package mutating func setThreshold(_ threshold: Int, of role: RoleName) throws(TrustChangeError) {
        try change(role) { grant throws(TrustChangeError) in grant.threshold = threshold }
    }

    /// Delegates to a set that had no role so far. Throws ``TrustChangeError``.
    package mutating func delegate(_ set: SetGrant) throws(TrustChangeError) {
        guard grant(of: set.role) == nil else { throw .hasRole(set.role) }
        try Self.check(set.grant, of: set.role)
        sets.append(set)
        sets.sort { $0.role < $1.role }
    }

    /// What is said of the set `name`.
    package func policy(ofSet name: String) -> SignedPolicy { policies[name] ?? SignedPolicy() }

    /// Says something of a set that has a role. Throws ``TrustChangeError``.
    package mutating func setPolicy(_ policy: SignedPolicy, ofSet name: String) throws(TrustChangeError) {
        guard let role = RoleName.ofSet(name), grant(of: role) != nil else {
            throw .unknownRole(RoleName.ofSet(name) ?? .targets)
        }
        policies[name] = policy == SignedPolicy() ? nil : policy
    }

    /// Signs root or targets again, to count until `expires`. Throws ``TrustChangeError`` for other roles.
    package mutating func expire(_ role: RoleName, at expires: MetadataTime) throws(TrustChangeError) {
        guard role == .root || role == .targets else { throw .notHere(role) }
        expiries[role] = expires
    }

    private mutating func change(
        _ role: RoleName, _ edit: (inout RoleGrant) throws(TrustChangeError) -> Void
    ) throws(TrustChangeError) {
        guard var grant = grant(of: role) else { throw .unknownRole(role) }
        try edit(&grant)
        try Self.check(grant, of: role)
        if let place = sets.firstIndex(where: { $0.role == role }) {
            sets[place].grant = grant
        } else {
            roles[role] = grant
        }
    }

    private static func check(_ grant: RoleGrant, of role: RoleName) throws(TrustChangeError) {
        guard grant.threshold >= 1, grant.threshold <= grant.keys.count else {
            throw .badThreshold(role, threshold: grant.threshold, keyCount: grant.keys.count)
        }
        guard grant.keys.count <= MetadataLimits.keysPerRole else {
            throw .tooManyKeys(role, limit: MetadataLimits.keysPerRole)
        }
    }
}

/// Why a change of trust cannot be.
package enum TrustChangeError: Error, Hashable, Sendable {
    /// No such role.
    case unknownRole(RoleName)
    /// A role of this name is there.
    case hasRole(RoleName)
    /// The role has the key already.
    case hasKey(RoleName, KeyID)
    /// The role does not have the key.
    case lacksKey(RoleName, KeyID)
    /// No role has the key.
    case unknownKey(KeyID)
    /// A threshold below 1, or above the number of keys.
    case badThreshold(RoleName, threshold: Int, keyCount: Int)
    /// More keys than a role may have.
    case tooManyKeys(RoleName, limit: Int)
    /// A document that is signed elsewhere.
    case notHere(RoleName)
    /// Nothing would be another than it is.
    case nothingChanges
    /// The documents would not be read by anybody: two keys that share a half, say.
    case invalid(RoleName, MetadataError)
}

extension TrustChangeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownRole(let role): "there is no role \(role)"
        case .hasRole(let role): "role \(role) is there already"
        case .hasKey(let role, let id): "role \(role) has key \(id) already"
        case .lacksKey(let role, let id): "role \(role) has no key \(id)"
        case .unknownKey(let id): "no role has a key \(id)"
        case .badThreshold(let role, let threshold, let count):
            "role \(role) would have \(count) keys and need \(threshold) of them"
        case .tooManyKeys(let role, let limit): "role \(role) would have more than \(limit) keys"
        case .notHere(let role): "the document of role \(role) is not signed with this folder's keys"
        case .nothingChanges: "nothing would change"
        case .invalid(let role, let error): "the new \(role) would be read by nobody: \(error)"
        }
    }
}
