/// Which source is asked next, and for which block.
extension SwarmMachine {
    /// Candidates that are compared for one choice, so that it costs the same in a set of any size.
    private static let candidateLimit = 2_048

    /// What a choice looks at of a source.
    private struct Candidate {
        let id: Int
        let rate: Double?
        let earlierRate: Double?
        let roundTrip: Double
        let score: Int
        let isNear: Bool
        let isSnubbed: Bool
        var open: Int
    }

    /// Asks sources for blocks until no source should be asked for more.
    mutating func fill(_ now: Double) -> [Action] {
        var actions: [Action] = []
        var usable: [Candidate] = []
        var outstanding = 0
        for (id, source) in sources {
            outstanding += source.open.reduce(0) { $0 + $1.bytes }
            guard !source.isOrigin, !source.isQuarantined, !source.isSnubbed || now >= source.probeAt,
                now >= source.busyUntil
            else { continue }
            usable.append(
                Candidate(
                    id: id, rate: source.rate, earlierRate: source.earlierRate, roundTrip: source.roundTrip,
                    score: source.score, isNear: source.isNear, isSnubbed: source.isSnubbed, open: source.open.count))
        }
        usable.sort { $0.id < $1.id }
        while !usable.isEmpty, !free.isEmpty {
            guard let at = cheapest(usable, outstanding) else { break }
            let best = usable[at].id
            guard let block = pick(best, now) else {
                usable.remove(at: at)
                continue
            }
            if sources[best]?.isNear == false {
                region.crossing(block)
                actions += claim(block)
            }
            let request = ask(best, block, now)
            outstanding += sources[best]?.open.last?.bytes ?? 0
            usable[at].open += 1
            actions.append(request)
        }
        if free.isEmpty, !wanted.isEmpty { actions += endgame(now) }
        return actions
    }

    /// How long a source would take to deliver `bytes` beside what it owes.
    func expectedSeconds(_ id: Int, _ bytes: Int) -> Double {
        guard let source = sources[id] else { return 0 }
        let owed = source.open.reduce(bytes) { $0 + max(0, $1.bytes - $1.got) }
        let assumed = source.isNear ? settings.assumedRate : settings.assumedCrossRate
        return Double(owed) / (source.rate ?? source.earlierRate ?? assumed) + source.roundTrip
    }

    /// The place of the source that costs least for a further block, among those that may be asked for one.
    private mutating func cheapest(_ usable: [Candidate], _ outstanding: Int) -> Int? {
        var best: (at: Int, cost: Double)?
        for (at, source) in usable.enumerated() where mayTake(source, outstanding) {
            let block = Double(BlockCut.byteLimit)
            let queue = Double(source.open + 1) * block / (source.rate ?? source.earlierRate ?? settings.assumedRate)
            let cost = settings.choose.cost(
                seconds: queue * (0.95 + 0.1 * nextFraction()) + source.roundTrip,
                unit: Double(source.open + 1) * block / settings.assumedRate, score: source.score,
                isNear: source.isNear)
            if cost < best?.cost ?? .infinity { best = (at, cost) }
        }
        return best?.at
    }

    /// One request at a time, and more only where the answers would come within the pipe's time: so the choice of a block
    /// is made as late as it can be.
    private func mayTake(_ source: Candidate, _ outstanding: Int) -> Bool {
        if source.open == 0 { return true }
        guard let rate = source.rate, !source.isSnubbed, source.open < settings.requestsPerSource else {
            return false
        }
        let block = Double(BlockCut.byteLimit)
        let pipe = settings.pipe.seconds + source.roundTrip
        return Double(source.open) * block / rate <= pipe
            && Double(outstanding) + block <= settings.overlap * mirrorRate.bytesPerSecond * pipe
    }

    /// The rarest block that a source has and nobody is asked for; among equals each host takes another.
    private mutating func pick(_ id: Int, _ now: Double) -> Int? {
        guard let source = sources[id] else { return nil }
        var best: (block: Int, key: UInt64)?
        let start = free.words.isEmpty ? 0 : Int(nextFraction() * Double(free.words.count))
        free.forEach(alsoIn: source.blocks, fromWord: start, limit: Self.candidateLimit) { block in
            guard source.isNear || mayCross(block, now) else { return }
            let tie = mixed(UInt64(block) ^ region.seed(name)) >> 16
            let key = UInt64(holders[block]) << 48 | tie
            if key < best?.key ?? .max { best = (block, key) }
        }
        return best?.block
    }

    /// When everything is asked for: a source with nothing better to do is asked for what will take longest elsewhere.
    private mutating func endgame(_ now: Double) -> [Action] {
        var actions: [Action] = []
        for id in sources.keys.sorted() {
            guard let source = sources[id], !source.isOrigin, !source.isQuarantined, !source.isSnubbed,
                now >= source.busyUntil, source.open.count < 2, source.isNear, source.rate != nil
            else { continue }
            var longest: (block: Int, rest: Double)?
            for other in sources.keys.sorted() where other != id {
                for open in sources[other]?.open ?? [] where !open.isLate && asked[open.block] == 1 {
                    guard source.blocks[open.block], wanted[open.block] else { continue }
                    let rest = open.askedAt + open.expected - now
                    if rest > longest?.rest ?? 0 { longest = (open.block, rest) }
                }
            }
            let own = expectedSeconds(id, BlockCut.byteLimit)
            guard let longest, longest.rest > 1.5 * own + 0.02 else { continue }
            actions.append(ask(id, longest.block, now))
        }
        return actions
    }

    // MARK: Time

    /// Takes note of a source that owes something and is silent, and of single requests that take too long.
    mutating func checkLateness(_ id: Int, _ now: Double) {
        guard let source = sources[id], let first = source.open.first else { return }
        let silence = now - max(source.lastByteAt, first.askedAt)
        let isSilent = silence > settings.stall.seconds + 2 * source.roundTrip
        if isSilent, !source.isSnubbed { snub(id, now) }
        for at in source.open.indices {
            let open = source.open[at]
            let age = now - open.askedAt
            let patience = max(settings.lateAfter.seconds, 4 * open.expected)
            let pause = now - max(open.lastByteAt, source.lastByteAt)
            let isLate =
                isSilent || age > patience && (pause > 0.2 || source.isTrickling(open, for: age, patience: patience))
                || age > 4 * patience
            guard isLate, !open.isLate else { continue }
            release(open)
            sources[id]?.open[at].isLate = true
        }
    }

    /// Asks a source for nothing for a while, longer each time.
    mutating func snub(_ id: Int, _ now: Double) {
        guard var source = sources[id] else { return }
        source.isSnubbed = true
        source.failures += 1
        source.probeAt = now + settings.firstPause.seconds * Double(1 << min(source.failures - 1, 5))
        source.rate = source.rate.map { min($0, Double(BlockCut.byteLimit) / (4 * settings.stall.seconds)) }
        sources[id] = source
    }
}
