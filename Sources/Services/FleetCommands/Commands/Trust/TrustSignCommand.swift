import ArgumentParser
import Content
import FleetCertificates
import SigningKeys
import Store
import Trust
import UpdateFramework

/// `fleetctl trust sign`.
struct TrustSignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign what a file asks for: a change of trust, or a release. Needs no network and no fleet.yaml.",
        discussion: """
            Shows all that is signed, asks, and adds the signature to the file. Compare the ids of keys with what \
            their owners say on another way: the file may have been changed on its way to you.

            Of a release, what the origin says (how many files are gone, where it read) is signed by nobody. With \
            --tree this machine reads the directory itself, all of it, and signs only a release of exactly that tree.

            EXAMPLES
              fleetctl trust sign change.json --key bob.key
              fleetctl trust sign release.json --key bob.key --tree /mnt/debian
            """)

    @Argument(help: "The file of `trust request`, or of `publish --request`.") var file: String
    @Option(help: "Your secret key; may be given more than once.") var key: [String]
    @Option(help: "A directory on this machine: sign only a release of this tree.") var tree: String?
    @OptionGroup var passphrase: PassphraseOption
    @Flag(help: "Do not ask.") var yes = false

    func validate() throws {
        guard !key.isEmpty else { throw ValidationError("--key says which key signs") }
    }

    func run() async throws {
        var request = try RequestFile.read(file)
        for line in request.words { print(line) }
        for path in key {
            let id = try SigningKeyFile.readPublic(path).key.id
            guard !request.asked.unsignedRoles(by: id).isEmpty else {
                throw FleetctlError(
                    .refused, "\(file) asks for no signature of \(path), key \(id.text), or has it already",
                    hint: "is it the right key, and the right file?")
            }
        }
        if let tree { try await expect(request, at: tree) }
        if !yes {
            guard try TerminalPrompt.confirm("sign it?", hint: "--yes signs without a question") else {
                throw FleetctlError(.refused, "nothing was signed")
            }
        }
        let source = try passphrase.source()
        for path in key {
            let roles = try request.sign(with: source.signer(path))
            print("signed \(roles.map(\.description).joined(separator: " and ")) with \(path)")
        }
        try TextFile.write(String(decoding: request.bytes, as: UTF8.self), to: file)
        Terminal.standard.note(
            request.asked.isComplete
                ? "hint: all signatures are there: \(request.importCommand) \(ShellWord.quoted(file))"
                : "hint: still missing: \(request.asked.missing.map(\.owned.words).joined(separator: "; "))")
    }

    /// Throws a `FleetctlError` unless the request is a release of the tree at `path`.
    private func expect(_ request: RequestFile, at path: String) async throws {
        guard case .release(let request) = request else {
            throw FleetctlError(.usage, "\(file) is a change of trust: it has no tree", hint: "leave --tree out")
        }
        let rules: SourceRules
        do {
            rules = try SourceRules(of: request.release, digests: request.change.notes.digests)
        } catch {
            throw FleetctlError(.usage, "this fleetctl knows no \(error)")
        }
        let reading = try await LocalReading.read(
            path, rules, set: request.release.set, terminal: Terminal.standard)
        guard reading.manifest.root == request.release.manifest else {
            throw FleetctlError(
                .refused,
                "\(file) is a release of another tree than \(path) is on this machine, and nothing was signed:"
                    + " \(request.release.manifest.digest) was released, \(reading.manifest.root.digest) is here",
                hint: "if both should be the same, look into the origin before anybody signs")
        }
        try reading.expect(request.release)
        print("\(path) on this machine is exactly that tree")
    }
}
