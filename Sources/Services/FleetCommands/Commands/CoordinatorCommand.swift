import ArgumentParser
import FleetAPI

/// `fleetctl coordinator`: what only an operator can do for the coordinator.
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Set the coordinator up again after its disk was lost.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml coordinator new-term
            """,
        subcommands: [NewTerm.self])

    struct NewTerm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new-term",
            abstract: "Declare a new term: the coordinator's plans count above all that the agents follow.",
            discussion: """
                A coordinator whose state was lost, or came back from an old backup, knows a lower number than the plans \
                that the agents follow, and they refuse what it plans. This signs, with the operator's key, that a new term \
                begins. Start the coordinator, let the mirrors report, then declare the term. Never do it while another \
                coordinator of the fleet still runs: that one's plans are refused from then on.

                EXAMPLES
                  fleetctl -f fleet.yaml coordinator new-term
                """)

        @OptionGroup var option: FleetOption
        @OptionGroup var output: OutputOption
        @Flag(help: "Also when some mirrors still follow its plans, e.g. after it came back from an old backup.")
        var force = false

        func run() async throws {
            let session = try FleetSession(option)
            let client = try session.coordinator()
            let before = try await client.term()
            guard before.isNeeded || force || before.silent.isEmpty else {
                throw FleetctlError(
                    .tryAgain,
                    "whether \(before.coordinator) needs a new term is not known: no report yet from "
                        + before.silent.joined(separator: ", "),
                    hint: "fleetctl status says who has reported; for hosts that stay away, and to declare it now, add "
                        + "--force")
            }
            guard before.isNeeded || force else {
                throw FleetctlError(
                    .refused, "the coordinator \(before.coordinator) needs no new term, it is in term \(before.term)",
                    hint: "if mirrors refuse its plans because its state is an old backup, add --force")
            }
            if !before.silent.isEmpty {
                session.terminal.warn(
                    "no report yet from \(before.silent.joined(separator: ", ")): if one follows a plan of a higher term, "
                        + "declare another term once it has reported")
            }
            let after = try await session.declareTerm(after: before, with: client)
            switch output.format {
            case .json: try printJSON(after)
            case .table:
                let highest = before.highest.map {
                    ", above \($0), which \(before.highestMirror ?? "a mirror") follows"
                }
                print("term \(after.term) begins\(highest ?? "")")
            }
        }
    }
}
