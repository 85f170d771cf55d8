import ArgumentParser
import FleetCertificates
import LinuxIO
import SigningKeys
import UpdateFramework

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
            let signed = try RequestFile.read(file, as: TrustChange.self)
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
