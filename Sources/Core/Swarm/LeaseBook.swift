/// What the origin gives to whom first, in the swarm of one release: every block leaves it once.
///
/// Pure: events and the time go in, leases come out. A block is given to the mirror with the fewest that nobody else has
/// yet, about in the order of the chunk log; it is given again only for a reason, which is counted: the lease expired, its
/// holder is gone, is slow, or had it corrupted. Nothing is given before ``SwarmLeaseSettings/quiet`` has passed since the
/// first mirror came, so that an origin that was started again hears what mirrors have.
package struct LeaseBook: Sendable {
    /// Blocks for one mirror to fetch.
    package struct Grant: Hashable, Sendable {
        /// The mirror, as ``LeaseBook/join(_:isNear:hello:now:)`` named it.
        package let mirror: Int
        /// The ordinals of the blocks, ascending, touching ones joined.
        package let ranges: [Range<UInt32>]
    }

    /// Why a block was given again.
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case expired, gone, slow, corrupt, refused, unreachable
    }

    private enum Standing: Hashable {
        /// Nobody was given it, or it is to be given again.
        case free
        /// Given to a mirror, at that time, which has had it since `heldAt`.
        case leased(Int, at: Double, heldAt: Double?)
        /// Mirrors give it to each other, since that time.
        case copied(at: Double)
    }

    /// A block that is given to a mirror although others have it.
    private struct Extra: Hashable {
        let mirror: Int
        let block: Int
    }

    private struct Mirror {
        let name: String
        let isNear: Bool
        let joinedAt: Double
        var want = OrdinalSet()
        var have: OrdinalSet
        var complete: UInt32
        /// Blocks of which something is wanted.
        var blocks: BlockSet
        /// Blocks it wanted at some time and does not have, whoever else has them.
        var lacking: BlockSet
        /// Blocks it has whole, as far as anybody wants them.
        var held: BlockSet
        /// Leased to it and not copied by others.
        var unreplicated = 0
        /// Leased to it and not there yet.
        var underWay = 0
        /// Seconds from having a block to another having it, smoothed.
        var replication: Double?
        var penalty = 0
        var pausedUntil = 0.0
        /// None before it is free and wanted.
        var cursor = 0
    }

    /// Blocks of which the best is given.
    private static let lookAhead = 64
    /// Of more blocks than these, some 64 MiB, the first is given: the last ones count for little then, and over uneven
    /// uplinks large ones that slow mirrors have to pass on cost more.
    private static let sizedCount = 256
    /// The most that is under way, however fast the path seems to be.
    private static let windowLimit = 256 << 20

    private let settings: SwarmLeaseSettings
    private let cut: BlockCut
    private let lengths: [UInt32]
    /// Of each block.
    private let byteCounts: [UInt32]
    private var standings: [Standing]
    /// How many blocks are free.
    private var freeCount: Int
    private var lastLessee: [Int32]
    private var holders: [UInt16]
    /// Further copies under way, and since when.
    private var extras: [Extra: Double] = [:]
    private let totalBytes: UInt64
    private var mirrors: [Int: Mirror] = [:]
    private var nextMirror = 0
    private var turn = 0
    private var firstJoin: Double?
    /// Who is said to have sent wrong bytes, and by whom.
    private var distrusted: [String: Set<String>] = [:]
    /// Blocks under way, for the checks of time.
    private var open: Set<Int> = []
    private var holds = HoldTimes()
    /// What was given, in blocks and bytes, each time.
    package private(set) var leases: UInt64 = 0
    package private(set) var leasedBytes: UInt64 = 0
    /// How often a block was given again, by reason.
    package private(set) var again: [Reason: UInt64] = [:]

    /// A book over the chunks from the cut's base on, which have these lengths.
    package init(cut: BlockCut, lengths: [UInt32], settings: SwarmLeaseSettings = SwarmLeaseSettings()) {
        self.cut = cut
        self.lengths = lengths
        self.settings = settings
        byteCounts = (0..<cut.count).map { block in
            cut.ordinals(of: block).reduce(0) { $0 + lengths[Int($1 - cut.base)] }
        }
        standings = Array(repeating: .free, count: cut.count)
        freeCount = cut.count
        totalBytes = lengths.reduce(0) { $0 + UInt64($1) }
        lastLessee = Array(repeating: -1, count: cut.count)
        holders = Array(repeating: 0, count: cut.count)
    }

    /// From when on leases are given: ``tick(now:)`` should be called then. Nil before the first mirror came.
    package var opensAt: Duration? { firstJoin.map { .seconds($0) + settings.quiet } }

    /// Leases of which nothing came yet, or whose blocks nobody else has.
    package var openLeases: Int { open.count }

    /// Whether no mirror takes part.
    package var isIdle: Bool { mirrors.isEmpty }

    // MARK: Events

    /// A mirror takes part; the number by which it is known from here on.
    package mutating func join(_ name: String, isNear: Bool, hello: SwarmHello, now: Duration) -> Int {
        let id = nextMirror
        nextMirror += 1
        firstJoin = firstJoin ?? now.seconds
        mirrors[id] = Mirror(
            name: name, isNear: isNear, joinedAt: now.seconds, have: hello.have, complete: hello.complete,
            blocks: BlockSet(count: cut.count), lacking: BlockSet(count: cut.count), held: BlockSet(count: cut.count))
        noteHeld(id, in: hello.have.ranges + [0..<hello.complete], now.seconds)
        return id
    }

    /// A mirror is gone: what it alone has is given again.
    package mutating func leave(_ mirror: Int, now: Duration) -> [Grant] {
        guard mirrors[mirror] != nil else { return [] }
        forfeit(mirror, .gone, now.seconds)
        mirrors[mirror] = nil
        extras = extras.filter { $0.key.mirror != mirror }
        return grant(now.seconds)
    }

    /// A mirror said something.
    package mutating func heard(_ message: SwarmMessage, from mirror: Int, now: Duration) -> [Grant] {
        guard mirrors[mirror] != nil else { return [] }
        switch message {
        case .have(let ranges):
            for range in ranges {
                mirrors[mirror]?.have.insert(range)
                mirrors[mirror]?.want.remove(range)
            }
            noteHeld(mirror, in: ranges, now.seconds)
        case .want(let want): wants(want, mirror, now.seconds)
        case .copied(let ranges):
            forEachBlock(of: ranges) { block in
                if case .leased(mirror, _, let heldAt) = standings[block] { copied(block, heldAt, now.seconds) }
            }
        case .cancel(let ranges):
            forEachBlock(of: ranges) { block in
                if extras.removeValue(forKey: Extra(mirror: mirror, block: block)) != nil {
                    mirrors[mirror]?.lacking[block] = false
                }
                guard case .leased(mirror, _, _) = standings[block] else { return }
                mirrors[mirror]?.blocks[block] = false
                release(block, .refused, now.seconds)
            }
        case .distrust(let names): distrust(names, mirror, now.seconds)
        case .hello, .lease, .claim, .peers: break
        }
        return grant(now.seconds)
    }

    /// Others say that they got wrong bytes from a mirror: what it alone has is given again, and it is given nothing while
    /// others may take it. Of what one mirror says, accusations of a quarter of the mirrors count: if it lies itself, it
    /// costs little.
    private mutating func distrust(_ names: [String], _ accuser: Int, _ now: Double) {
        guard let by = mirrors[accuser]?.name else { return }
        for name in names where name != by {
            guard distrusted.values.count(where: { $0.contains(by) }) < max(1, mirrors.count / 4) else { return }
            let isNew = distrusted[name] == nil
            distrusted[name, default: []].insert(by)
            guard isNew else { continue }
            for (id, mirror) in mirrors.sorted(by: { $0.key < $1.key }) where mirror.name == name {
                forfeit(id, .corrupt, now)
            }
        }
    }

    /// Looks at leases that nothing came of; to be called about every 100 ms.
    package mutating func tick(now: Duration) -> [Grant] {
        let seconds = now.seconds
        holds.advance(to: seconds)
        extras = extras.filter { seconds - $0.value <= patience(10) }
        for block in open.sorted() {
            guard case .leased(let mirror, let at, let heldAt) = standings[block] else { continue }
            if let heldAt {
                guard seconds - heldAt > copyPatience(mirror), isWanted(block) else { continue }
                punish(mirror, seconds)
                release(block, .slow, seconds)
            } else if seconds - at > patience(10) {
                punish(mirror, seconds)
                release(block, .expired, seconds)
            }
        }
        return grant(seconds)
    }

    /// How long a lease may take: some times the mean; less when there is nothing else to give, since all wait for what is
    /// under way then.
    private func patience(_ times: Double) -> Double {
        let mean = holds.mean ?? settings.patience.seconds
        let full = max(settings.patience.seconds, times * mean)
        return freeCount == 0 ? min(full, max(settings.patience.seconds / 4, times * mean / 2)) : full
    }

    /// How long a mirror may have a block that nobody else has.
    private func copyPatience(_ id: Int) -> Double {
        freeCount == 0 ? max(patience(16), 4 * (mirrors[id]?.replication ?? 0)) : patience(16)
    }

    /// What a mirror has counts for nothing any more; what it alone has is given again.
    private mutating func forfeit(_ mirror: Int, _ reason: Reason, _ now: Double) {
        guard let held = mirrors[mirror]?.held else { return }
        mirrors[mirror]?.held = BlockSet(count: cut.count)
        for block in 0..<cut.count {
            if held[block] { holders[block] -= 1 }
            switch standings[block] {
            case .leased(mirror, _, _): release(block, reason, now)
            case .copied where held[block] && holders[block] == 0: release(block, reason, now)
            default: break
            }
        }
    }

    // MARK: Standing

    private mutating func wants(_ want: OrdinalSet, _ id: Int, _ now: Double) {
        mirrors[id]?.want = want
        var blocks = BlockSet(count: cut.count)
        for range in want.ranges {
            for block in cut.blocks(touching: range) { blocks[block] = true }
        }
        mirrors[id]?.blocks = blocks
        mirrors[id]?.lacking.formUnion(blocks)
        mirrors[id]?.cursor = 0
        for block in 0..<cut.count where blocks[block] && mirrors[id]?.held[block] == true {
            // It has part of it, and wants the rest.
            mirrors[id]?.held[block] = false
            holders[block] -= 1
            if case .copied = standings[block], holders[block] == 0 {
                place(block, .free)
                rewind(to: block)
            }
        }
        // Not at first: it may not have heard of its neighbours yet.
        guard let mirror = mirrors[id], mirror.isNear, now - mirror.joinedAt > patience(16) else { return }
        for block in 0..<cut.count where blocks[block] {
            // Its neighbours should have had it for long: those who have it do not give it.
            guard case .copied(let at) = standings[block], now - at > patience(16) else { continue }
            release(block, .unreachable, now)
        }
    }

    /// Finds the blocks that a mirror has now.
    private mutating func noteHeld(_ id: Int, in ranges: [Range<UInt32>], _ now: Double) {
        for range in ranges {
            for block in cut.blocks(touching: range) where mirrors[id]?.held[block] == false {
                guard let mirror = mirrors[id] else { return }
                // All that it wants of the block, or all of it for one that wants nothing of it.
                let isWhole = cut.ordinals(of: block).allSatisfy { ordinal in
                    ordinal < mirror.complete || mirror.have.contains(ordinal)
                        || mirror.blocks[block] && !mirror.want.contains(ordinal)
                }
                guard isWhole else { continue }
                mirrors[id]?.blocks[block] = false
                mirrors[id]?.lacking[block] = false
                extras[Extra(mirror: id, block: block)] = nil
                guard distrusted[mirror.name] == nil else { continue }
                mirrors[id]?.held[block] = true
                holders[block] += 1
                settle(block, id, now)
            }
        }
    }

    private mutating func settle(_ block: Int, _ id: Int, _ now: Double) {
        switch standings[block] {
        case .free: place(block, .copied(at: now))
        case .leased(id, let at, nil):
            mirrors[id]?.underWay -= 1
            mirrors[id]?.penalty = 0
            holds.count(now - at, bytes: Int(byteCounts[block]), at: now)
            place(block, .leased(id, at: at, heldAt: now))
            if !isWanted(block) { copied(block, now, now) }
        case .leased(id, _, _): break
        case .leased(_, _, let heldAt): copied(block, heldAt, now)
        case .copied: break
        }
    }

    private mutating func place(_ block: Int, _ standing: Standing) {
        if case .free = standings[block] { freeCount -= 1 }
        if case .free = standing { freeCount += 1 }
        standings[block] = standing
    }

    private func isWanted(_ block: Int) -> Bool { mirrors.values.contains { $0.blocks[block] } }

    /// Another mirror than the lessee has it.
    private mutating func copied(_ block: Int, _ heldAt: Double?, _ now: Double) {
        guard case .leased(let mirror, _, let held) = standings[block] else { return }
        if held == nil { mirrors[mirror]?.underWay -= 1 }
        mirrors[mirror]?.unreplicated -= 1
        if let heldAt {
            let (took, before) = (now - heldAt, mirrors[mirror]?.replication)
            mirrors[mirror]?.replication = before.map { $0 * 0.8 + took * 0.2 } ?? took
        }
        place(block, .copied(at: now))
        open.remove(block)
    }

    private mutating func release(_ block: Int, _ reason: Reason, _ now: Double) {
        if case .leased(let mirror, _, let heldAt) = standings[block] {
            if heldAt == nil { mirrors[mirror]?.underWay -= 1 }
            mirrors[mirror]?.unreplicated -= 1
            lastLessee[block] = Int32(truncatingIfNeeded: mirror)
        }
        open.remove(block)
        place(block, isElsewhere(block, reason) ? .copied(at: now) : .free)
        // At the end everybody leaves, and nothing is given again.
        if isWanted(block) { again[reason, default: 0] += 1 }
        rewind(to: block)
    }

    /// Whether somebody else has a block that is given back, who gives it on.
    private func isElsewhere(_ block: Int, _ reason: Reason) -> Bool {
        guard holders[block] > 0, reason != .slow, reason != .unreachable else { return false }
        return mirrors.values.contains { $0.held[block] && $0.penalty == 0 }
    }

    /// Has every mirror looked at for blocks from `block` on again.
    private mutating func rewind(to block: Int) {
        for (id, mirror) in mirrors where mirror.cursor > block { mirrors[id]?.cursor = block }
    }

    private mutating func punish(_ id: Int, _ now: Double) {
        // Once for all that it lets expire at the same time: a short fault of its network must not cost a minute.
        guard let mirror = mirrors[id], now >= mirror.pausedUntil else { return }
        mirrors[id]?.pausedUntil = now + 2 * Double(1 << min(mirror.penalty, 5))
        mirrors[id]?.penalty += 1
    }

    private func forEachBlock(of ranges: [Range<UInt32>], _ body: (Int) -> Void) {
        for range in ranges { cut.blocks(touching: range).forEach(body) }
    }

    // MARK: Granting

    private mutating func grant(_ now: Double) -> [Grant] {
        guard let firstJoin, now - firstJoin >= settings.quiet.seconds else { return [] }
        var granted: [Int: [Int]] = [:]
        while bytesUnderWay(now) < window {
            if let (id, block) = next(now) {
                place(block, .leased(id, at: now, heldAt: nil))
                open.insert(block)
                mirrors[id]?.unreplicated += 1
                mirrors[id]?.underWay += 1
                note(block, to: id, bytes: wantedBytes(block, id), in: &granted)
            } else if let extra = nextExtra(now) {
                extras[extra] = now
                note(extra.block, to: extra.mirror, bytes: Int(byteCounts[extra.block]), in: &granted)
            } else {
                break
            }
        }
        return granted.sorted { $0.key < $1.key }.map { id, blocks in
            Grant(mirror: id, ranges: OrdinalSet(ordinals(of: blocks)).ranges)
        }
    }

    private mutating func note(_ block: Int, to id: Int, bytes: Int, in granted: inout [Int: [Int]]) {
        leases += 1
        leasedBytes += UInt64(bytes)
        granted[id, default: []].append(block)
        turn = id + 1
    }

    /// The bytes of a block that a mirror wants.
    private func wantedBytes(_ block: Int, _ id: Int) -> Int {
        cut.ordinals(of: block).reduce(0) { sum, ordinal in
            mirrors[id]?.want.contains(ordinal) == true ? sum + Int(lengths[Int(ordinal - cut.base)]) : sum
        }
    }

    /// A copy more than one, if the origin may send so many and has nothing better to do: of the block that the fewest
    /// have, to a mirror with the fewest such copies under way.
    private func nextExtra(_ now: Double) -> Extra? {
        guard settings.originCopies > 1, Double(leasedBytes) < settings.originCopies * Double(totalBytes) else {
            return nil
        }
        let underWay = extras.keys.reduce(into: [:]) { $0[$1.mirror, default: 0] += 1 }
        let order = mirrors.keys.filter { id in
            guard let mirror = mirrors[id] else { return false }
            return mirror.isNear && mirror.penalty == 0 && distrusted[mirror.name] == nil
        }.sorted { (underWay[$0] ?? 0, $0 >= turn ? 0 : 1, $0) < (underWay[$1] ?? 0, $1 >= turn ? 0 : 1, $1) }
        for id in order {
            guard let lacking = mirrors[id]?.lacking else { continue }
            var best: (block: Int, holders: UInt16)?
            lacking.forEach(alsoIn: lacking) { block in
                if case .leased(id, _, _) = standings[block] { return }
                guard holders[block] < best?.holders ?? .max, extras[Extra(mirror: id, block: block)] == nil else {
                    return
                }
                best = (block, holders[block])
            }
            if let best { return Extra(mirror: id, block: best.block) }
        }
        return nil
    }

    private func ordinals(of blocks: [Int]) -> [UInt32] { blocks.flatMap { Array(cut.ordinals(of: $0)) } }

    /// Bytes that may be under way at once: some, and what leaves while a lease travels. Not by the time that leases take
    /// in the mean: most of it is the queue that this number makes, and it would grow with itself.
    private var window: Int {
        let perSecond = max(settings.uplink ?? 0, holds.bytesPerSecond)
        let queue = max(Double(settings.queueBytes), perSecond * settings.queueTime.seconds)
        return Int(min(Double(Self.windowLimit), queue + perSecond * (holds.least ?? 0)))
    }

    /// What is under way at mirrors that take what they are given: those that do not must not stop the others.
    private func bytesUnderWay(_ now: Double) -> Int {
        let limit = max(0.5, 3 * (holds.mean ?? 0.5))
        let copies = extras.reduce(0) { now - $1.value <= limit ? $0 + Int(byteCounts[$1.key.block]) : $0 }
        return open.reduce(copies) { sum, block in
            guard case .leased(_, let at, nil) = standings[block], now - at <= limit else { return sum }
            return sum + Int(byteCounts[block])
        }
    }

    /// The mirror that should be given something now, and what.
    private mutating func next(_ now: Double) -> (mirror: Int, block: Int)? {
        let isNearWanting = mirrors.values.contains { $0.isNear && !$0.blocks.isEmpty }
        // One that let leases expire is given one at a time, and none of the last, for which all would wait.
        let rest = Double(freeCount * BlockCut.byteLimit) / max(1, holds.bytesPerSecond)
        let isTried = rest > 2 * settings.patience.seconds || mirrors.values.allSatisfy { $0.penalty > 0 }
        let areAllDistrusted = mirrors.values.allSatisfy { distrusted[$0.name] != nil || $0.blocks.isEmpty }
        let fit = mirrors.keys.sorted().filter { id in
            guard let mirror = mirrors[id] else { return false }
            let limit = max(8, 64 / max(1, mirrors.count))
            guard mirror.isNear || !isNearWanting, now >= mirror.pausedUntil else { return false }
            guard mirror.penalty == 0 || isTried && mirror.underWay == 0 else { return false }
            guard distrusted[mirror.name] == nil || areAllDistrusted else { return false }
            return mirror.unreplicated < limit || mirrors.count == 1
        }
        let times = fit.compactMap { mirrors[$0]?.replication }
        let mean = times.isEmpty ? nil : times.reduce(0, +) / Double(times.count)
        let order = fit.map { id in (weight: weight(id, mean), turn: id >= turn ? id - turn : id + nextMirror, id: id) }
            .sorted { ($0.weight, $0.turn) < ($1.weight, $1.turn) }
        for (_, _, id) in order {
            if let block = nextFree(for: id) { return (id, block) }
        }
        return nil
    }

    /// How much a mirror has that others have not; those whose copies spread much slower or faster than others' count
    /// more or less.
    private func weight(_ id: Int, _ mean: Double?) -> Double {
        guard let mirror = mirrors[id] else { return .infinity }
        let load = Double(mirror.unreplicated) + Double(mirror.underWay) / 2
        guard let mean, mean > 0, let time = mirror.replication else { return load }
        let ratio = time / mean
        if ratio >= 0.5, ratio <= 2 { return load }
        return (1 + load) * (ratio < 0.5 ? max(0.25, 2 * ratio) : ratio / 2)
    }

    /// The next block in the order of the log that a mirror wants and that is free; not one that it lost before, while
    /// others may take it. In a small release the largest of the next ones, so that what all wait for at the end is small; a
    /// mirror's first the smallest, since until it has one it has nothing to give.
    private mutating func nextFree(for id: Int) -> Int? {
        guard let mirror = mirrors[id] else { return nil }
        let limit = cut.count <= Self.sizedCount ? Self.lookAhead : 1
        let wantsSmall = leases < UInt64(mirrors.count)
        var best: (block: Int, byteCount: UInt32)?
        var first: Int?
        var seen = 0
        mirror.blocks.forEach(from: mirror.cursor) { block in
            guard case .free = standings[block] else { return true }
            first = first ?? block
            guard !isOthers(block, than: id) else { return true }
            let byteCount = byteCounts[block]
            if best.map({ wantsSmall ? byteCount < $0.byteCount : byteCount > $0.byteCount }) ?? true {
                best = (block, byteCount)
            }
            seen += 1
            return seen < limit
        }
        mirrors[id]?.cursor = first ?? cut.count
        return best?.block
    }

    /// Whether a mirror lost a block before that others may take.
    private func isOthers(_ block: Int, than id: Int) -> Bool {
        lastLessee[block] == Int32(truncatingIfNeeded: id)
            && mirrors.contains { $0.key != id && $0.value.blocks[block] }
    }
}

