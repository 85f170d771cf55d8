/// What a mirror says of the swarm of one release that it takes part in.
package struct SwarmReport: Codable, Sendable, Hashable {
    /// What it does there.
    package enum Role: String, Codable, Sendable, Hashable {
        /// It leases blocks.
        case origin
        /// It fetches.
        case mirror
    }

    /// One host that it is linked to.
    package struct Peer: Codable, Sendable, Hashable {
        /// The name in its certificate.
        package var name: String
        /// Bytes a second that it delivers; nil: nothing was measured.
        package var receiving: UInt64?
        /// Requests to it that are under way.
        package var requests: Int
        /// Whether it is asked for nothing for a while.
        package var isPausing: Bool

        /// Makes the value from its parts; nothing is checked.
        package init(name: String, receiving: UInt64? = nil, requests: Int = 0, isPausing: Bool = false) {
            self.name = name
            self.receiving = receiving
            self.requests = requests
            self.isPausing = isPausing
        }
    }

    /// The set.
    package var set: String
    /// The release, by the digest of its document in hex.
    package var release: String
    package var role: Role
    /// Ascending by name; at most ``peerLimit``.
    package var peers: [Peer]
    /// An origin's: bytes that it leased, each time counted.
    package var leasedBytes: UInt64?
    /// An origin's: how often it gave a block again, by reason.
    package var again: [String: UInt64]?

    /// More than a host is ever linked to.
    package static let peerLimit = 64

    /// Makes the value from its parts; peers beyond the limit are dropped.
    package init(
        set: String, release: String, role: Role, peers: [Peer], leasedBytes: UInt64? = nil,
        again: [String: UInt64]? = nil
    ) {
        self.set = set
        self.release = release
        self.role = role
        self.peers = Array(peers.sorted { $0.name < $1.name }.prefix(Self.peerLimit))
        self.leasedBytes = leasedBytes
        self.again = again
    }
}

/// What a mirror thinks of one source of chunks, from what it did.
package struct SourceStanding: Codable, Sendable, Hashable {
    /// The source.
    package var name: String
    /// 0 to 1,000; whoever is not named has 1,000.
    package var score: Int
    /// How often it sent wrong bytes.
    package var offences: Int
    /// Until when it is asked for nothing, in Unix seconds of the mirror's clock; nil: it may be asked.
    package var cutOffUntil: Int64?

    /// The most that one report names: those with the lowest scores.
    package static let limit = 64

    /// Makes the value from its parts; nothing is checked.
    package init(name: String, score: Int, offences: Int, cutOffUntil: Int64? = nil) {
        self.name = name
        self.score = score
        self.offences = offences
        self.cutOffUntil = cutOffUntil
    }
}
