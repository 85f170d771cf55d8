/// Reads what is said of swarms: `swarm` in fleet.yaml, `sharing` in agent.yaml.
enum SwarmReading {
    /// The part `swarm` of fleet.yaml.
    struct Read {
        var policy = SwarmPolicy()
        /// Sets that slots are given to.
        var limited: [PlacedText] = []
    }

    private static let sharingKeys = ["upload_slots", "requests_per_peer", "yield_above"]

    /// The part `swarm` of fleet.yaml.
    static func section(_ reader: MappingReader) -> Read {
        var read = Read()
        let section = reader.mapping("swarm", keys: ["origin_copies", "choose", "sets"] + sharingKeys)
        guard let section else { return read }
        if let copies = section.number("origin_copies", in: 1...SwarmPolicy.originCopiesLimit) {
            read.policy.originCopies = copies
        }
        if let choose = section.mapping("choose", keys: ["reputation", "region", "bandwidth"]) {
            let standard = SourceWeights()
            let range = 0...SourceWeights.limit
            read.policy.choose = SourceWeights(
                reputation: choose.number("reputation", in: range) ?? standard.reputation,
                region: choose.number("region", in: range) ?? standard.region,
                bandwidth: choose.number("bandwidth", in: range) ?? standard.bandwidth)
        }
        read.policy.sharing = limits(section)
        for pair in section.pairs(of: "sets") {
            let label = "\(section.label("sets")).\(pair.key)"
            let name = PlacedText(text: pair.key, place: pair.keyPlace)
            guard section.checkName(name, label) else { continue }
            read.limited.append(name)
            let set = MappingReader(pair.value, path: label, keys: ["upload_slots"], mistakes: section.mistakes)
            if let slots = set?.integer("upload_slots", in: 1...SharingLimits.slotLimit) {
                read.policy.setSlots[pair.key] = slots
            }
        }
        return read
    }

    /// `sharing` of agent.yaml.
    static func sharing(_ reader: MappingReader) -> SharingLimits {
        let section = reader.mapping("sharing", keys: sharingKeys + ["connections_per_peer"])
        guard let section else { return SharingLimits() }
        var limits = limits(section)
        limits.connectionsPerPeer = section.integer("connections_per_peer", in: 1...SharingLimits.slotLimit)
        return limits
    }

    private static func limits(_ section: MappingReader) -> SharingLimits {
        let range = 1...SharingLimits.slotLimit
        return SharingLimits(
            uploadSlots: section.integer("upload_slots", in: range),
            requestsPerPeer: section.integer("requests_per_peer", in: range),
            yieldAbovePercent: section.percent("yield_above"))
    }
}
