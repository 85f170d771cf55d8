/// Fetching across regions: each byte once for a whole region, by the gateway of its block.
struct RegionState: Sendable {
    /// Who said that it fetches a block from another region.
    var claims: [Int: Int] = [:]
    /// Since when a block was seen in other regions only; seconds.
    var seenAcross: [Int: Double] = [:]
    /// Blocks that this host fetched from another region, and of which no host of this one has said that it has them.
    private(set) var crossings: Set<Int> = []

    mutating func crossing(_ block: Int) { crossings.insert(block) }

    /// A host of the region has the block.
    mutating func confirmed(_ block: Int) {
        crossings.remove(block)
        seenAcross[block] = nil
        claims[block] = nil
    }

    mutating func forget(_ source: Int) { claims = claims.filter { $0.value != source } }

    /// Makes ties differ between hosts.
    func seed(_ name: String) -> UInt64 { stableHash(name) }
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
            return now - since > 4 * settings.stealAfter.seconds
        }
        return gateway(of: block, mates, now) == name || now - since > settings.stealAfter.seconds
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
