package import Trust

/// The `trust` part of agent.yaml: what this host believes, whatever anybody on the network says.
package struct AgentTrustSettings: Codable, Sendable, Hashable {
    /// The root that the operator put on this host: where every verification begins.
    package var rootPath: String
    /// The secret key that signs snapshots and timestamps; only the keeper of the fleet's repository has one.
    package var onlineKeyPath: String?
    /// How much a release may take away without its publisher's word.
    package var removals: RemovalLimits

    /// Makes the value from its parts; nothing is checked.
    package init(rootPath: String, onlineKeyPath: String? = nil, removals: RemovalLimits = .standard) {
        self.rootPath = rootPath
        self.onlineKeyPath = onlineKeyPath
        self.removals = removals
    }
}
