/// What fleet.yaml says of swarms: how sources are chosen, how often an origin sends, and how much hosts share.
///
/// It comes to agents from the coordinator and changes only how bytes travel: every byte is verified whoever sent it.
package struct SwarmPolicy: Codable, Sendable, Hashable {
    /// How often an origin may send each byte of a release, in the mean; 1 or more.
    package var originCopies: Double
    /// What counts in the choice of a source.
    package var choose: SourceWeights
    /// How much each host shares.
    package var sharing: SharingLimits
    /// The most requests for chunks of one set that a host answers at the same time, by set.
    package var setSlots: [String: Int]

    /// How often at most: with more every mirror would get a copy of its own, for which no swarm is needed.
    package static let originCopiesLimit = 16.0
    /// The most sets in ``setSlots``.
    private static let setLimit = 1_024

    /// Makes the value from its parts; nothing is checked.
    package init(
        originCopies: Double = 1, choose: SourceWeights = SourceWeights(), sharing: SharingLimits = SharingLimits(),
        setSlots: [String: Int] = [:]
    ) {
        self.originCopies = originCopies
        self.choose = choose
        self.sharing = sharing
        self.setSlots = setSlots
    }

    /// Itself with every number moved into its range: what an agent takes of a coordinator.
    package var bounded: SwarmPolicy {
        let copies = originCopies.isFinite ? min(max(originCopies, 1), Self.originCopiesLimit) : 1
        let slots = setSlots.sorted { $0.key < $1.key }.prefix(Self.setLimit)
            .map { ($0.key, min(max($0.value, 1), SharingLimits.slotLimit)) }
        return SwarmPolicy(
            originCopies: copies, choose: choose.bounded, sharing: sharing.bounded,
            setSlots: Dictionary(slots, uniquingKeysWith: min))
    }
}

/// What counts how much in the choice of a source; 0: not at all.
package struct SourceWeights: Codable, Sendable, Hashable {
    /// What came of asking it before.
    package var reputation: Double
    /// Being in the same region.
    package var region: Double
    /// How fast it delivers.
    package var bandwidth: Double

    /// More than this makes no difference any more.
    package static let limit = 100.0

    /// Makes the value from its parts; nothing is checked.
    package init(reputation: Double = 1, region: Double = 1, bandwidth: Double = 1) {
        self.reputation = reputation
        self.region = region
        self.bandwidth = bandwidth
    }

    /// Itself with every weight moved into its range.
    package var bounded: SourceWeights {
        func inside(_ weight: Double) -> Double { weight.isFinite ? min(max(weight, 0), Self.limit) : 1 }
        return SourceWeights(
            reputation: inside(reputation), region: inside(region), bandwidth: inside(bandwidth))
    }
}

/// How much a host shares with others, in fleet.yaml and in agent.yaml; where both say something, the lower number counts.
package struct SharingLimits: Codable, Sendable, Hashable {
    /// Requests for chunks that it answers at the same time, of all peers; nil: ``standardSlots``.
    package var uploadSlots: Int?
    /// The same of one peer; nil: ``standardRequests``.
    package var requestsPerPeer: Int?
    /// Connections that one peer may have to it, in agent.yaml alone; nil: as many as the transport takes.
    package var connectionsPerPeer: Int?
    /// The share of time, in percent, that programs wait for the disk above which a sync yields; nil: it never does.
    package var yieldAbovePercent: Int?

    /// The largest number that may be written.
    package static let slotLimit = 10_000
    /// 16 neighbours with all that they ask for at a time.
    package static let standardSlots = 512
    /// As many as a peer asks for in the swarm of a release, and as many for a set beside it.
    package static let standardRequests = 64

    /// Makes the value from its parts; nothing is checked.
    package init(
        uploadSlots: Int? = nil, requestsPerPeer: Int? = nil, connectionsPerPeer: Int? = nil,
        yieldAbovePercent: Int? = nil
    ) {
        self.uploadSlots = uploadSlots
        self.requestsPerPeer = requestsPerPeer
        self.connectionsPerPeer = connectionsPerPeer
        self.yieldAbovePercent = yieldAbovePercent
    }

    /// The stricter of both, number by number.
    package func narrowed(by other: SharingLimits) -> SharingLimits {
        func lower(_ one: Int?, _ other: Int?) -> Int? { one.map { min($0, other ?? $0) } ?? other }
        return SharingLimits(
            uploadSlots: lower(uploadSlots, other.uploadSlots),
            requestsPerPeer: lower(requestsPerPeer, other.requestsPerPeer),
            connectionsPerPeer: lower(connectionsPerPeer, other.connectionsPerPeer),
            yieldAbovePercent: lower(yieldAbovePercent, other.yieldAbovePercent))
    }

    /// Itself with every number moved into its range.
    package var bounded: SharingLimits {
        func inside(_ number: Int?, _ limit: Int) -> Int? { number.map { min(max($0, 1), limit) } }
        return SharingLimits(
            uploadSlots: inside(uploadSlots, Self.slotLimit), requestsPerPeer: inside(requestsPerPeer, Self.slotLimit),
            connectionsPerPeer: inside(connectionsPerPeer, Self.slotLimit),
            yieldAbovePercent: inside(yieldAbovePercent, 100))
    }
}
