/// The `coordinator` part of fleet.yaml.
package struct CoordinatorPolicy: Codable, Sendable, Hashable {
    /// Where the API listens; port 0 takes a free one.
    package var listen: NetworkAddress
    /// Where agents and operators reach it.
    package var address: NetworkAddress
    /// The folder of the coordinator's database.
    package var statePath: String
    /// Seconds between two reports of an agent; 3 missed make it stale, 10 down.
    package var reportIntervalSeconds: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(
        listen: NetworkAddress,
        address: NetworkAddress,
        statePath: String,
        reportIntervalSeconds: Int64
    ) {
        self.listen = listen
        self.address = address
        self.statePath = statePath
        self.reportIntervalSeconds = reportIntervalSeconds
    }

    /// The time between two reports of an agent.
    package var reportInterval: Duration { .seconds(reportIntervalSeconds) }
}
