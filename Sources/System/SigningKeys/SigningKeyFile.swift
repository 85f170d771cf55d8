import Content
package import FleetCertificates
import Trust
package import UpdateFramework

/// Files of keys that sign metadata: reading, making and writing them. The form is that of docs/formats/key-file.md.
package enum SigningKeyFile {
    /// The fewest bytes of a new passphrase: scrypt makes guessing slow, not impossible.
    package static let minimumPassphraseByteCount = 8
    /// The most bytes of a passphrase.
    package static let maximumPassphraseByteCount = 1_024

    /// What signs with the key in the file `path`. `passphrase` is asked for the passphrase, given the path, if the key
    /// has one. Throws `CredentialError`: others may read the file, it is none, the passphrase is wrong; and what
    /// `passphrase` throws.
    package static func read(
        _ path: String, passphrase: (_ file: String) throws -> [UInt8]
    ) throws -> any MetadataSigner {
        let contents = try contents(of: path, .secret)
        return try signer(of: contents, at: path, passphrase: passphrase)
    }

    /// What the file `path` says of the public half of its key; neither passphrase nor mode matter. Throws
    /// `CredentialError`.
    package static func readPublic(_ path: String) throws(CredentialError) -> KeyFileText {
        try contents(of: path, .open)
    }

    /// A new key of random bytes, as the texts of its files. Throws `CredentialError` if the passphrase is too short or
    /// too long.
    package static func make(_ kind: SigningKeyKind, owner: String, passphrase: [UInt8]?) throws -> NewSigningKey {
        if let passphrase {
            guard (minimumPassphraseByteCount...maximumPassphraseByteCount).contains(passphrase.count) else {
                throw CredentialError(
                    .passphrase, "the passphrase", "has \(passphrase.count) bytes",
                    remedy: "take \(minimumPassphraseByteCount) to \(maximumPassphraseByteCount) bytes, six words say")
            }
        }
        let seed = RandomBytes.make(count: kind.seedByteCount)
        guard let signer = kind.signer(seed: seed) else { preconditionFailure("a seed of \(seed.count) bytes") }
        let publicLine = KeyFileText.publicLine(of: signer.key, kind: kind)
        let secretLine: String
        if let passphrase {
            let encrypted = try EncryptedSeed(seed, publicLine: publicLine, passphrase: passphrase)
            secretLine = "\(kind.rawValue)-encrypted:\(EncryptedSeed.method):\(encrypted.text)"
        } else {
            secretLine = "\(kind.rawValue)-secret:\(Base64.encode(seed))"
        }
        let owner = KeyFileText.clean(owner)
        return NewSigningKey(
            signer: signer, owner: owner, publicText: "# \(owner)\n\(publicLine)\n",
            secretText: "# \(owner)\n# secret; key id \(signer.key.id.text)\n\(publicLine)\n\(secretLine)\n")
    }

    /// The text of a public key file, for others.
    package static func publicText(of key: MetadataKey, owner: String) -> String? {
        SigningKeyKind(of: key).map { "# \(KeyFileText.clean(owner))\n\(KeyFileText.publicLine(of: key, kind: $0))\n" }
    }

    private static func contents(of path: String, _ secrecy: KeyFile.Secrecy) throws(CredentialError) -> KeyFileText {
        let text = try KeyFile.read(path, secrecy)
        do throws(KeyFileProblem) {
            return try KeyFileText(text)
        } catch {
            throw CredentialError(
                .malformed, TerminalText.escape(Array(path.utf8)), "is no key file: \(error)",
                remedy: "name a file that `fleetctl trust` made, or bring it back from a copy")
        }
    }

    private static func signer(
        of contents: KeyFileText, at path: String, passphrase: (String) throws -> [UInt8]
    ) throws -> any MetadataSigner {
        let place = TerminalText.escape(Array(path.utf8))
        let seed: [UInt8]
        switch contents.secret {
        case .none:
            throw CredentialError(
                .malformed, place, "holds only the public half of a key",
                remedy: "name the file with the secret half; its owner has it")
        case .external(let command):
            return ExternalSigner(key: contents.key, kind: contents.kind, command: command, file: place)
        case .plain(let plain): seed = plain.bytes
        case .encrypted(let encrypted):
            let line = KeyFileText.publicLine(of: contents.key, kind: contents.kind)
            guard let opened = try encrypted.open(publicLine: line, passphrase: try passphrase(path)) else {
                throw CredentialError(
                    .passphrase, place, "is not opened by this passphrase",
                    remedy: "type it again; if it is surely right, the file was changed: bring it back from a copy")
            }
            seed = opened
        }
        guard let signer = contents.kind.signer(seed: seed), signer.key.id == contents.key.id else {
            throw CredentialError(
                .otherKey, place, "has a secret half that does not belong to its public one",
                remedy: "bring the file back from a copy")
        }
        return signer
    }
}

/// A key that was just made, and the texts of its files. Printing it shows the id.
package struct NewSigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What signs with it.
    package let signer: any MetadataSigner
    /// Who owns it, printable.
    package let owner: String
    /// The text of the file for others.
    package let publicText: String
    fileprivate let secretText: String

    /// Writes the secret half to `path`, mode 0600, unless something is there. Durable when it returns. Throws
    /// `CredentialError`.
    package func write(to path: String) throws(CredentialError) {
        try KeyFile.write(secretText, to: path, .secret)
    }

    /// Never the secret.
    package var description: String { "new key \(signer.key.id)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": "\(signer.key.id)"]) }
}
