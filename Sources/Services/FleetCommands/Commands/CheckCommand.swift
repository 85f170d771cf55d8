import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl check`: one line and an exit code for Nagios and its kind.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "One line for Nagios; exit 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml check
              fleetctl -f fleet.yaml check -w 1h -c 4h     # also alarm by the largest lag of a mirror
            """)

    @OptionGroup var option: FleetOption
    @Option(
        name: [.customShort("w"), .customLong("warning")],
        help: "A lag above this is a WARNING, with a unit: 90s, 10m, 1h30m.")
    var warning: DurationOption?
    @Option(name: [.customShort("c"), .customLong("critical")], help: "A lag above this is CRITICAL, with a unit.")
    var critical: DurationOption?

    func run() async throws {
        let session = try FleetSession(option)
        let client = try session.coordinator()
        let verdict = CheckLine.render(
            try await client.status().status,
            limits: CheckLimits(warningLagSeconds: warning?.seconds, criticalLagSeconds: critical?.seconds))
        print(verdict.line)
        throw ExitCode(verdict.exitCode)
    }
}
