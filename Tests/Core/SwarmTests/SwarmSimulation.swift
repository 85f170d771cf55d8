import Swarm
import TestSupport

/// A fleet of real machines and a real lease book on simulated lines.
final class SwarmSimulation {
    private enum Told {
        case message([UInt8])
        case request(SwarmMachine.Request)
        case cancel(request: UInt64)
        /// The other end is gone.
        case closed
        /// An answer without bytes.
        case nothing(request: UInt64)
    }

    private enum Moment {
        case tick(Int)
        case announce(Int)
        case verified(host: Int, connection: Int, request: SwarmMachine.Request, ordinals: [UInt32])
        case fault(SimulatedFleet.Fault)
        case originBack
        case connect(Int, Int)
        /// The book may give its first leases.
        case opens
    }

    private struct Host {
        var machine: SwarmMachine?
        var verified = OrdinalSet()
        var isAlive = true
        var lies = false
        var announcesAt: Duration?
        var requests: [UInt64: SwarmMachine.Request] = [:]
        var connections: [Int] = []
        var doneAt: Double?
        var received = 0
    }

    private struct Sending {
        let connection: Int
        let request: SwarmMachine.Request
        let ordinals: [UInt32]
    }

    private let fleet: SimulatedFleet
    private let lengths: [UInt32]
    private let cut: BlockCut
    private var lines: SimulatedLines
    private var hosts: [Host] = []
    private var book: LeaseBook
    private var numbers: [[Int]] = []
    private var sendings: [Int: Sending] = [:]
    private var told: [Int: Told] = [:]
    private var moments: [Int: Moment] = [:]
    private var nextKey = 0
    private var outcome = SimulatedFleet.Outcome()
    private var wasted = 0
    private var bytesBefore: UInt64 = 0
    private var pending: Set<Int>

    init(_ fleet: SimulatedFleet) {
        self.fleet = fleet
        lengths = fleet.lengths()
        cut = BlockCut(base: 0, lengths: lengths)
        let rate = { (mbit: Double) in mbit * SimulatedFleet.mbit }
        var lines = [
            SimulatedLines.Line(
                up: rate(fleet.originUplink), down: rate(max(fleet.originUplink, fleet.downlink)), region: 0)
        ]
        for mirror in 1...fleet.mirrors {
            let up = rate(fleet.uplinks[(mirror - 1) % fleet.uplinks.count])
            lines.append(
                SimulatedLines.Line(up: up, down: rate(fleet.downlink), region: (mirror - 1) % fleet.regions))
        }
        self.lines = SimulatedLines(
            lines: lines, quantum: fleet.quantum, latency: fleet.latency, regionLatency: fleet.regionLatency,
            regionRate: fleet.regionRate.map(rate))
        book = Self.newBook(fleet, cut, lengths)
        pending = Set((1...fleet.mirrors).filter(fleet.isHealthy))
        hosts = Array(repeating: Host(), count: fleet.mirrors + 1)
        outcome.ideal = Double(fleet.bytes) / rate(fleet.originUplink)
    }

    private static func newBook(_ fleet: SimulatedFleet, _ cut: BlockCut, _ lengths: [UInt32]) -> LeaseBook {
        var settings = SwarmLeaseSettings()
        settings.uplink = fleet.originUplink * SimulatedFleet.mbit
        settings.originCopies = fleet.originCopies
        return LeaseBook(cut: cut, lengths: lengths, settings: settings)
    }

    /// Names settle ties, so they differ between seeds.
    private func name(_ mirror: Int) -> String { "m\(mirror)-\(fleet.seed)" }
    private var size: UInt32 { UInt32(lengths.count) }
    private var now: Duration { .nanoseconds(lines.now) }
    private var seconds: Double { Double(lines.now) * 1e-9 }

    // MARK: Run

