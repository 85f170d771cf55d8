import Crypto
import Hashing

/// Names targets, and delegates to other roles that do. The top-level role and every delegated one has one.
package struct TargetsMetadata: MetadataContents {
    package static let type = "targets"

    package let version: Int64
    package let expires: MetadataTime
    /// By path.
    package let targets: [TargetPath: TargetDescription]
    /// The keys of delegated roles.
    package let keys: KeyRing
    /// In their order, which is their priority.
    package let delegations: [Delegation]
    /// Who owns the keys of delegated roles.
    package let owners: KeyOwners
    /// What is said of sets beyond who signs for them, by set; it counts in the top-level role alone.
    package let policies: [String: SignedPolicy]

    /// Targets for the writer; the caller names each delegated role once.
    package init(
        version: Int64, expires: MetadataTime, targets: [TargetPath: TargetDescription] = [:],
        keys: [MetadataKey] = [], delegations: [Delegation] = [], owners: KeyOwners = KeyOwners(),
        policies: [String: SignedPolicy] = [:]
    ) {
        self.version = version
        self.expires = expires
        self.targets = targets
        self.keys = KeyRing(keys)
        self.delegations = delegations
        self.owners = owners
        self.policies = policies
    }

    package init(_ signed: JSONObject, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError) {
        let reader = try MetadataReader(.object(signed), place: Self.place)
        let header = try MetadataHeader(reader, type: Self.type)
        version = header.version
        expires = header.expires
        owners = try KeyOwners(reader, profile: profile)
        policies = try SignedPolicies(reader, profile: profile).bySet
        let named = try reader.object("targets")
        var targets: [TargetPath: TargetDescription] = [:]
        for member in named.object.members {
            let place = named.place.member(member.name)
            try profile.checkTargetPath(member.name, place: place)
            if let path = TargetPath(member.name) {
                targets[path] = try TargetDescription(try MetadataReader(member.value, place: place))
            }
        }
        self.targets = targets
        guard let delegating = try reader.objectIfPresent("delegations") else {
            keys = KeyRing([])
            delegations = []
            return
        }
        keys = try KeyRing(try delegating.object("keys"), profile: profile, schemes: schemes)
        var delegations: [Delegation] = []
        let place = delegating.place.member("roles")
        for item in try delegating.array("roles", limit: MetadataLimits.delegations) {
            delegations.append(try Delegation(try MetadataReader(item, place: place), keys: keys, profile: profile))
        }
        if let repeated = MetadataReader.firstRepeated(delegations.map(\.role)) {
            throw MetadataError(.repeatedRole(repeated.bytes), at: place)
        }
        self.delegations = delegations
    }

    package var ownMembers: JSONObject {
        var object = JSONObject()
        object["targets"] = .object(
            JSONObject(
                sorted: targets.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }.map {
                    JSONObject.Member(name: $0.key.bytes, value: .object($0.value.object))
                }))
        if !delegations.isEmpty {
            var delegating = JSONObject()
            delegating["keys"] = .object(keys.object)
            delegating["roles"] = .array(delegations.map { .object($0.object) })
            object["delegations"] = .object(delegating)
        }
        return object
    }

    package var fleetMembers: JSONObject {
        var members = owners.members
        SignedPolicies(policies).add(to: &members)
        return members
    }
}

