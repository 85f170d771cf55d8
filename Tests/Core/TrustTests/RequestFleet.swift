import SigningKeys
import Testing
import Trust
import UpdateFramework

/// A fleet whose set debian takes the signatures of two of the keys 4, 5 and 6; its root takes key 1, its targets key 2.
enum RequestFleet {
    static let expires = MetadataTime(secondsSince1970: 1_900_000_000)
    static let now = MetadataTime(secondsSince1970: 1_800_000_000)
    static let name = Array("example".utf8)
    static let debian = FleetRoles.role(ofSet: "debian")

    static func key(_ number: UInt8) throws -> Ed25519SigningKey {
        try #require(Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)))
    }

    static func trust() throws -> FleetTrust {
        let set = try #require(SetGrant(set: "debian", try grant([4, 5, 6], 2)))
        let plan = TrustPlan(
            root: try grant([1], 1), targets: try grant([2], 1), online: try grant([3], 1), sets: [set])
        var change = try TrustChange(fleet: name, first: plan, expires: expires)
        for number: UInt8 in [1, 2] { _ = try change.sign(with: key(number)) }
        let documents = change.documents.map(\.document.bytes)
        return try FleetTrust(fleet: name, roots: [documents[0]], targets: documents[1])
    }

    /// The document of the role after `held`, made by `edit`, with the signatures of `signers`.
    static func role(
        after held: TargetsMetadata? = nil, signers: [UInt8] = [], _ edit: (inout SetRole) throws -> Void
    ) throws -> [UInt8] {
        var role = SetRole(of: "debian", after: held, now: now)
        try edit(&role)
        let signed = role.signed(fleet: "example")
        return MetadataWriter.document(
            signed, signatures: try signers.map { try MetadataWriter.signature(over: signed, by: key($0)) })
    }

    /// The document of the role that names `targets`, unsigned.
    static func role(_ version: Int64, naming targets: [TargetPath: TargetDescription]) -> [UInt8] {
        let next = TargetsMetadata(version: version, expires: expires, targets: targets)
        return MetadataWriter.document(MetadataWriter(profile: .fleet(name)).signed(next, role: debian), signatures: [])
    }

    static func contents(_ bytes: [UInt8]) throws -> TargetsMetadata {
        try TargetsMetadata(
            SignedMetadata(bytes, byteCount: bytes.count).signed, profile: .fleet(name), schemes: .own)
    }

    private static func grant(_ numbers: [UInt8], _ threshold: Int) throws -> RoleGrant {
        RoleGrant(
            try numbers.map { OwnedKey(try key($0).key, owner: Array("person \($0)".utf8)) }, threshold: threshold)
    }
}
