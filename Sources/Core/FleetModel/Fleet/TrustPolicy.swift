/// The `trust` part of fleet.yaml: where this machine keeps the fleet's trust, and which host signs how new it is.
///
/// It binds nobody: every host believes the root that its own agent.yaml names, and what that root leads to.
package struct TrustPolicy: Codable, Sendable, Hashable {
    /// The folder that `fleetctl trust init` made: metadata, and this operator's secret keys.
    package var folder: String
    /// The host whose agent signs snapshots and timestamps; nil: the only origin.
    package var keeper: String?
    /// Whether commands go to agents by ML-KEM-1024 alone; nil: no.
    package var requiresMLKEM1024: Bool?

    /// Makes the value from its parts; nothing is checked.
    package init(folder: String, keeper: String? = nil, requiresMLKEM1024: Bool? = nil) {
        self.folder = folder
        self.keeper = keeper
        self.requiresMLKEM1024 = requiresMLKEM1024
    }
}
