import ArgumentParser
import UpdateFramework

/// `fleetctl trust hand-over`: what is signed begins to count.
struct TrustHandOverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hand-over",
        abstract: "Give what is signed to the keeper, so that the fleet goes by it.",
        discussion: """
            Every change does this by itself where fleet.yaml is known and the keeper can be reached; so does a publish. A
            set whose keys were replaced is signed again by its new ones: all of its releases, but those left out with
            --without, which somebody else may have signed.

            EXAMPLES
              fleetctl -f fleet.yaml trust hand-over
              fleetctl -f fleet.yaml trust hand-over --without debian/8 --without debian/9
            """)

    @OptionGroup var place: TrustPlace
    @OptionGroup var output: OutputOption
    @OptionGroup var passphrase: PassphraseOption
    @Option(help: "SET/RELEASE that is not signed again.") var without: [String] = []

    func run() async throws {
        guard let session = try place.session() else {
            throw FleetctlError(
                .usage, "nothing says which fleet", hint: "name its file with -f FILE: the keeper stands in it")
        }
        let folder = try place.open()
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        try await TrustHandOver(
            session: session, folder: folder, without: Set(without.compactMap { TargetPath(Array($0.utf8)) })
        ).run(passphrases: passphrase.source()).show(output.format)
    }
}
