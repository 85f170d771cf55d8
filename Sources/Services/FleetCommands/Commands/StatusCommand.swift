import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl status`: what each mirror verifiably serves.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what each mirror verifiably serves, its lag, and every problem.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml status
              fleetctl -f fleet.yaml status -o json      # docs/reference/status.md
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption

    func run() async throws {
        let session = try FleetSession(option)
        let client = try session.coordinator()
        let status = try await client.status().status
        try await session.warnIfSuperseded(client)
        switch output.format {
        case .json: try printJSON(status)
        case .table: print(StatusTable.render(status))
        }
    }
}

/// Prints `value` as one line of JSON.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try WireJSON.encode(value), as: UTF8.self))
}
