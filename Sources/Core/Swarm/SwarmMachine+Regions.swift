/// Fetching across regions: each byte once for a whole region, by the gateway of its block.
struct RegionState: Sendable {
    /// Who said that it fetches a block from another region.
    var claims: [Int: Int] = [:]
    /// Since when a block was seen in other regions only; seconds.
    var seenAcross: [Int: Double] = [:]
    /// Blocks that this host fetched from another region, and of which no host of this one has said that it has them.
    private(set) var crossings: Set<Int> = []
    /// How hosts of this region get on with what they fetch from others, by source.
    private var paces: [Int: CrossingPace] = [:]

    mutating func crossing(_ block: Int) { crossings.insert(block) }

    /// A host of the region has the block.
    mutating func confirmed(_ block: Int, by source: Int, at now: Double) {
        // What was seen across alone, somebody of this region fetched: the first to say so.
        if seenAcross[block] != nil || claims[block] != nil, !crossings.contains(block) {
            paces[claims[block] ?? source, default: CrossingPace(at: now)].note(at: now)
        }
        crossings.remove(block)
        seenAcross[block] = nil
        claims[block] = nil
    }

    mutating func forget(_ source: Int) {
        claims = claims.filter { $0.value != source }
        paces[source] = nil
    }

    /// A host said that it fetches a block: it is getting on.
    mutating func claimed(_ block: Int, by source: Int, at now: Double) {
        claims[block] = source
        paces[source, default: CrossingPace(at: now)].lastAt = now
    }

    /// Since when a host has brought nothing across; nil: it never did.
    func idleSince(_ source: Int) -> Double? { paces[source]?.lastAt }

    /// Seconds that a host takes for a block from another region; nil: not measured.
    func blockTime(of source: Int) -> Double? { paces[source]?.interval }

    /// Makes ties differ between hosts.
    func seed(_ name: String) -> UInt64 { stableHash(name) }
}

/// When a host last brought a block across, and how long it takes for one.
struct CrossingPace: Sendable {
    var lastAt: Double
    /// Seconds, smoothed; nil before the second.
    private(set) var interval: Double?
    private var lastNotedAt: Double?

    init(at now: Double) { lastAt = now }

    mutating func note(at now: Double) {
        if let lastNotedAt {
            let took = now - lastNotedAt
            interval = interval.map { $0 * 0.7 + took * 0.3 } ?? took
        }
        lastNotedAt = now
        lastAt = now
    }
}

extension SwarmMachine {
    private var mates: [SwarmSource] { sources.values.filter { $0.isNear && !$0.isOrigin && !$0.isQuarantined } }

    /// Whether this host may fetch a block from another region now.
    mutating func mayCross(_ block: Int, _ now: Double) -> Bool {
        let mates = mates
        if mates.isEmpty { return true }
        // Its own region has it, and will give it.
        if mates.contains(where: { $0.blocks[block] && !$0.isSlow }) { return false }
        guard region.crossings.count < settings.crossLimit else { return false }
        let since = region.seenAcross[block] ?? now
        region.seenAcross[block] = since
        if let claim = region.claims[block], let owner = sources[claim], !isSuspect(owner, now) {
            return now - since > 4 * settings.stealAfter.seconds && isIdle(claim, since, now)
        }
        let gateway = gateway(of: block, mates, now)
        if gateway == name { return true }
        guard now - since > settings.stealAfter.seconds else { return false }
        // What a gateway is slow with because its line is full, nobody else gets faster over the same line.
        return sources.first { $0.value.name == gateway }.map { isIdle($0.key, since, now) } ?? true
    }

    /// Whether a host that is to fetch blocks across has brought none for much longer than it takes for one.
    private func isIdle(_ source: Int, _ since: Double, _ now: Double) -> Bool {
        let assumed = Double(BlockCut.byteLimit) / settings.assumedCrossRate
        let patience = max(settings.stealAfter.seconds, 4 * (region.blockTime(of: source) ?? assumed))
        return now - max(since, region.idleSince(source) ?? since) > patience
    }

    /// A host that is slow, or has told nothing for long.
    private func isSuspect(_ source: SwarmSource, _ now: Double) -> Bool {
        source.isSlow || now - source.lastHaveAt > settings.suspectAfter.seconds
    }

    /// The host of the region that fetches a block, by rendezvous hashing over the first few that are well.
    private func gateway(of block: Int, _ mates: [SwarmSource], _ now: Double) -> String {
        let well = mates.filter { !isSuspect($0, now) }.map(\.name) + [name]
        let gateways = well.sorted().prefix(settings.gateways)
        return gateways.max { mixed(stableHash($0) ^ UInt64(block)) < mixed(stableHash($1) ^ UInt64(block)) } ?? name
    }

    /// Tells the region that this host fetches a block for it.
    func claim(_ block: Int) -> [Action] {
        sources.keys.sorted().filter { sources[$0]?.isNear == true && sources[$0]?.isOrigin == false }
            .map { .send(source: $0, .claim([cut.ordinals(of: block)])) }
    }
}
