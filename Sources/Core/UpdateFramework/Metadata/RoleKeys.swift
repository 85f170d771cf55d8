/// Which keys sign for a role, and how many of them have to.
package struct RoleKeys: Hashable, Sendable {
    /// Each id once.
    package let keyIDs: [KeyID]
    /// At least 1.
    package let threshold: Int

    /// The caller gives each id once, and a threshold of at least 1.
    package init(keyIDs: [KeyID], threshold: Int) {
        self.keyIDs = keyIDs
        self.threshold = threshold
    }

    init(_ reader: MetadataReader, keys: KeyRing, profile: MetadataProfile) throws(MetadataError) {
        keyIDs = try reader.keyIDs("keyids")
        threshold = Int(try reader.integer("threshold", from: 1, to: JSONLimits.integers.upperBound))
        guard profile.isOwn else { return }
        if let unknown = keyIDs.first(where: { keys[$0] == nil }) {
            throw MetadataError(.unknownKey(unknown), at: reader.place)
        }
        guard threshold <= keyIDs.count else {
            throw MetadataError(.thresholdAboveKeys(threshold: threshold, keyCount: keyIDs.count), at: reader.place)
        }
    }

    var object: JSONObject {
        var object = JSONObject()
        object["keyids"] = .array(keyIDs.map { .string($0.bytes) })
        object["threshold"] = .integer(Int64(threshold))
        return object
    }
}

/// The keys of a root, or of the delegations of a targets role, by their ids there.
package struct KeyRing: Sendable {
    private var keys: [KeyID: MetadataKey] = [:]

    /// Keys under their own ids.
    package init(_ keys: [MetadataKey]) {
        for key in keys { self.keys[key.id] = key }
    }

    init(_ reader: MetadataReader, profile: MetadataProfile, schemes: KeySchemes) throws(MetadataError) {
        let members = reader.object.members
        guard members.count <= MetadataLimits.keysPerDocument else {
            throw MetadataError(
                .tooMany(count: members.count, limit: MetadataLimits.keysPerDocument), at: reader.place)
        }
        var owners: [[UInt8]: KeyID] = [:]
        for member in members {
            let place = reader.place.member(member.name)
            let id = try MetadataReader.keyID(member.name, place: place)
            let key = try MetadataKey(member.value, place: place, schemes: schemes)
            if profile.isOwn {
                guard key.id == id else { throw MetadataError(.wrongKeyID(id, expected: key.id), at: place) }
                for component in key.verifying?.components ?? [] {
                    if let other = owners.updateValue(id, forKey: component) {
                        throw MetadataError(.sharedKey(other, id), at: reader.place)
                    }
                }
            }
            keys[id] = key
        }
    }

    subscript(_ id: KeyID) -> MetadataKey? { keys[id] }

    var object: JSONObject {
        JSONObject(
            sorted: keys.sorted { $0.key < $1.key }.map {
                JSONObject.Member(name: $0.key.bytes, value: .object($0.value.object))
            })
    }

    /// How many different public keys of `role` have signed `metadata`, whatever their ids say. A signature that is
    /// wrong, by a key of another role or of an unknown kind neither counts nor spoils the others. Stops at the threshold.
    func signerCount(of metadata: SignedMetadata, by role: RoleKeys) -> Int {
        signers(of: metadata, by: role, limit: role.threshold).count
    }

    /// The first `limit` of those keys, each public key under the first of its ids that signed.
    func signers(of metadata: SignedMetadata, by role: RoleKeys, limit: Int) -> [KeyID] {
        var identities: Set<[UInt8]> = []
        var signers: [KeyID] = []
        for signature in metadata.signatures where role.keyIDs.contains(signature.keyID) {
            guard signers.count < limit else { break }
            guard let key = keys[signature.keyID]?.verifying, let bytes = signature.bytes,
                !identities.contains(key.identity), key.isValid(bytes, for: metadata.signedBytes)
            else { continue }
            identities.insert(key.identity)
            signers.append(signature.keyID)
        }
        return signers
    }

    /// What makes the keys of `role` those and no others; unknown kinds by their whole text.
    func identities(of role: RoleKeys) -> Set<[UInt8]> {
        Set(
            role.keyIDs.compactMap { id in
                keys[id].map { $0.verifying?.identity ?? JSONWriter.canonical(.object($0.object)) }
            })
    }
}
