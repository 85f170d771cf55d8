import FleetCertificates
import LinuxIO
package import SigningKeys
package import UpdateFramework

/// A file with the secret half of a key, or the way to it.
package struct HeldKey: Sendable {
    /// Its path.
    package let path: String
    /// What it says of the public half.
    package let contents: KeyFileText
}

extension TrustFolder {
    /// The secret keys in the folder, by name of their files. Throws `CredentialError` and `FileError`.
    package func heldKeys() throws -> [HeldKey] {
        try Folder.open(keys).list().compactMap { entry in
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.hasSuffix(".key") else { return nil }
            let contents = try SigningKeyFile.readPublic("\(keys)/\(name)")
            return contents.isSecret ? HeldKey(path: "\(keys)/\(name)", contents: contents) : nil
        }
    }

    /// The paths of the secret keys here that sign for a role. Throws `CredentialError` and `FileError`.
    package func keyFiles(of grant: RoleGrant) throws -> [String] {
        let ids = Set(grant.keys.map(\.key.id))
        return try heldKeys().filter { ids.contains($0.contents.key.id) }.map(\.path)
    }

    /// Signs as far as signatures are missing with the keys here and in `more`; the roles whose document got one. Throws
    /// `CredentialError`, `FileError`, and what a passphrase's source throws.
    func sign(_ change: inout TrustChange, more: [String], passphrases: PassphraseSource) throws {
        let others = try more.map { HeldKey(path: $0, contents: try SigningKeyFile.readPublic($0)) }
        for held in try others + heldKeys() {
            guard change.missing.contains(where: { $0.owned.key.id == held.contents.key.id }) else { continue }
            _ = try change.sign(with: passphrases.signer(held.path))
        }
    }

    /// Makes a key for `role` in the first free file of `keys/`: `ROLE.key`, `ROLE-2.key` and so on. Nothing is replaced.
    func makeKey(
        for role: RoleName, kind: SigningKeyKind, owner: String, passphrase: [UInt8]?
    ) throws -> (path: String, owned: OwnedKey) {
        let name = role == .timestamp || role == .snapshot ? "online" : "\(role)"
        let folder = try Folder.open(keys)
        var file = "\(name).key"
        var number = 2
        while try folder.stat(file) != nil {
            file = "\(name)-\(number).key"
            number += 1
        }
        let key = try SigningKeyFile.make(kind, owner: owner, passphrase: passphrase)
        try key.write(to: "\(keys)/\(file)")
        return ("\(keys)/\(file)", OwnedKey(key.signer.key, owner: Array(key.owner.utf8)))
    }
}
