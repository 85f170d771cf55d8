import ArgumentParser
import FleetCertificates
import LinuxIO
import SigningKeys
import UpdateFramework

/// Files that a change travels in.
private enum ChangeFile {
    /// Throws `FileError`, and a `FleetctlError` if it is no change.
    static func read(_ path: String) throws -> TrustChange {
        let bytes = try OpenFile.open(Array(path.utf8)).readAll(limit: TrustChange.fileByteCount + 1)
        do throws(TrustFileError) {
            return try TrustChange(file: bytes)
        } catch {
            throw FleetctlError(
                .failed, "\(path): \(error)", hint: "ask for the file again: fleetctl trust request > FILE")
        }
    }
}

/// `fleetctl trust request`.
struct TrustRequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Print the change that waits, as a file for whoever has to sign it.",
        discussion: """
            The file has nothing secret in it. It says what is signed now and what is to be, so that it can be read and
            signed on a machine that has nothing else.

            EXAMPLES
              fleetctl trust request --dir trust > change.json
            """)

    @OptionGroup var place: TrustPlace

    func run() throws {
        guard let change = try place.open().state().pending else {
            throw FleetctlError(.failed, "no change waits for signatures", hint: place.command("show"))
        }
        print(String(decoding: change.file, as: UTF8.self), terminator: "")
    }
}

/// `fleetctl trust sign`.
struct TrustSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign the change in a file. Needs no network and no fleet.yaml.",
        discussion: """
            Shows all that the change says, asks, and adds the signature to the file. Compare the ids of keys with what
            their owners say on another way: the file may have been changed on its way to you.

            EXAMPLES
              fleetctl trust sign change.json --key bob.key
            """)

    @Argument(help: "The file of `trust request`.") var file: String
    @Option(help: "Your secret key; may be given more than once.") var key: [String]
    @OptionGroup var passphrase: PassphraseOption
    @Flag(help: "Do not ask.") var yes = false

    func validate() throws {
        guard !key.isEmpty else { throw ValidationError("--key says which key signs") }
    }

    func run() throws {
        var change = try ChangeFile.read(file)
        for line in change.words { print(line) }
        for path in key {
            let id = try SigningKeyFile.readPublic(path).key.id
            guard !change.unsignedRoles(by: id).isEmpty else {
                throw FleetctlError(
                    .refused, "the change asks for no signature of \(path), key \(id.text), or has it already",
                    hint: "is it the right key, and the right file?")
            }
        }
        if !yes {
            guard try TerminalPrompt.confirm("sign it?", hint: "--yes signs without a question") else {
                throw FleetctlError(.refused, "nothing was signed")
            }
        }
        let source = try passphrase.source()
        for path in key {
            let roles = try change.sign(with: source.signer(path))
            print("signed \(roles.map(\.description).joined(separator: " and ")) with \(path)")
        }
        try TextFile.write(String(decoding: change.file, as: UTF8.self), to: file)
        Terminal.standard.note(
            change.isComplete
                ? "hint: all signatures are there: fleetctl trust import \(ShellWord.quoted(file))"
                : "hint: still missing: "
                    + change.missing.map(\.owned.words).joined(separator: "; "))
    }
}

/// `fleetctl trust import`.
struct TrustImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over the signatures of a file; the change counts once there are enough.",
        discussion: """
            EXAMPLES
              fleetctl trust import change.json --dir trust
            """)

    @Argument(help: "Files that were signed.") var files: [String]
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption

    func run() async throws {
        let place = options.place
        let folder = try place.open()
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        guard var change = try folder.state().pending else {
            throw FleetctlError(.failed, "no change waits for signatures", hint: place.command("show"))
        }
        for file in files {
            let count: Int
            let signed = try ChangeFile.read(file)
            do throws(UpdateError) {
                count = try change.merge(signed)
            } catch {
                throw FleetctlError(
                    .refused, "\(file) is another change than the one that waits, and nothing was taken",
                    hint: "sign the present one: \(place.command("request")) > FILE")
            }
            if count == 0 { Terminal.standard.warn("\(file) has no signature that counts and was missing") }
        }
        let source = try passphrase.source()
        if !options.signers.isEmpty { try folder.sign(&change, more: options.signers, passphrases: source) }
        if change.isComplete { try folder.publish(change) } else { try folder.keep(change) }
        try await options.finish(TrustOutcome(change), folder, source)
    }
}

/// `fleetctl trust discard`.
struct TrustDiscardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Forget the change that waits for signatures.",
        discussion: """
            Keys that were made for it stay. Signed files of it are of no use any more.

            EXAMPLES
              fleetctl trust discard --dir trust
            """)

    @OptionGroup var place: TrustPlace

    func run() throws {
        let folder = try place.open()
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        guard try folder.state().trust != nil else {
            throw FleetctlError(
                .refused, "the first root waits: without it there is no fleet",
                hint: "remove \(folder.path) instead, if it is not wanted")
        }
        try folder.discardPending()
        print("nothing waits for signatures in \(folder.path)")
    }
}

/// `fleetctl trust new-key`.
struct TrustNewKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new-key",
        abstract: "Make a key for one person or machine: NAME.key stays there, NAME.pub is for the others.",
        discussion: """
            EXAMPLES
              fleetctl trust new-key bob
              fleetctl trust new-key robot --owner "nightly job" --no-passphrase
            """)

    @Argument(help: "The path of both files, without .key and .pub.") var name: String
    @OptionGroup var passphrase: NewPassphraseOption
    @Option(help: "Whose it is, in words.") var owner: String?
    @Flag(help: "Make an Ed25519 key, which every client of TUF knows.") var classic = false

    func run() throws {
        let owner = owner ?? TextFile.split(name).name
        let key = try SigningKeyFile.make(
            classic ? .classic : .hybrid, owner: owner, passphrase: try passphrase.new(passphrase.option.source()))
        try key.write(to: name + ".key")
        try KeyFile.write(key.publicText, to: name + ".pub", .open)
        print("made \(name).key and \(name).pub, key \(key.signer.key.id.text)")
    }
}