    /// Runs until all healthy mirrors have everything, or `limit` seconds.
    func run(limit: Double = 3_600) -> SimulatedFleet.Outcome {
        prepare()
        while !pending.isEmpty, seconds < limit, let event = lines.next() {
            outcome.events += 1
            handle(event)
        }
        for mirror in 1...fleet.mirrors where fleet.isHealthy(mirror) {
            if let at = hosts[mirror].doneAt { outcome.doneAt[mirror] = at } else { outcome.unfinished.append(mirror) }
        }
        let live = (1...fleet.mirrors).filter { fleet.isHealthy($0) && hosts[$0].isAlive }
        for ordinal in 0..<size {
            let count = live.count { hosts[$0].verified.contains(ordinal) }
            if count > 0, count < live.count { outcome.unevenChunks += 1 }
        }
        outcome.leastShare = Double(live.map { hosts[$0].verified.count }.min() ?? 0) / Double(size)
        let total = Double(fleet.bytes)
        let received = hosts.reduce(0) { $0 + $1.received }
        outcome.originCopies = Double(lines.lines[0].sentBytes) / total
        outcome.leasedCopies = Double(bytesBefore + book.leasedBytes) / total
        for (reason, count) in book.again { outcome.again[reason.rawValue, default: 0] += count }
        outcome.openLeases = book.openLeases
        outcome.crossings = Double(lines.crossed.max() ?? 0) / total
        outcome.duplicates = Double(wasted) / Double(max(1, received))
        return outcome
    }

    private func prepare() {
        var generator = SplitMix64(seed: fleet.seed)
        for mirror in 1...fleet.mirrors {
            hosts[mirror].isAlive = fleet.joinTime(mirror) == 0
            var have = OrdinalSet()
            if let share = fleet.present[mirror] {
                have = OrdinalSet((0..<size).filter { _ in Double(generator.next() >> 11) / Double(1 << 53) < share })
            }
            hosts[mirror].verified = have
            let hello = SwarmHello(complete: 0, have: have)
            var settings = SwarmSettings()
            settings.assumedRate = fleet.downlink * SimulatedFleet.mbit
            hosts[mirror].machine = SwarmMachine(
                name: name(mirror), cut: cut, lengths: lengths, hello: hello, settings: settings)
            let actions = hosts[mirror].machine?.want(OrdinalSet(0..<size), now: now) ?? []
            perform(actions, mirror)
            at(0.1 * Double(mirror) / Double(fleet.mirrors + 1), .tick(mirror))
        }
        at(0.05, .tick(0))
        for (a, b) in fleet.pairs() { at(max(fleet.joinTime(a), fleet.joinTime(b)), .connect(a, b)) }
        for fault in fleet.faults { schedule(fault) }
    }

    private func schedule(_ fault: SimulatedFleet.Fault) {
        switch fault {
        case .lies(let mirror): hosts[mirror].lies = true
        case .stalls(_, let time), .dies(_, let time), .crawls(_, let time), .joins(_, let time),
            .originAway(let time, _), .originLost(let time):
            at(time, .fault(fault))
        }
    }

    private func at(_ seconds: Double, _ moment: Moment) {
        nextKey += 1
        moments[nextKey] = moment
        lines.schedule(nextKey, at: Int(seconds * 1e9))
    }

    private func handle(_ event: SimulatedLines.Event) {
        switch event {
        case .told(let connection, let end, let key):
            guard let what = told.removeValue(forKey: key) else { return }
            let host = lines.connections[connection].hosts[end]
            guard hosts[host].isAlive, !lines.lines[host].isStill else { return }
            if case .closed = what { return leave(connection, end) }
            guard lines.connections[connection].isUp else { return }
            hear(what, host, connection, end)
        case .due(let key): if let moment = moments.removeValue(forKey: key) { happen(moment) }
        default:
            guard let (connection, end, answer, bytes) = lines.move(event) else { return }
            deliver(connection, 1 - end, answer, bytes)
        }
    }

    private func happen(_ moment: Moment) {
        switch moment {
        case .tick(let host):
            at(seconds + 0.1, .tick(host))
            guard hosts[host].isAlive, !lines.lines[host].isStill else { return }
            if host == 0 { return give(book.tick(now: now)) }
            act(host) { $0.tick(now: $1) }
        case .announce(let host):
            hosts[host].announcesAt = nil
            guard hosts[host].isAlive, !lines.lines[host].isStill else { return }
            act(host) { $0.tick(now: $1) }
        case .verified(let host, let connection, let request, let ordinals):
            guard hosts[host].isAlive, !lines.lines[host].isStill else { return }
            verified(host, connection, request, ordinals)
        case .fault(let fault): fail(fault)
        case .originBack:
            hosts[0].isAlive = true
            for mirror in 1...fleet.mirrors where hosts[mirror].isAlive { connect(0, mirror) }
        case .connect(let a, let b): connect(a, b)
        case .opens: if hosts[0].isAlive { give(book.tick(now: now)) }
        }
    }

