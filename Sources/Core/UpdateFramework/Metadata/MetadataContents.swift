/// What a signed document of one role says. Reading it believes nothing: only ``RepositoryUpdate`` does, after the
/// signatures.
package protocol MetadataContents: Sendable {
    /// The member `_type`.
    static var type: String { get }
    /// At least 1; the next document has a higher one.
    var version: Int64 { get }
    /// From then on the document says nothing any more.
    var expires: MetadataTime { get }

    /// Reads `signed`. Throws ``MetadataError``.
    init(_ signed: JSONObject, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError)

    /// The members that are its own, for the writer.
    var ownMembers: JSONObject { get }
    /// The members that are its own in the member of a fleet, for the writer.
    var fleetMembers: JSONObject { get }
}

/// The members that documents of every role have.
struct MetadataHeader {
    static let specificationVersion = "1.0.34"

    let version: Int64
    let expires: MetadataTime

    init(_ reader: MetadataReader, type: String) throws(MetadataError) {
        let found = try reader.string("_type")
        guard found == Array(type.utf8) else {
            throw MetadataError(.wrongType(found: found, expected: type), at: reader.place)
        }
        let specification = try reader.string("spec_version")
        guard Self.isKnown(specification) else {
            throw MetadataError(.unknownSpecification(specification), at: reader.place)
        }
        version = try reader.integer("version", from: 1, to: JSONLimits.integers.upperBound)
        expires = try reader.time("expires")
    }

    /// `1.` and one or two numbers.
    private static func isKnown(_ version: [UInt8]) -> Bool {
        let parts = version.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areNumbers = parts.allSatisfy { part in
            !part.isEmpty && part.count < 10 && part.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        }
        return areNumbers && (2...3).contains(parts.count) && parts[0] == [UInt8(ascii: "1")]
    }
}

extension MetadataContents {
    /// Where the documents' own members are.
    static var place: MetadataPlace { MetadataPlace("signed") }

    package var fleetMembers: JSONObject { JSONObject() }
}

/// Says which keys sign for the top-level roles: where trust begins.
package struct RootMetadata: MetadataContents {
    package static let type = "root"

    package let version: Int64
    package let expires: MetadataTime
    /// Whether the file names of metadata have versions, and those of targets hashes.
    package let hasConsistentSnapshots: Bool
    /// The keys of all top-level roles.
    package let keys: KeyRing
    /// Exactly the four top-level roles.
    package let roles: [RoleName: RoleKeys]
    /// Who owns the keys.
    package let owners: KeyOwners

    /// A root for the writer; the caller gives all four top-level roles.
    package init(
        version: Int64, expires: MetadataTime, keys: [MetadataKey], roles: [RoleName: RoleKeys],
        owners: KeyOwners = KeyOwners(), hasConsistentSnapshots: Bool = true
    ) {
        self.version = version
        self.expires = expires
        self.hasConsistentSnapshots = hasConsistentSnapshots
        self.keys = KeyRing(keys)
        self.roles = roles
        self.owners = owners
    }

    package init(_ signed: JSONObject, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError) {
        let reader = try MetadataReader(.object(signed), place: Self.place)
        let header = try MetadataHeader(reader, type: Self.type)
        version = header.version
        expires = header.expires
        owners = try KeyOwners(reader, profile: profile)
        hasConsistentSnapshots =
            signed["consistent_snapshot"] == nil ? false : try reader.bool("consistent_snapshot")
        keys = try KeyRing(try reader.object("keys"), profile: profile, schemes: schemes)
        let named = try reader.object("roles")
        var roles: [RoleName: RoleKeys] = [:]
        for role in RoleName.topLevel {
            roles[role] = try RoleKeys(try named.object(role.description), keys: keys, profile: profile)
        }
        // The specification knows a fifth, mirrors, which nobody reads.
        if let other = named.object.members.first(where: { member in
            !RoleName.topLevel.contains { $0.bytes == member.name } && member.name != Array("mirrors".utf8)
        }) {
            throw MetadataError(.badName(other.name, allowed: "a top-level role"), at: named.place)
        }
        self.roles = roles
    }

    package var ownMembers: JSONObject {
        var object = JSONObject()
        object["consistent_snapshot"] = .bool(hasConsistentSnapshots)
        object["keys"] = .object(keys.object)
        var named = JSONObject()
        for (role, keys) in roles { named[role.bytes] = .object(keys.object) }
        object["roles"] = .object(named)
        return object
    }

    package var fleetMembers: JSONObject { owners.members }

    /// Who signs for `role`, one of the four.
    func keys(of role: RoleName) -> RoleKeys {
        // A role without keys has a threshold that nothing meets.
        roles[role] ?? RoleKeys(keyIDs: [], threshold: 1)
    }
}

