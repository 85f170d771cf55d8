/// What the coordinator has seen of one mirror.
package struct MirrorObservation: Sendable, Hashable {
    /// Its last report.
    package var report: MirrorReport
    /// When that report came, in Unix seconds of the coordinator's clock.
    package var receivedAt: Int64
    /// By set and sequence: when a report first named that release as served, in Unix seconds of the coordinator's clock.
    package var firstNamed: [String: [UInt64: Int64]]

    /// Makes the observation from its parts.
    package init(report: MirrorReport, receivedAt: Int64, firstNamed: [String: [UInt64: Int64]] = [:]) {
        self.report = report
        self.receivedAt = receivedAt
        self.firstNamed = firstNamed
    }
}
