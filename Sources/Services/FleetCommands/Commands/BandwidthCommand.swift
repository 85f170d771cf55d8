import ArgumentParser
package import FleetAPI
import FleetModel

/// `fleetctl bandwidth`: what hosts may send and receive, and do.
struct BandwidthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bandwidth",
        abstract: "Show what each host may send to and receive from others, and how fast it does.",
        discussion: """
            Limits are those in force now; rates are those between the last two reports of the host.

            EXAMPLES
              fleetctl -f fleet.yaml bandwidth
              fleetctl -f fleet.yaml bandwidth -o json      # docs/reference/bandwidth.md
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption

    func run() async throws {
        let session = try FleetSession(option)
        let client = try session.coordinator()
        let table = BandwidthTable(try await client.reports().reports)
        try await session.warnIfSuperseded(client)
        switch output.format {
        case .json: try printJSON(table)
        case .table: print(table.text, terminator: "")
        }
    }
}

/// What the last reports say of bandwidth.
package struct BandwidthTable: Codable, Equatable {
    /// One host.
    package struct Row: Codable, Equatable {
        /// Its name.
        package var name: String
        /// Limits in bytes a second; absent: none.
        package var up: UInt64?
        /// See ``up``.
        package var down: UInt64?
        /// Bytes a second between its last two reports.
        package var sending: UInt64
        /// See ``sending``.
        package var receiving: UInt64
        /// When the last report came, in seconds since 1970.
        package var reportedAt: Int64
    }

    /// The version of this format.
    package var version = 1
    /// Ascending by name.
    package var mirrors: [Row]

    /// The table of `reports`.
    package init(_ reports: [ReportRecord]) {
        mirrors = reports.map { record in
            let bandwidth = record.report.bandwidth
            return Row(
                name: record.mirror, up: bandwidth?.limits.up, down: bandwidth?.limits.down,
                sending: bandwidth?.sending ?? 0, receiving: bandwidth?.receiving ?? 0,
                reportedAt: record.receivedAt)
        }
    }

    /// For a terminal.
    package var text: String {
        var table = TextTable(
            ["MIRROR", "UP LIMIT", "SENDING", "DOWN LIMIT", "RECEIVING"], rightAligned: [1, 2, 3, 4])
        for row in mirrors {
            table.add([
                row.name, Self.limit(row.up), Self.rate(row.sending), Self.limit(row.down), Self.rate(row.receiving),
            ])
        }
        return table.text(width: nil)
    }

    private static func limit(_ rate: UInt64?) -> String {
        guard let rate else { return "none" }
        return rate == 0 ? "paused" : Self.rate(rate)
    }

    private static func rate(_ rate: UInt64) -> String { Quantity.describe(bytes: rate) + "/s" }
}