/// Says which snapshot is the newest.
package struct TimestampMetadata: MetadataContents {
    package static let type = "timestamp"

    package let version: Int64
    package let expires: MetadataTime
    /// The newest snapshot.
    package let snapshot: MetadataDescription
    /// When it was signed, by the signer's clock; nil if it does not say. A member of ours, which other clients ignore:
    /// whoever has verified it need never believe again that it is earlier.
    package let signedAt: MetadataTime?

    private static let signedAtMember = "signed_at"

    /// A timestamp for the writer.
    package init(
        version: Int64, expires: MetadataTime, snapshot: MetadataDescription, signedAt: MetadataTime? = nil
    ) {
        self.version = version
        self.expires = expires
        self.snapshot = snapshot
        self.signedAt = signedAt
    }

    package init(_ signed: JSONObject, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError) {
        let reader = try MetadataReader(.object(signed), place: Self.place)
        let header = try MetadataHeader(reader, type: Self.type)
        version = header.version
        expires = header.expires
        snapshot = try MetadataDescription(try reader.object("meta").object("snapshot.json"))
        // In a repository of others the member could mean anything.
        signedAt =
            profile.isOwn && signed[Self.signedAtMember] != nil ? try reader.time(Self.signedAtMember) : nil
    }

    package var ownMembers: JSONObject {
        var meta = JSONObject()
        meta["snapshot.json"] = .object(snapshot.object)
        var object = JSONObject()
        object["meta"] = .object(meta)
        object[Self.signedAtMember] = signedAt.map { .string($0.text) }
        return object
    }
}

/// Says which versions of all targets metadata belong together.
package struct SnapshotMetadata: MetadataContents {
    package static let type = "snapshot"

    package let version: Int64
    package let expires: MetadataTime
    /// By listed name, `ROLE.json`, ascending.
    package let listed: [(name: [UInt8], description: MetadataDescription)]

    /// A snapshot for the writer.
    package init(version: Int64, expires: MetadataTime, roles: [RoleName: MetadataDescription]) {
        self.version = version
        self.expires = expires
        listed = roles.map { ($0.key.listedName, $0.value) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    }

    package init(_ signed: JSONObject, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError) {
        let reader = try MetadataReader(.object(signed), place: Self.place)
        let header = try MetadataHeader(reader, type: Self.type)
        version = header.version
        expires = header.expires
        let meta = try reader.object("meta")
        var listed: [(name: [UInt8], description: MetadataDescription)] = []
        for member in meta.object.members {
            let place = meta.place.member(member.name)
            listed.append((member.name, try MetadataDescription(try MetadataReader(member.value, place: place))))
        }
        self.listed = listed
    }

    package var ownMembers: JSONObject {
        var object = JSONObject()
        object["meta"] = .object(
            JSONObject(
                sorted: listed.map { JSONObject.Member(name: $0.name, value: .object($0.description.object)) }))
        return object
    }

    /// What is said of the metadata of `role`; nil if nothing is.
    package func description(of role: RoleName) -> MetadataDescription? { description(of: role.listedName) }

    /// What is said of the file `name`; nil if nothing is.
    func description(of name: [UInt8]) -> MetadataDescription? {
        var low = 0
        var high = listed.count
        while low < high {
            let middle = (low + high) / 2
            if listed[middle].name.lexicographicallyPrecedes(name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < listed.count && listed[low].name == name ? listed[low].description : nil
    }
}