    private func seconds(_ time: Duration) -> Double {
        Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    // MARK: Links

    private func connect(_ a: Int, _ b: Int) {
        for host in [a, b] where !hosts[host].isAlive && fleet.joinTime(host) > 0 && fleet.joinTime(host) <= seconds {
            hosts[host].isAlive = true
        }
        guard hosts[a].isAlive, hosts[b].isAlive else { return }
        let connection = lines.connect(a, b)
        numbers.append([0, 0])
        hosts[a].connections.append(connection)
        hosts[b].connections.append(connection)
        let isNear = lines.lines[a].region == lines.lines[b].region
        let hellos = [a, b].map { host in
            hosts[host].machine?.hello(isNear: isNear) ?? SwarmHello(complete: size, isNear: isNear)
        }
        for (end, host) in [a, b].enumerated() {
            let other = [a, b][1 - end]
            guard host != 0 else {
                let wasIdle = book.isIdle
                numbers[connection][0] = book.join(name(other), isNear: isNear, hello: hellos[1], now: now)
                if wasIdle, let opens = book.opensAt { at(seconds(opens) + 1e-6, .opens) }
                continue
            }
            let name = other == 0 ? "origin" : name(other)
            guard
                let (number, actions) = hosts[host].machine?.join(
                    name, hello: hellos[1 - end], isOrigin: other == 0, now: now)
            else { continue }
            numbers[connection][end] = number
            hosts[host].machine?.measured(
                roundTrip: .seconds(2 * (isNear ? fleet.latency : fleet.regionLatency)), score: Reputation.best,
                of: number)
            perform(actions, host)
        }
    }

    private func leave(_ connection: Int, _ end: Int) {
        let host = lines.connections[connection].hosts[end]
        lines.close(connection)
        hosts[host].connections.removeAll { $0 == connection }
        let number = numbers[connection][end]
        if host == 0 { return give(book.leave(number, now: now)) }
        act(host) { $0.leave(number, now: $1) }
    }

    private func fail(_ fault: SimulatedFleet.Fault) {
        switch fault {
        case .lies, .joins: break
        case .stalls(let mirror, _): lines.lines[mirror].isStill = true
        case .crawls(let mirror, _):
            lines.lines[mirror].up = 1_024
            lines.lines[mirror].down = 1_024
        case .dies(let mirror, _): die(mirror)
        case .originLost:
            die(0)
        case .originAway(_, let pause):
            die(0)
            bytesBefore += book.leasedBytes
            for (reason, count) in book.again { outcome.again[reason.rawValue, default: 0] += count }
            book = Self.newBook(fleet, cut, lengths)
            at(seconds + pause, .originBack)
        }
    }

    private func die(_ host: Int) {
        hosts[host].isAlive = false
        for connection in hosts[host].connections where lines.connections[connection].isUp {
            let end = lines.connections[connection].hosts[0] == host ? 0 : 1
            tell(connection, end, .closed, bytes: 64)
        }
        hosts[host].connections = []
    }

    // MARK: Talk

    private func tell(_ connection: Int, _ end: Int, _ what: Told, bytes: Int) {
        nextKey += 1
        told[nextKey] = what
        outcome.messages += 1
        lines.tell(connection, from: end, nextKey, bytes: bytes + 24)
    }

    private func connection(_ host: Int, _ source: Int) -> (Int, Int)? {
        for connection in hosts[host].connections {
            let end = lines.connections[connection].hosts[0] == host ? 0 : 1
            if numbers[connection][end] == source { return (connection, end) }
        }
        return nil
    }

    private func act(_ host: Int, _ body: (inout SwarmMachine, Duration) -> [SwarmMachine.Action]) {
        guard var machine = hosts[host].machine.take() else { return }
        let actions = body(&machine, now)
        hosts[host].machine = machine
        perform(actions, host)
    }

    private func perform(_ actions: [SwarmMachine.Action], _ host: Int) {
        for action in actions {
            switch action {
            case .request(let request):
                guard let (connection, end) = connection(host, request.source) else { continue }
                let wanted = Set(request.ordinals)
                if hosts[host].requests.values.contains(where: { !wanted.isDisjoint(with: $0.ordinals) }) {
                    outcome.hedged += 1
                }
                hosts[host].requests[request.id] = request
                tell(connection, end, .request(request), bytes: 4 * request.ordinals.count)
            case .cancel(let id):
                guard let request = hosts[host].requests.removeValue(forKey: id),
                    let (connection, end) = connection(host, request.source)
                else { continue }
                tell(connection, end, .cancel(request: id), bytes: 8)
            case .send(let source, let message):
                guard let (connection, end) = connection(host, source) else { continue }
                check(message, host)
                let bytes = message.encode()
                tell(connection, end, .message(bytes), bytes: bytes.count)
            }
        }
        guard let due = hosts[host].machine?.nextAnnouncement, due != hosts[host].announcesAt else { return }
        hosts[host].announcesAt = due
        at(seconds(due) + 1e-6, .announce(host))
    }

    private func check(_ message: SwarmMessage, _ host: Int) {
        guard case .have(let ranges) = message else { return }
        for range in ranges where !range.allSatisfy(hosts[host].verified.contains) { outcome.unverifiedOffers += 1 }
    }

    private func give(_ grants: [LeaseBook.Grant]) {
        for grant in grants {
            guard let (connection, end) = connection(0, grant.mirror) else { continue }
            let bytes = SwarmMessage.lease(grant.ranges).encode()
            tell(connection, end, .message(bytes), bytes: bytes.count)
        }
    }

    private func hear(_ what: Told, _ host: Int, _ connection: Int, _ end: Int) {
        let number = numbers[connection][end]
        switch what {
        case .message(let bytes):
            guard let message = try? SwarmMessage(decoding: bytes, size: size) else {
                fatalError("a message that cannot be read")
            }
            if host == 0 { return give(book.heard(message, from: number, now: now)) }
            act(host) { $0.heard(message, from: number, now: $1) }
        case .request(let request):
            let ordinals = request.ordinals.filter { host == 0 || hosts[host].verified.contains($0) }
            let bytes = ordinals.reduce(0) { $0 + Int(lengths[Int($1)]) }
            guard bytes > 0 else { return tell(connection, end, .nothing(request: request.id), bytes: 8) }
            let answer = lines.answer(connection, from: end, bytes: bytes)
            sendings[answer] = Sending(connection: connection, request: request, ordinals: ordinals)
        case .cancel(let id):
            let answer = sendings.first { $0.value.connection == connection && $0.value.request.id == id }?.key
            if let answer { lines.cancel(connection, from: end, answer) }
        case .nothing(let id):
            guard hosts[host].requests.removeValue(forKey: id) != nil else { return }
            act(host) { $0.finished(requests: [id], now: $1) }
        case .closed: break
        }
    }

    // MARK: Content

    private func deliver(_ connection: Int, _ end: Int, _ answer: Int, _ bytes: Int) {
        let host = lines.connections[connection].hosts[end]
        guard hosts[host].isAlive, let sending = sendings[answer], let sent = lines.answers[answer] else { return }
        let request = sending.request
        hosts[host].received += bytes
        if hosts[host].requests[request.id] == nil { wasted += bytes }
        hosts[host].machine?.progressed(request: request.id, bytes: bytes, now: now)
        guard sent.delivered == sent.bytes else { return }
        sendings[answer] = nil
        lines.forget(answer)
        at(
            seconds + 0.001,
            .verified(host: host, connection: connection, request: request, ordinals: sending.ordinals))
    }

    private func verified(
        _ host: Int, _ connection: Int, _ request: SwarmMachine.Request, _ ordinals: [UInt32]
    ) {
        let other = lines.connections[connection].hosts.first { $0 != host } ?? 0
        hosts[host].requests[request.id] = nil
        guard !hosts[other].lies else {
            act(host) { $0.quarantine(request.source, now: $1) }
            return
        }
        for ordinal in ordinals { hosts[host].verified.insert(ordinal) }
        act(host) { $0.received(ordinals, from: request.source, now: $1) }
        act(host) { $0.finished(requests: [request.id], now: $1) }
        guard hosts[host].doneAt == nil, hosts[host].machine?.isComplete == true else { return }
        hosts[host].doneAt = seconds
        pending.remove(host)
    }
}
