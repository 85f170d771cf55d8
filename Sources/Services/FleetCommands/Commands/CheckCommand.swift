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
            """)

    @OptionGroup var option: FleetOption

    func run() async throws {
        let session = try FleetSession(option)
        let client = try session.coordinator()
        let verdict = CheckLine.render(try await client.status().status)
        print(verdict.line)
        throw ExitCode(verdict.exitCode)
    }
}
