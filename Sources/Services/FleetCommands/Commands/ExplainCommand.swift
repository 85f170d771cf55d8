import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl explain`: why something is as it is.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why something is as it is.", subcommands: [Mirror.self])

    /// `fleetctl explain mirror`.
    struct Mirror: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mirror",
            abstract:
                "Say why a mirror is where it is: its state, what operators and other hosts say of it, what to do.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml explain mirror fra1
                  fleetctl -f fleet.yaml explain mirror fra1 -o json      # docs/reference/peers.md
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption
        @Argument(help: "The host's name in fleet.yaml.") var name: String

        func run() async throws {
            let session = try FleetSession(option)
            _ = try session.mirror(name)
            let client = try session.coordinator()
            let status = try await client.status(after: nil, wait: .zero).status
            let reports = try await client.reports().reports.map(\.report)
            guard let explanation = MirrorExplanation(of: name, status, reports) else {
                throw FleetctlError(
                    .failed, "the coordinator knows no host \(name)",
                    hint: "its copy of fleet.yaml is another one than \(session.file)")
            }
            switch output.format {
            case .json: try printJSON(explanation)
            case .table: print(explanation.text(command: session.command), terminator: "")
            }
        }
    }
}
