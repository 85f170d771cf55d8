import FleetCertificates
import LinuxIO
package import SigningKeys
package import UpdateFramework

/// The operator's trust folder: `metadata/`, documents as in a TUF repository with consistent snapshots; `keys/`, secret
/// keys of this operator; `pending/`, a change that lacks signatures (docs/formats/trust-folder.md).
package struct TrustFolder: Sendable {
    /// Days that root and targets count after they were signed.
    package static let offlineDays: Int64 = 365
    static let secondsPerDay: Int64 = 86_400

    /// An absolute path.
    package let path: String

    /// The folder `path`, which need not be there.
    package init(path: String) {
        self.path = path
    }

    var metadata: String { "\(path)/metadata" }
    var keys: String { "\(path)/keys" }
    var pending: String { "\(path)/pending" }

    /// The secret key of snapshot and timestamp, which goes to the keeper.
    package var onlineKey: String { "\(keys)/online.key" }
    /// The secret key of the targets role.
    package var targetsKey: String { "\(keys)/targets.key" }
    /// The secret key of the root.
    package var rootKey: String { "\(keys)/root.key" }

    /// The secret key of the set `name`.
    package func setKey(of name: String) -> String { "\(keys)/set-\(name).key" }

    /// The file of version `version` of the document of `role`.
    package func document(_ role: RoleName, version: Int64) -> String { "\(metadata)/\(version).\(role.fileName)" }

    /// Makes a trust folder for a new fleet: a key for root, targets and each of `sets`, one for snapshot and timestamp,
    /// the first root and targets. All of it, or nothing: it is made beside `path` and renamed. What is at `path` already
    /// is an error, unless it is an empty folder.
    ///
    /// `passphrases` says the passphrase of a role's key, or nil for none; the key of snapshot and timestamp never has
    /// one. Throws `FleetctlError`, `CredentialError`, `FileError`, and what `passphrases` throws.
    package static func create(
        at path: String, fleet: String, sets: [String], kind: SigningKeyKind, owner: String, now: Int64,
        passphrases: (RoleName) throws -> [UInt8]?
    ) throws -> TrustFolder {
        let (parentPath, name) = TextFile.split(path)
        let parent = try Folder.open(parentPath)
        let temporary = ".\(name).\(UInt64.random(in: .min ... .max)).new"
        let draft = TrustFolder(path: "\(parentPath)/\(temporary)")
        do {
            try draft.fill(
                FirstTrust(fleet: fleet, sets: sets, kind: kind, owner: owner, now: now), passphrases: passphrases)
            try parent.rename(temporary, to: name)
            try parent.sync()
        } catch {
            try? parent.removeTree(temporary)
            if let error = error as? FileError, error.isAlreadyThere {
                throw FleetctlError(
                    .refused, "there is something in \(path) already, and nothing was changed",
                    hint: "keys are never replaced: name another folder, or move this one away")
            }
            throw error
        }
        return TrustFolder(path: path)
    }

    /// What a new trust folder is for.
    private struct FirstTrust {
        let fleet: String
        let sets: [String]
        let kind: SigningKeyKind
        let owner: String
        let now: Int64
    }

    private func fill(_ first: FirstTrust, passphrases: (RoleName) throws -> [UInt8]?) throws {
        for folder in [path, metadata, keys, pending] { try TextFile.makeFolder(folder, mode: 0o700) }
        func make(_ role: RoleName, to file: String, passphrase: [UInt8]?) throws -> NewSigningKey {
            let key = try SigningKeyFile.make(
                first.kind, owner: "\(first.owner), \(role) of \(first.fleet)", passphrase: passphrase)
            try key.write(to: file)
            return key
        }
        func grant(_ key: NewSigningKey) -> RoleGrant {
            RoleGrant([OwnedKey(key.signer.key, owner: Array(key.owner.utf8))], threshold: 1)
        }
        let root = try make(.root, to: rootKey, passphrase: passphrases(.root))
        let targets = try make(.targets, to: targetsKey, passphrase: passphrases(.targets))
        let online = grant(try make(.timestamp, to: onlineKey, passphrase: nil))
        let sets = try first.sets.map { name in
            guard let role = RoleName.ofSet(name) else {
                throw FleetctlError(.usage, "\"\(name)\" is no name of a set")
            }
            let key = try make(role, to: setKey(of: name), passphrase: passphrases(role))
            guard let set = SetGrant(set: name, grant(key)) else { preconditionFailure("the role of \(name)") }
            return set
        }
        let expires = MetadataTime(secondsSince1970: first.now + Self.offlineDays * Self.secondsPerDay)
        let writer = MetadataWriter(profile: .fleet(Array(first.fleet.utf8)))
        let rootDocument = try writer.document(
            RootMetadata(
                version: 1, expires: expires,
                grants: [.root: grant(root), .targets: grant(targets), .snapshot: online, .timestamp: online]),
            role: .root, signers: [root.signer])
        let targetsDocument = try writer.document(
            TargetsMetadata(version: 1, expires: expires, sets: sets), role: .targets, signers: [targets.signer])
        try write(targetsDocument, of: .targets, version: 1)
        try write(rootDocument, of: .root, version: 1)
    }

    /// Writes a document, durably.
    func write(_ bytes: [UInt8], of role: RoleName, version: Int64) throws(CredentialError) {
        try TextFile.write(String(decoding: bytes, as: UTF8.self), to: document(role, version: version))
    }
}
