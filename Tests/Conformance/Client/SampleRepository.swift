import ArgumentParser
import Hashing
import LinuxIO
import SigningKeys
import UpdateFramework

/// A small repository by our writer, with keys that are no secret: two sign for the root, one for each other role, and a
/// role is delegated to.
struct SampleRepository {
    /// The kind of all its keys.
    enum Keys: String, ExpressibleByArgument {
        case hybrid, ed25519
    }

    private let keys: Keys
    private let writer: MetadataWriter
    private let expires: MetadataTime

    /// A repository that expires a day after `now`.
    init(keys: Keys, profile: MetadataProfile, now: MetadataTime) {
        self.keys = keys
        writer = MetadataWriter(profile: profile)
        expires = MetadataTime(secondsSince1970: now.secondsSince1970 + 86_400)
    }

    /// Writes `metadata/`, `targets/` and `root.json`, the root to begin from, into the folder at `path`. Throws errors of
    /// files and of signing.
    func write(to folder: String) throws {
        _ = try Folder.open(folder).makeFolder("metadata")
        _ = try Folder.open(folder).makeFolder("targets").makeFolder("sets").makeFolder("debian")
        let metadata = try KeptFiles(folder + "/metadata")
        let signers = try (1...6).map { (number: UInt8) in try signer(number) }
        let role = try Self.require(RoleName(Array("set-debian".utf8)))
        let target = try writeTarget(below: folder)

        let delegated = try writer.document(
            TargetsMetadata(version: 4, expires: expires, targets: [target.name: target.description]), role: role,
            signers: [signers[5]])
        let pattern = try Self.require(PathPattern(Array("sets/debian/*".utf8)))
        let targets = try writer.document(
            TargetsMetadata(
                version: 3, expires: expires, keys: [signers[5].key],
                delegations: [
                    Delegation(
                        role: role, keys: RoleKeys(keyIDs: [signers[5].key.id], threshold: 1),
                        paths: .patterns([pattern]), isTerminating: true)
                ]), role: .targets, signers: [signers[4]])
        let snapshot = try writer.document(
            SnapshotMetadata(
                version: 2, expires: expires,
                roles: [
                    .targets: MetadataDescription(version: 3, of: targets),
                    role: MetadataDescription(version: 4, of: delegated),
                ]), role: .snapshot, signers: [signers[3]])
        let timestamp = try writer.document(
            TimestampMetadata(
                version: 9, expires: expires, snapshot: MetadataDescription(version: 2, of: snapshot)),
            role: .timestamp, signers: [signers[2]])
        try metadata.store(delegated, as: "4.\(role.fileName)")
        try metadata.store(targets, as: "3.targets.json")
        try metadata.store(snapshot, as: "2.snapshot.json")
        try metadata.store(timestamp, as: "timestamp.json")
        for version in 1...2 {
            let root = try writer.document(
                root(version: Int64(version), signers: signers), role: .root, signers: Array(signers[0...1]))
            try metadata.store(root, as: "\(version).root.json")
            if version == 1 { try KeptFiles(folder).store(root, as: "root.json") }
        }
    }

    private func root(version: Int64, signers: [any MetadataSigner]) -> RootMetadata {
        func keys(_ places: ClosedRange<Int>) -> RoleKeys {
            RoleKeys(keyIDs: places.map { signers[$0].key.id }, threshold: places.count)
        }
        return RootMetadata(
            version: version, expires: expires, keys: signers[0...4].map(\.key),
            roles: [.root: keys(0...1), .timestamp: keys(2...2), .snapshot: keys(3...3), .targets: keys(4...4)])
    }

    private func writeTarget(below path: String) throws -> (name: TargetPath, description: TargetDescription) {
        let bytes = Array("a release document\n".utf8)
        let description = TargetDescription(of: bytes)
        let prefix = try Self.require(description.hashes.fileNamePrefix)
        let file = String(decoding: prefix, as: UTF8.self) + ".release"
        try KeptFiles(path + "/targets/sets/debian").store(bytes, as: file)
        return (try Self.require(TargetPath(Array("sets/debian/release".utf8))), description)
    }

    /// The key number `number`, which is no secret.
    private func signer(_ number: UInt8) throws -> any MetadataSigner {
        switch keys {
        case .hybrid:
            try Self.require(HybridSigningKey(seed: [UInt8](repeating: number, count: HybridSigningKey.seedByteCount)))
        case .ed25519:
            try Self.require(Ed25519SigningKey(seed: [UInt8](repeating: number, count: Ed25519Scheme.keyByteCount)))
        }
    }

    /// Nothing of ours is nil here.
    private struct Missing: Error {}

    private static func require<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }
}
