/// A key with the words of whoever has it.
package struct OwnedKey: Hashable, Sendable {
    /// The key.
    package let key: MetadataKey
    /// Who owns it; empty if nobody says.
    package let owner: [UInt8]

    /// The key `key` of `owner`.
    package init(_ key: MetadataKey, owner: [UInt8]) {
        self.key = key
        self.owner = owner
    }

    /// Its id, and whose it is, printable.
    package var words: String { "\(key.id)" + (owner.isEmpty ? "" : " (\(PrintableText(owner)))") }

    package static func == (left: OwnedKey, right: OwnedKey) -> Bool {
        left.key.id == right.key.id && left.owner == right.owner
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(key.id)
        hasher.combine(owner)
    }
}

/// Who signs for a role: keys, and how many of them have to. What a root or a delegating role says, as it is changed by
/// people.
package struct RoleGrant: Hashable, Sendable {
    /// Each key once.
    package var keys: [OwnedKey]
    /// At least 1.
    package var threshold: Int

    /// `threshold` of `keys`.
    package init(_ keys: [OwnedKey], threshold: Int) {
        self.keys = keys
        self.threshold = threshold
    }

    init(_ role: RoleKeys, ring: KeyRing, owners: KeyOwners) {
        keys = role.keyIDs.compactMap { id in ring[id].map { OwnedKey($0, owner: owners[id] ?? []) } }
        threshold = role.threshold
    }

    /// The same as a document has it.
    var roleKeys: RoleKeys { RoleKeys(keyIDs: keys.map(\.key.id), threshold: threshold) }
}

extension KeyOwners {
    /// The words of all owners in `grants`.
    init(_ grants: some Sequence<RoleGrant>) {
        self.init()
        for owned in grants.lazy.flatMap(\.keys) where !owned.owner.isEmpty { self[owned.key.id] = owned.owner }
    }
}

extension RootMetadata {
    /// A root for the writer by who signs for each of the four top-level roles.
    package init(version: Int64, expires: MetadataTime, grants: [RoleName: RoleGrant]) {
        self.init(
            version: version, expires: expires, keys: grants.values.flatMap { $0.keys.map(\.key) },
            roles: grants.mapValues(\.roleKeys), owners: KeyOwners(grants.values))
    }

    /// Who signs for `role`, one of the four.
    package func grant(of role: RoleName) -> RoleGrant {
        RoleGrant(keys(of: role), ring: keys, owners: owners)
    }
}

/// A role of a content set, as the top-level targets delegate to it: the releases of that set and nothing else.
package struct SetGrant: Hashable, Sendable {
    /// `set-NAME`.
    package let role: RoleName
    /// Who signs for it.
    package var grant: RoleGrant

    /// The role of the set `name`, a name as in fleet.yaml. Nil if it is too long.
    package init?(set name: String, _ grant: RoleGrant) {
        guard let role = RoleName.ofSet(name) else { return nil }
        self.role = role
        self.grant = grant
    }

    init(_ delegation: Delegation, in targets: TargetsMetadata) {
        role = delegation.role
        grant = RoleGrant(delegation.keys, ring: targets.keys, owners: targets.owners)
    }

    /// The delegation: paths `NAME/*`, terminating, so that no role after it is asked. Nil of a role of another form.
    var delegation: Delegation? {
        guard let set = role.setName, let pattern = PathPattern(set + Array("/*".utf8)) else { return nil }
        return Delegation(
            role: role, keys: grant.roleKeys, paths: .patterns([pattern]), isTerminating: true)
    }
}

extension TargetsMetadata {
    /// Targets for the writer that delegate to the roles of content sets.
    package init(
        version: Int64, expires: MetadataTime, targets: [TargetPath: TargetDescription] = [:], sets: [SetGrant],
        policies: [String: SignedPolicy] = [:]
    ) {
        self.init(
            version: version, expires: expires, targets: targets,
            keys: sets.flatMap { $0.grant.keys.map(\.key) }, delegations: sets.compactMap(\.delegation),
            owners: KeyOwners(sets.map(\.grant)), policies: policies)
    }

    /// Who signs for each delegated role, in their order.
    package var setGrants: [SetGrant] { delegations.map { SetGrant($0, in: self) } }
}

extension RoleName {
    private static let setPrefix = Array("set-".utf8)

    /// The role of the content set `name`, `set-NAME`. Nil if the name is empty or too long.
    package static func ofSet(_ name: String) -> RoleName? {
        name.isEmpty ? nil : RoleName(setPrefix + Array(name.utf8))
    }

    /// The set whose role this is; nil if it is no set's.
    package var setName: [UInt8]? {
        bytes.starts(with: Self.setPrefix) && bytes.count > Self.setPrefix.count
            ? Array(bytes.dropFirst(Self.setPrefix.count)) : nil
    }
}
