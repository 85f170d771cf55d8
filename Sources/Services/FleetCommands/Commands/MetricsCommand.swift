import ArgumentParser
import FleetAPI
import FleetCertificates
import FleetModel

/// `fleetctl metrics`: the state of the fleet in the text format of Prometheus.
struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print the state of the fleet for Prometheus.",
        discussion: """
            The coordinator answers GET /metrics with the same text, to who has a certificate of the fleet. Where that does
            not suit, let cron write it for the textfile collector of node_exporter. docs/reference/metrics.md

            EXAMPLES
              fleetctl -f fleet.yaml metrics
              fleetctl -f fleet.yaml metrics --to /var/lib/prometheus/node-exporter/fleet.prom
            """)

    @OptionGroup var option: FleetOption
    @Option(help: "Write into this file instead, which is replaced as a whole.")
    var to: String?

    func run() async throws {
        let client = try FleetSession(option).coordinator()
        let status = try await client.status().status
        let text = StatusMetrics.render(status, version: try await client.health().version)
        guard let to else { return print(text, terminator: "") }
        do throws(CredentialError) {
            try KeyFile.write(text, to: to, .open, replacing: true)
        } catch {
            throw FleetctlError(
                .failed, "\(error.place): \(error.message)",
                hint: "name a file in a folder that is there and may be written")
        }
    }
}
