import ArgumentParser
import FleetCertificates
import LinuxIO
import SigningKeys
import UpdateFramework

/// Where passphrases come from: a file, else the terminal. One that was right is tried again for the next key.
final class PassphraseSource {
    private static let attempts = 3

    private let given: [UInt8]?
    private var known: [UInt8]?

    /// The passphrase `given` for all keys; nil for the terminal.
    init(given: [UInt8]?) {
        self.given = given
    }

    /// What signs with the key in `path`. Throws `CredentialError`, and a `FleetctlError` if there is nobody to ask.
    func signer(_ path: String) throws -> any MetadataSigner {
        guard try SigningKeyFile.readPublic(path).isEncrypted else {
            return try SigningKeyFile.read(path) { _ in [] }
        }
        if let given { return try SigningKeyFile.read(path) { _ in given } }
        if let known, let signer = try attempt(path, known) { return signer }
        for attempt in 1...Self.attempts {
            let typed = try TerminalPrompt.secret(
                "passphrase of \(path)", hint: "name a file that holds it: --passphrase-file FILE")
            if let signer = try self.attempt(path, typed) {
                known = typed
                return signer
            }
            if attempt < Self.attempts { Terminal.standard.note("this passphrase does not open it") }
        }
        return try SigningKeyFile.read(path) { _ in [] }
    }

    /// The passphrase for keys that are made, typed twice. Throws a `FleetctlError`.
    func new() throws -> [UInt8] {
        if let given { return given }
        if let known { return known }
        let hint = "name a file that holds it: --passphrase-file FILE; or --no-passphrase"
        let typed = try TerminalPrompt.secret("new passphrase", hint: hint)
        guard try TerminalPrompt.secret("once more", hint: hint) == typed else {
            throw FleetctlError(.usage, "these were two passphrases", hint: "nothing was changed: try again")
        }
        known = typed
        return typed
    }

    /// Nil if the passphrase is wrong.
    private func attempt(_ path: String, _ passphrase: [UInt8]) throws -> (any MetadataSigner)? {
        do {
            return try SigningKeyFile.read(path) { _ in passphrase }
        } catch let error as CredentialError where error.code == .passphrase {
            return nil
        }
    }
}

/// Where passphrases of key files come from. Never from an argument or the environment, which other processes can read.
struct PassphraseOption: ParsableArguments {
    private static let fileLimit = 8 << 10

    @Option(
        name: .customLong("passphrase-file"),
        help: "A file whose first line is the passphrase of the keys. (default: typed on the terminal)")
    var file: String?

    /// Where to ask, for several keys. Throws `FileError` if the file cannot be read.
    func source() throws -> PassphraseSource {
        guard let file else { return PassphraseSource(given: nil) }
        let text = try OpenFile.open(Array(file.utf8)).readAll(limit: Self.fileLimit)
        return PassphraseSource(given: Array(text.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }))
    }
}

/// The options of commands that make keys.
struct NewPassphraseOption: ParsableArguments {
    @OptionGroup var option: PassphraseOption
    @Flag(name: .customLong("no-passphrase"), help: "Make keys that nothing protects but the mode of their files.")
    var isNone = false

    func validate() throws {
        guard !isNone || option.file == nil else {
            throw ValidationError("--no-passphrase and --passphrase-file exclude each other")
        }
    }

    /// The passphrase of new keys. Throws a `FleetctlError`.
    func new(_ source: PassphraseSource) throws -> [UInt8]? { isNone ? nil : try source.new() }
}
