import FleetCertificates
import Glibc
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

    /// Whether something was made there.
    var isThere: Bool { access(metadata, F_OK) == 0 }

    var metadata: String { "\(path)/metadata" }
    var keys: String { "\(path)/keys" }
    var pending: String { "\(path)/pending" }

    /// The secret key of snapshot and timestamp as ``create(at:for:now:passphrases:)`` makes it; it goes to the keeper.
    package var onlineKey: String { "\(keys)/online.key" }
    /// The secret key of the targets role as it was made first.
    package var targetsKey: String { "\(keys)/targets.key" }
    /// The secret key of the root as it was made first.
    package var rootKey: String { "\(keys)/root.key" }

    /// The secret key of the set `name` as it was made first.
    package func setKey(of name: String) -> String { "\(keys)/set-\(name).key" }

    /// The file of version `version` of the document of `role`.
    package func document(_ role: RoleName, version: Int64) -> String { "\(metadata)/\(version).\(role.fileName)" }

    /// What a new trust folder is for.
    package struct Beginning: Sendable {
        /// The name of the fleet.
        package var fleet: String
        /// The names of its content sets.
        package var sets: [String]
        /// The kind of the keys that are made.
        package var kind: SigningKeyKind
        /// Whose keys these are.
        package var owner: String
        /// Public keys of others that sign for root, too.
        package var otherRootKeys: [OwnedKey] = []
        /// How many keys have to sign for root.
        package var rootThreshold = 1

        /// A fleet whose root needs one signature.
        package init(fleet: String, sets: [String], kind: SigningKeyKind, owner: String) {
            self.fleet = fleet
            self.sets = sets
            self.kind = kind
            self.owner = owner
        }
    }

    /// Makes a trust folder for a new fleet: a key for root, targets and each set, one for snapshot and timestamp, the
    /// first root and targets (pending, if others have to sign the root). All of it, or nothing: it is made beside `path`
    /// and renamed. What is at `path` already is an error, unless it is an empty folder.
    ///
    /// `passphrases` says the passphrase of a role's key, or nil for none; the key of snapshot and timestamp never has
    /// one. Throws `FleetctlError`, `CredentialError`, `FileError`, `TrustChangeError`, and what `passphrases` throws.
    package static func create(
        at path: String, for beginning: Beginning, now: Int64, passphrases: (RoleName) throws -> [UInt8]?
    ) throws -> TrustFolder {
        let (parentPath, name) = TextFile.split(path)
        let parent = try Folder.open(parentPath)
        let temporary = ".\(name).\(UInt64.random(in: .min ... .max)).new"
        do {
            try TrustFolder(path: "\(parentPath)/\(temporary)").fill(beginning, now: now, passphrases: passphrases)
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

    private func fill(_ beginning: Beginning, now: Int64, passphrases: (RoleName) throws -> [UInt8]?) throws {
        for folder in [path, metadata, keys, pending] { try TextFile.makeFolder(folder, mode: 0o700) }
        var signers: [any MetadataSigner] = []
        func make(_ role: RoleName, to file: String, passphrase: [UInt8]?) throws -> OwnedKey {
            let words = role == .timestamp ? "snapshot and timestamp" : "\(role)"
            let key = try SigningKeyFile.make(
                beginning.kind, owner: "\(beginning.owner), \(words)", passphrase: passphrase)
            try key.write(to: file)
            signers.append(key.signer)
            return OwnedKey(key.signer.key, owner: Array(key.owner.utf8))
        }
        let root = try make(.root, to: rootKey, passphrase: passphrases(.root))
        let targets = try make(.targets, to: targetsKey, passphrase: passphrases(.targets))
        let online = try make(.timestamp, to: onlineKey, passphrase: nil)
        var sets: [SetGrant] = []
        for name in beginning.sets {
            guard let role = RoleName.ofSet(name) else {
                throw FleetctlError(.usage, "\"\(name)\" is no name of a set")
            }
            let key = try make(role, to: setKey(of: name), passphrase: passphrases(role))
            SetGrant(set: name, RoleGrant([key], threshold: 1)).map { sets.append($0) }
        }
        let plan = TrustPlan(
            root: RoleGrant([root] + beginning.otherRootKeys, threshold: beginning.rootThreshold),
            targets: RoleGrant([targets], threshold: 1), online: RoleGrant([online], threshold: 1), sets: sets)
        var change = try TrustChange(
            fleet: Array(beginning.fleet.utf8), first: plan,
            expires: MetadataTime(secondsSince1970: now + Self.offlineDays * Self.secondsPerDay))
        for signer in signers { _ = try change.sign(with: signer) }
        if change.isComplete { try publish(change) } else { try keep(change) }
    }
}
