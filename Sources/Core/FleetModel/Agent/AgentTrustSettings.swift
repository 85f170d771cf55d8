package import Trust
package import UpdateFramework

/// The `trust` part of agent.yaml: what this host believes, whatever anybody on the network says. Of a rule that the
/// fleet's signed policy has as well the stricter one counts.
package struct AgentTrustSettings: Codable, Sendable, Hashable {
    /// Peers that a host without state asks for the newest that they know, unless agent.yaml says another number.
    package static let standardFloorPeers = 3

    /// The root that the operator put on this host: where every verification begins.
    package var rootPath: String
    /// The secret key that signs snapshots and timestamps; only the keeper of the fleet's repository has one.
    package var onlineKeyPath: String?
    /// The part of a set in percent that a release may remove without its publisher's word; nil: agent.yaml leaves it open.
    package var maxDelete: Int?
    /// The part in percent by which a set may shrink in the same way; nil: agent.yaml leaves it open.
    package var maxShrink: Int?
    /// How many mirrors must hold all of a release before this one serves it.
    package var flipQuorum: Int
    /// How many peers are asked for the newest that they know before the first release of a set is served here.
    package var floorPeers: Int
    /// By set, who may fetch it from this host, hosts and readers by name, ascending; a set without a list is given to
    /// whomever the signed policy lets have it.
    package var fetch: [String: [String]]

    /// Makes the value from its parts; nothing is checked.
    package init(
        rootPath: String, onlineKeyPath: String? = nil, maxDelete: Int? = nil, maxShrink: Int? = nil,
        flipQuorum: Int = 0, floorPeers: Int = AgentTrustSettings.standardFloorPeers,
        fetch: [String: [String]] = [:]
    ) {
        self.rootPath = rootPath
        self.onlineKeyPath = onlineKeyPath
        self.maxDelete = maxDelete
        self.maxShrink = maxShrink
        self.flipQuorum = flipQuorum
        self.floorPeers = floorPeers
        self.fetch = fetch
    }

    /// How much a release of a set with this signed policy may take away here.
    package func removals(under policy: SignedPolicy) -> RemovalLimits {
        func stricter(_ own: Int?, _ signed: Int?, _ standard: Int) -> Int {
            [own, signed].compactMap { $0 }.min() ?? standard
        }
        let standard = RemovalLimits.standard
        return RemovalLimits(
            maxDelete: stricter(maxDelete, policy.maxDelete, standard.maxDelete),
            maxShrink: stricter(maxShrink, policy.maxShrink, standard.maxShrink))
    }

    /// Who may fetch `set` from this host, by its own word alone; nil: everybody whom others let have it.
    package func fetchRule(ofSet set: String) -> FetchRule? { fetch[set].map { FetchRule(mirrors: $0) } }

    /// How many mirrors must hold all of a release of a set with this signed policy before it is served here.
    package func flipQuorum(under policy: SignedPolicy) -> Int { max(flipQuorum, policy.flipQuorum) }
}
