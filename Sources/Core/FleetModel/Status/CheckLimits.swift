/// Limits of lag that the operator gives `fleetctl check`; nil means that only the sets' own `max_lag` counts.
package struct CheckLimits: Sendable, Hashable {
    /// More seconds of lag than this are a warning.
    package var warningLagSeconds: Int64?
    /// More seconds of lag than this are critical.
    package var criticalLagSeconds: Int64?

    /// Makes the limits from their parts.
    package init(warningLagSeconds: Int64? = nil, criticalLagSeconds: Int64? = nil) {
        self.warningLagSeconds = warningLagSeconds
        self.criticalLagSeconds = criticalLagSeconds
    }
}
