/// One host's part in the swarm of one release: which chunks it asks of whom, and when, and what it tells its neighbours.
///
/// Pure: events and the time go in, actions come out; equal histories give equal actions. Times are those since any fixed
/// moment and never go back. Blocks that neighbours have are asked of them, the rarest first, each source for little at a
/// time, so that the choice is made late; the origin is never asked for what it has not leased to this host. Whatever
/// does not come in time is asked of another source as well, and whoever is first counts.
package struct SwarmMachine: Sendable {
    /// Chunks to ask one source for.
    package struct Request: Hashable, Sendable {
        /// Tells it from every other request of this machine.
        package let id: UInt64
        /// The source, as ``SwarmMachine/join(_:hello:isOrigin:now:)`` named it.
        package let source: Int
        /// Ordinals of the chunks, ascending.
        package let ordinals: [UInt32]
        /// Bytes of the chunks.
        package let bytes: Int
        /// Requests to this source may be asked together up to so many bytes: what it delivers in some milliseconds, so
        /// that a fast one is not asked block by block, and a slow one's first block can be passed on before the next.
        package let joinedBytes: Int

        package init(id: UInt64, source: Int, ordinals: [UInt32], bytes: Int, joinedBytes: Int) {
            self.id = id
            self.source = source
            self.ordinals = ordinals
            self.bytes = bytes
            self.joinedBytes = joinedBytes
        }
    }

    /// What the owner is to do.
    package enum Action: Hashable, Sendable {
        /// Ask, and tell the end with `finished` or `failed`.
        case request(Request)
        /// Nobody waits for the answer to this request any more; its end need not be told.
        case cancel(request: UInt64)
        /// Tell a source something.
        case send(source: Int, SwarmMessage)
    }

    /// Bytes on a connection that show that answers are on their way: a frame of content has more.
    private static let signOfLife: UInt64 = 8 << 10

    let settings: SwarmSettings
    let cut: BlockCut
    let name: String
    private(set) var complete: UInt32
    /// What is here, beyond `complete`.
    private(set) var have: OrdinalSet
    /// What is wanted and not here.
    package private(set) var missing = OrdinalSet()
    /// The number of wanted chunks of each block that are not here.
    private(set) var left: [UInt16]
    /// Blocks that are wanted.
    var wanted: BlockSet
    /// Wanted blocks that nobody is being asked for, late requests aside.
    var free: BlockSet
    /// How many requests for a block are under way that are not late.
    var asked: [UInt8]
    /// How many sources have a block, the origin aside.
    var holders: [UInt16]
    var leased: BlockSet
    var sources: [Int: SwarmSource] = [:]
    /// Whom each request under way was made to.
    private var askedOf: [UInt64: Int] = [:]
    private var nextSource = 0
    private var nextRequest: UInt64 = 0
    var lengths: [UInt32]
    /// Chunks that came and were not told of yet, and which source brought them.
    private var gained: [(ordinal: UInt32, source: Int?)] = []
    private var gainedAt: Double?
    private var gainedBytes = 0
    /// What the origin was last told is wanted.
    private var toldWant: OrdinalSet?
    private var toldWantAt = 0.0
    var mirrorRate: PeakRate
    var region = RegionState()
    private var random: UInt64
    /// Leases whose origin had no slot: from when on it is asked again, by block.
    private var putOff: [Int: (source: Int, at: Double)] = [:]

    /// - Parameters:
    ///   - name: this host's, for choices that must differ between hosts.
    ///   - lengths: of the chunks from the cut's base on.
    ///   - hello: what is here at the beginning.
    package init(
        name: String, cut: BlockCut, lengths: [UInt32], hello: SwarmHello, settings: SwarmSettings = SwarmSettings()
    ) {
        self.name = name
        self.cut = cut
        self.lengths = lengths
        self.settings = settings
        complete = hello.complete
        have = hello.have
        left = Array(repeating: 0, count: cut.count)
        asked = Array(repeating: 0, count: cut.count)
        holders = Array(repeating: 0, count: cut.count)
        wanted = BlockSet(count: cut.count)
        free = BlockSet(count: cut.count)
        leased = BlockSet(count: cut.count)
        mirrorRate = PeakRate(assumed: settings.assumedRate)
        random = stableHash(name)
    }

    /// Whether nothing is wanted that is not here.
    package var isComplete: Bool { missing.isEmpty }

    /// Whether something is under way or may come by itself: a request, a source that has what is wanted, or an origin.
    package var hasHope: Bool {
        sources.values.contains { source in
            !source.isQuarantined && (source.isOrigin || !source.open.isEmpty || wanted.intersects(source.blocks))
        }
    }

    /// What a new neighbour is told first.
    package func hello(isNear: Bool) -> SwarmHello {
        SwarmHello(complete: complete, have: have, isNear: isNear)
    }

    /// How the sources do, by name.
    package var deliveries: [SwarmDelivery] {
        sources.values.map { source in
            SwarmDelivery(
                name: source.name, bytesPerSecond: source.rate, requests: source.open.count,
                isPausing: source.isSnubbed || source.isQuarantined)
        }.sorted { $0.name < $1.name }
    }

    // MARK: Events

    /// Wants these chunks from now on, beside what is wanted already.
    package mutating func want(_ ordinals: OrdinalSet, now: Duration) -> [Action] {
        let fresh = ordinals.subtracting(have).subtracting(missing)
        for range in fresh.ranges {
            for ordinal in range where ordinal >= cut.base && ordinal < cut.end {
                guard let block = cut.block(of: ordinal) else { continue }
                missing.insert(ordinal)
                left[block] += 1
                wanted[block] = true
                if asked[block] == 0 { free[block] = true }
            }
        }
        for id in sources.keys.sorted() { countBlocks(of: id, in: [cut.base..<cut.end]) }
        return act(now, tellingWant: true)
    }

    /// A host takes part; the number by which it is known from here on.
    ///
    /// - Parameters:
    ///   - score: 0 to 1,000, as ``Reputation`` says.
    ///   - earlierRate: bytes a second that it delivered in earlier swarms; nil: not known.
    package mutating func join(
        _ source: String, hello: SwarmHello, isOrigin: Bool, score: Int = Reputation.best, earlierRate: Double? = nil,
        now: Duration
    ) -> (source: Int, actions: [Action]) {
        let id = nextSource
        nextSource += 1
        sources[id] = SwarmSource(
            name: source, isOrigin: isOrigin, isNear: hello.isNear, complete: hello.complete, have: hello.have,
            blocks: BlockSet(count: cut.count), score: score, earlierRate: earlierRate, lastByteAt: now.seconds,
            lastHaveAt: now.seconds)
        countBlocks(of: id, in: [cut.base..<cut.end])
        toldWant = isOrigin ? nil : toldWant
        return (id, act(now, tellingWant: isOrigin))
    }

    /// A host is gone. Its requests need not be told to have failed.
    package mutating func leave(_ source: Int, now: Duration) -> [Action] {
        guard let gone = sources.removeValue(forKey: source) else { return [] }
        for open in gone.open {
            askedOf[open.id] = nil
            release(open)
        }
        for block in 0..<cut.count where gone.blocks[block] && !gone.isOrigin { holders[block] -= 1 }
        if gone.isOrigin {
            leased = BlockSet(count: cut.count)
            putOff = [:]
        }
        region.forget(source)
        return act(now, tellingWant: true)
    }

    /// A host said something.
    package mutating func heard(_ message: SwarmMessage, from source: Int, now: Duration) -> [Action] {
        guard sources[source] != nil else { return [] }
        switch message {
        case .have(let ranges): return gainedElsewhere(ranges, source, now)
        case .lease(let ranges): return taken(ranges, source, now)
        case .claim(let ranges):
            for range in ranges {
                for block in cut.blocks(touching: range) { region.claimed(block, by: source, at: now.seconds) }
            }
            return []
        case .hello, .want, .copied, .cancel, .peers, .distrust: return []
        }
    }

    /// Some bytes of an answer came.
    package mutating func progressed(request: UInt64, bytes: Int, now: Duration) {
        guard let id = askedOf[request], let at = sources[id]?.open.firstIndex(where: { $0.id == request }) else {
            return
        }
        sources[id]?.open[at].got += bytes
        sources[id]?.open[at].lastByteAt = now.seconds
        sources[id]?.lastByteAt = now.seconds
        sources[id]?.isSnubbed = false
        mirrorRate.count(bytes, at: now.seconds)
    }

    /// So many bytes came on the connection to a source until now, parts of answers that are not whole among them. On a
    /// slow line, which many answers share, one of them may be long on its way.
    package mutating func heard(wireBytes: UInt64, from source: Int, now: Duration) {
        guard let known = sources[source] else { return }
        sources[source]?.wireBytes = max(known.wireBytes, wireBytes)
        // Less is the talk of the swarm, and no answer.
        guard wireBytes >= known.countedBytes + Self.signOfLife else { return }
        sources[source]?.countedBytes = wireBytes
        if !known.open.isEmpty { sources[source]?.lastByteAt = now.seconds }
    }

    /// Chunks came, right ones, and can be read here from now on; from a source, or otherwise.
    package mutating func received(_ ordinals: [UInt32], from source: Int? = nil, now: Duration) -> [Action] {
        var actions: [Action] = []
        for ordinal in ordinals where missing.contains(ordinal) {
            guard let block = cut.block(of: ordinal) else { continue }
            missing.remove(ordinal..<ordinal + 1)
            have.insert(ordinal)
            gained.append((ordinal, source))
            gainedAt = gainedAt ?? now.seconds
            gainedBytes += Int(lengths[Int(ordinal - cut.base)])
            left[block] -= 1
            guard left[block] == 0 else { continue }
            wanted[block] = false
            free[block] = false
            actions += cancelRequests(for: block)
        }
        return actions + announce(now)
    }

    /// Requests that were asked together are answered to their end; what they did not bring the source does not have.
    package mutating func finished(requests: [UInt64], now: Duration) -> [Action] {
        let ended = requests.compactMap { close($0) }
        guard let (id, first) = ended.first else { return [] }
        let got = ended.reduce(0) { $0 + $1.1.got }
        sources[id]?.delivered(got, askedAt: first.askedAt, at: now.seconds)
        for (_, open) in ended where left[open.block] > 0 { lack(id, open.block) }
        return act(now)
    }

    /// Requests that were asked together failed; their source may be asked again after a pause, which grows.
    package mutating func failed(requests: [UInt64], now: Duration) -> [Action] {
        let ended = requests.compactMap { close($0) }
        guard let id = ended.first?.0 else { return [] }
        snub(id, now.seconds)
        if sources[id]?.isOrigin == true {
            for (_, open) in ended { leased[open.block] = false }
        }
        return act(now, tellingWant: true)
    }

    /// A source sent what is wrong: it is asked for nothing any more, and what it says it has counts for nothing.
    package mutating func quarantine(_ source: Int, now: Duration) -> [Action] {
        guard let open = sources[source]?.open else { return [] }
        sources[source]?.isQuarantined = true
        sources[source]?.open = []
        for request in open {
            askedOf[request.id] = nil
            release(request)
        }
        for block in 0..<cut.count where sources[source]?.blocks[block] == true { lack(source, block) }
        var actions = open.map { Action.cancel(request: $0.id) }
        if let name = sources[source]?.name, let origin { actions.append(.send(source: origin, .distrust([name]))) }
        return actions + act(now, tellingWant: true)
    }

    /// The measured round trip to a source, under the load that there is; nil: none was measured yet. And its score now.
    package mutating func measured(roundTrip: Duration?, score: Int, of source: Int) {
        if let roundTrip { sources[source]?.roundTrip = roundTrip.seconds }
        sources[source]?.score = score
    }

    /// Looks at what is overdue; to be called about every 100 ms, and when ``nextAnnouncement`` is due.
    package mutating func tick(now: Duration) -> [Action] {
        mirrorRate.advance(to: now.seconds)
        for id in sources.keys.sorted() { checkLateness(id, now.seconds) }
        return act(now, tellingWant: true)
    }

    /// When ``tick(now:)`` should tell neighbours of gains; nil if there are none.
    package var nextAnnouncement: Duration? {
        gainedAt.map { .seconds($0) + (gainedBytes >= settings.announceBytes ? .zero : settings.announceDelay) }
    }

    // MARK: Parts

    /// What there is to ask and to tell now.
    mutating func act(_ now: Duration, tellingWant: Bool = false) -> [Action] {
        var actions = announce(now)
        if tellingWant { actions += tellWant(now.seconds) }
        return actions + retryLeases(now.seconds) + fill(now.seconds)
    }

    /// A lease is to be asked for again later.
    mutating func put(off block: Int, at source: Int, until: Double) { putOff[block] = (source, until) }

    /// The leases that are to be asked for again now.
    mutating func takeLeasesDue(at now: Double) -> [(block: Int, source: Int)] {
        let due = putOff.filter { $0.value.at <= now }.sorted { $0.key < $1.key }
        for (block, _) in due { putOff[block] = nil }
        return due.map { ($0.key, $0.value.source) }
    }

    private mutating func announce(_ now: Duration) -> [Action] {
        guard let due = nextAnnouncement, due <= now else { return [] }
        gained.sort { $0.ordinal < $1.ordinal }
        var actions: [Action] = []
        for id in sources.keys.sorted() {
            let ranges = news(for: id)
            for from in stride(from: 0, to: ranges.count, by: SwarmMessage.rangeLimit) {
                let part = Array(ranges[from..<min(from + SwarmMessage.rangeLimit, ranges.count)])
                actions.append(.send(source: id, .have(part)))
            }
        }
        gained = []
        gainedAt = nil
        gainedBytes = 0
        return actions
    }

    /// What a neighbour is told of the gains: what it lacks, and what it brought, so that it knows of the copy. Most
    /// neighbours have most of what a mirror gains, and each message costs both ends some switches between threads. An
    /// origin is told everything, as it leases by that; so are all where there are regions, whose gateways are judged by
    /// what they tell.
    private func news(for id: Int) -> [Range<UInt32>] {
        guard let source = sources[id] else { return [] }
        let isToldAll = source.isOrigin || sources.values.contains { !$0.isNear }
        var ranges: [Range<UInt32>] = []
        for (ordinal, from) in gained where isToldAll || from == id || !source.holds(ordinal) {
            if let last = ranges.last, last.upperBound == ordinal {
                ranges[ranges.count - 1] = last.lowerBound..<ordinal + 1
            } else {
                ranges.append(ordinal..<ordinal + 1)
            }
        }
        return ranges
    }

    private var origin: Int? { sources.keys.sorted().first { sources[$0]?.isOrigin == true } }

    /// Tells the origin what it may lease to this host: what no neighbour has that answers. At once if there is more than
    /// it was told, and now and then if there is less, so that it can tell what this host cannot reach.
    private mutating func tellWant(_ now: Double) -> [Action] {
        guard let origin else { return [] }
        var answering = BlockSet(count: cut.count)
        for source in sources.values where !source.isOrigin && !source.isQuarantined && !source.isSnubbed {
            answering.formUnion(source.blocks)
        }
        var want = missing
        wanted.forEach(alsoIn: answering) { want.remove(cut.ordinals(of: $0)) }
        if let told = toldWant {
            // Also the same again: the origin takes what this host once refused, or let expire, for not wanted.
            let isLess = want.subtracting(told).isEmpty
            if isLess, want.isEmpty && told.isEmpty || now - toldWantAt < settings.stall.seconds { return [] }
        }
        toldWant = want
        toldWantAt = now
        return [.send(source: origin, .want(want))]
    }

    private mutating func gainedElsewhere(_ ranges: [Range<UInt32>], _ source: Int, _ now: Duration) -> [Action] {
        for range in ranges { sources[source]?.have.insert(range) }
        sources[source]?.lastHaveAt = now.seconds
        countBlocks(of: source, in: ranges)
        var copied: [Range<UInt32>] = []
        for range in ranges {
            for block in cut.blocks(touching: range) {
                if sources[source]?.isNear == true, sources[source]?.isOrigin == false {
                    region.confirmed(block, by: source, at: now.seconds)
                }
                if leased[block], sources[source]?.isOrigin == false {
                    leased[block] = false
                    copied.append(cut.ordinals(of: block))
                }
            }
        }
        var actions = act(now)
        if !copied.isEmpty, let origin {
            actions.append(.send(source: origin, .copied(copied)))
        }
        return actions
    }

    /// The origin gives leases: what is of no use is given back, the rest is asked for.
    private mutating func taken(_ ranges: [Range<UInt32>], _ source: Int, _ now: Duration) -> [Action] {
        guard sources[source]?.isOrigin == true else { return [] }
        var (actions, refused): ([Action], [Range<UInt32>]) = ([], [])
        for range in ranges {
            for block in cut.blocks(touching: range) {
                guard wanted[block], !isComing(block, now.seconds) else {
                    refused.append(cut.ordinals(of: block))
                    // It is wanted again if nothing comes of what is under way.
                    toldWant?.remove(cut.ordinals(of: block))
                    continue
                }
                leased[block] = true
                actions.append(ask(source, block, now.seconds))
            }
        }
        if !refused.isEmpty { actions.append(.send(source: source, .cancel(refused))) }
        return actions
    }

    /// Whether a block is asked of a source that answers.
    private func isComing(_ block: Int, _ now: Double) -> Bool {
        sources.values.contains { source in
            source.open.contains { open in
                let silence = now - max(source.lastByteAt, open.askedAt)
                return open.block == block && !open.isLate
                    && (source.isOrigin || silence < settings.stall.seconds / 4 + 2 * source.roundTrip)
            }
        }
    }

    /// Asks a source for all that is missing of a block.
    mutating func ask(_ source: Int, _ block: Int, _ now: Double) -> Action {
        let ordinals = cut.ordinals(of: block).filter { missing.contains($0) }
        let bytes = ordinals.reduce(0) { $0 + Int(lengths[Int($1 - cut.base)]) }
        nextRequest += 1
        let expected = expectedSeconds(source, bytes)
        let wireBytes = sources[source]?.wireBytes ?? 0
        sources[source]?.open.append(
            SwarmSource.Open(
                id: nextRequest, block: block, bytes: bytes, askedAt: now, expected: expected,
                wireBytes: wireBytes, lastByteAt: now))
        askedOf[nextRequest] = source
        asked[block] += 1
        free[block] = false
        let rate = sources[source]?.rate ?? settings.assumedRate
        return .request(
            Request(
                id: nextRequest, source: source, ordinals: ordinals, bytes: bytes,
                joinedBytes: min(settings.joinedBytes, Int(rate * settings.joinedTime.seconds))))
    }

    mutating func close(_ request: UInt64) -> (Int, SwarmSource.Open)? {
        guard let id = askedOf.removeValue(forKey: request),
            let at = sources[id]?.open.firstIndex(where: { $0.id == request }),
            let open = sources[id]?.open.remove(at: at)
        else { return nil }
        release(open)
        return (id, open)
    }

    /// A request does not keep its block from being asked of others any more.
    mutating func release(_ open: SwarmSource.Open) {
        guard !open.isLate else { return }
        asked[open.block] -= 1
        if asked[open.block] == 0, wanted[open.block] { free[open.block] = true }
    }

    private mutating func cancelRequests(for block: Int) -> [Action] {
        var actions: [Action] = []
        for id in sources.keys.sorted() {
            // The one that brought it ends by itself.
            for open in sources[id]?.open ?? [] where open.block == block && open.got < open.bytes {
                if let (_, closed) = close(open.id) { actions.append(.cancel(request: closed.id)) }
            }
        }
        return actions
    }

    /// A source turned out not to have a block.
    private mutating func lack(_ id: Int, _ block: Int) {
        guard sources[id]?.blocks[block] == true else { return }
        sources[id]?.blocks[block] = false
        if sources[id]?.isOrigin == false { holders[block] -= 1 }
    }

    /// Finds the blocks of which a source has all that is missing here.
    private mutating func countBlocks(of id: Int, in ranges: [Range<UInt32>]) {
        guard var source = sources[id], !source.isQuarantined else { return }
        for range in ranges {
            for block in cut.blocks(touching: range) where wanted[block] && !source.blocks[block] {
                let holds = cut.ordinals(of: block).allSatisfy { !missing.contains($0) || source.holds($0) }
                guard holds else { continue }
                source.blocks[block] = true
                if !source.isOrigin { holders[block] += 1 }
            }
        }
        sources[id] = source
    }

    /// A number between 0 and 1 that differs between hosts and calls.
    mutating func nextFraction() -> Double {
        random = mixed(random &+ 0x9E37_79B9_7F4A_7C15)
        return Double(random >> 11) / Double(1 << 53)
    }
}

extension BlockSet {
    /// Whether both sets have a block.
    func intersects(_ other: BlockSet) -> Bool { zip(words, other.words).contains { $0 & $1 != 0 } }
}