/// One role that another one delegates to, and for which targets.
package struct Delegation: Sendable {
    /// Which targets a delegated role is trusted with.
    package enum Paths: Hashable, Sendable {
        /// Those whose path matches one of the patterns.
        case patterns([PathPattern])
        /// Those the SHA-256 of whose path begins, in hexadecimal, with one of the prefixes.
        case hashPrefixes([[UInt8]])
    }

    /// The role.
    package let role: RoleName
    /// Who signs for it.
    package let keys: RoleKeys
    /// What it is trusted with.
    package let paths: Paths
    /// Whether the search for a target that it is trusted with ends with it.
    package let isTerminating: Bool

    /// A delegation for the writer.
    package init(role: RoleName, keys: RoleKeys, paths: Paths, isTerminating: Bool) {
        self.role = role
        self.keys = keys
        self.paths = paths
        self.isTerminating = isTerminating
    }

    init(_ reader: MetadataReader, keys: KeyRing, profile: MetadataProfile) throws(MetadataError) {
        role = try profile.roleName(try reader.string("name"), place: reader.place.member("name"))
        guard !RoleName.topLevel.contains(role) else {
            // Its file would take the place of the top-level role's.
            throw MetadataError(
                .badName(role.bytes, allowed: "a delegated role: it is a top-level one"), at: reader.place)
        }
        self.keys = try RoleKeys(reader, keys: keys, profile: profile)
        isTerminating = reader.object["terminating"] == nil ? false : try reader.bool("terminating")
        let names = ("paths", "path_hash_prefixes")
        switch (reader.object[names.0] != nil, reader.object[names.1] != nil) {
        case (true, false):
            var patterns: [PathPattern] = []
            for text in try reader.strings(names.0, limit: MetadataLimits.patternsPerDelegation) {
                guard let pattern = PathPattern(text) else {
                    throw MetadataError(.badName(text, allowed: "a path pattern"), at: reader.place.member(names.0))
                }
                patterns.append(pattern)
            }
            paths = .patterns(patterns)
        case (false, true):
            let prefixes = try reader.strings(names.1, limit: MetadataLimits.patternsPerDelegation)
            if let bad = prefixes.first(where: { !Self.isHashPrefix($0) }) {
                throw MetadataError(.badName(bad, allowed: "a prefix of a hash"), at: reader.place.member(names.1))
            }
            paths = .hashPrefixes(prefixes)
        default:
            throw MetadataError(.notExactlyOne("\(names.0) and \(names.1)"), at: reader.place)
        }
    }

    /// Whether the role is trusted with `path`.
    package func covers(_ path: TargetPath) -> Bool {
        switch paths {
        case .patterns(let patterns): return patterns.contains { $0.matches(path) }
        case .hashPrefixes(let prefixes):
            let hash = Hexadecimal.letters(Array(SHA256.hash(data: path.bytes)))
            return prefixes.contains { hash.starts(with: $0) }
        }
    }

    var object: JSONObject {
        var object = keys.object
        object["name"] = .string(role.bytes)
        object["terminating"] = .bool(isTerminating)
        switch paths {
        case .patterns(let patterns): object["paths"] = .array(patterns.map { .string($0.bytes) })
        case .hashPrefixes(let prefixes): object["path_hash_prefixes"] = .array(prefixes.map { .string($0) })
        }
        return object
    }

    private static func isHashPrefix(_ text: [UInt8]) -> Bool {
        // A digit more makes an odd number even, so that the strict reader of digits can look at all of them.
        text.count <= 64 && !text.isEmpty
            && Hexadecimal.bytes(text.count.isMultiple(of: 2) ? text : text + [UInt8(ascii: "0")]) != nil
    }
}

/// A pattern of paths: `*` is any bytes of one component, `?` one character of it, everything else itself.
package struct PathPattern: Hashable, Sendable {
    /// The text.
    package let bytes: [UInt8]

    /// Nil if it is empty or too long.
    package init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= MetadataLimits.patternByteCount else { return nil }
        self.bytes = bytes
    }

    /// Whether the whole path matches. Takes at most the product of the lengths.
    package func matches(_ path: TargetPath) -> Bool {
        let path = path.bytes
        var (place, at) = (0, 0)
        /// After the last `*`, and where in the path it may go on: one star is retried, never several.
        var retry: (place: Int, at: Int)?
        while at < path.count {
            if place < bytes.count, bytes[place] == UInt8(ascii: "*") {
                place += 1
                retry = (place, at)
            } else if place < bytes.count, bytes[place] == UInt8(ascii: "?"), path[at] != Self.slash {
                place += 1
                at = Self.end(ofCharacterAt: at, in: path)
            } else if place < bytes.count, bytes[place] == path[at], bytes[place] != UInt8(ascii: "?") {
                place += 1
                at += 1
            } else if let last = retry, path[last.at] != Self.slash {
                place = last.place
                at = last.at + 1
                retry = (place, at)
            } else {
                return false
            }
        }
        return bytes[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    private static let slash = UInt8(ascii: "/")

    /// Behind the character that begins at `start`; continuation bytes of UTF-8 belong to it.
    private static func end(ofCharacterAt start: Int, in path: [UInt8]) -> Int {
        var end = start + 1
        while end < path.count, path[end] & 0xC0 == 0x80 { end += 1 }
        return end
    }
}