/// How long leases take until their blocks are there, and how much comes of them.
private struct HoldTimes {
    /// How long the least is remembered at the least.
    private static let memory = 5.0

    /// Smoothed; seconds.
    private(set) var mean: Double?
    /// What is held, of late.
    private var rate = PeakRate(assumed: 0)
    private var recent: Double?
    private var before: Double?
    private var periodBegan = 0.0

    /// The least time of late; seconds.
    var least: Double? { recent.map { min($0, before ?? $0) } ?? before }

    var bytesPerSecond: Double { rate.bytesPerSecond }

    mutating func count(_ took: Double, bytes: Int, at now: Double) {
        advance(to: now)
        mean = mean.map { $0 * 0.9 + took * 0.1 } ?? took
        recent = min(recent ?? took, took)
        rate.count(bytes, at: now)
    }

    mutating func advance(to now: Double) {
        rate.advance(to: now)
        guard now - periodBegan >= Self.memory else { return }
        before = recent ?? before
        recent = nil
        periodBegan = now
    }
}

/// How an origin gives leases.
package struct SwarmLeaseSettings: Hashable, Sendable {
    /// From the first mirror's coming to the first lease.
    package var quiet = Duration.milliseconds(200)
    /// Under way beside what the uplink takes meanwhile. Simulated with chunks of real sizes, 20 and 256 MiB: 1 MiB takes
    /// 1.20 and 1.10 of the ideal time, 1.5 MiB 1.20 and 1.05, 2 MiB 1.21 and 1.04, 2.5 MiB 1.24 and 1.03.
    package var queueBytes = 2 << 20
    /// The same as time, where that is more: on a fast path so much leaves in less time than an answer to it takes.
    package var queueTime = Duration.milliseconds(10)
    /// The least time after which a lease of which nothing came is given to somebody else.
    package var patience = Duration.seconds(4)
    /// How often the origin may send each byte, in the mean, when it has nothing better to do. More than 1 helps where the
    /// uplinks of mirrors together are slower than its own.
    package var originCopies = 1.0
    /// Bytes a second that the origin can send, if that is known.
    package var uplink: Double?

    package init() {}
}
