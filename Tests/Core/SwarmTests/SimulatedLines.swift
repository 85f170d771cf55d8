/// The lines between simulated hosts under virtual time: uplinks that are shared fairly between receivers, downlinks, one
/// line between regions, delays, and a bounded number of bytes in flight on every connection.
struct SimulatedLines {
    /// Nanoseconds since the beginning.
    typealias Time = Int

    /// What happens next.
    enum Event {
        /// A piece of an answer has left its sender.
        case left(connection: Int, end: Int, answer: Int, bytes: Int)
        /// It is at its receiver's downlink.
        case arrived(connection: Int, end: Int, answer: Int, bytes: Int)
        /// It is there.
        case delivered(connection: Int, end: Int, answer: Int, bytes: Int)
        case acknowledged(connection: Int, end: Int, bytes: Int)
        /// A small thing is there, of which the owner knows what it is.
        case told(connection: Int, end: Int, Int)
        /// A moment that the owner asked for.
        case due(Int)
    }

    /// An answer on its way from one end of a connection.
    struct Answer {
        let bytes: Int
        var sent = 0
        var delivered = 0
    }

    struct Line {
        var up: Double
        var down: Double
        var region: Int
        var isStill = false
        fileprivate var isSending = false
        /// Bytes of messages, which the next piece has to wait for.
        fileprivate var debt = 0
        fileprivate var downFreeAt = 0
        /// Connections that have something to send, in turn.
        fileprivate var turn: [(connection: Int, end: Int)] = []
        fileprivate(set) var sentBytes = 0

        init(up: Double, down: Double, region: Int) {
            self.up = up
            self.down = down
            self.region = region
        }
    }

    struct Connection {
        /// The host at each end.
        let hosts: [Int]
        var isUp = true
        fileprivate var queues: [[Int]] = [[], []]
        fileprivate var inFlight = [0, 0]

        fileprivate init(hosts: [Int]) { self.hosts = hosts }
    }

    var lines: [Line]
    private(set) var connections: [Connection] = []
    private(set) var answers: [Int: Answer] = [:]
    private(set) var now: Time = 0
    /// Bytes that crossed between regions, by direction.
    private(set) var crossed = [0, 0]
    private var regionFreeAt = [0, 0]
    private var nextAnswer = 0
    private var queue = EventQueue()
    let quantum: Int
    let window: Int
    let latency: Double
    let regionLatency: Double
    let regionRate: Double?

    init(lines: [Line], quantum: Int, latency: Double, regionLatency: Double, regionRate: Double?) {
        self.lines = lines
        self.quantum = quantum
        self.latency = latency
        self.regionLatency = regionLatency
        self.regionRate = regionRate
        let fastest = lines.map { max($0.up, $0.down) }.max() ?? 0
        window = max(256 << 10, Int(2.5 * fastest * max(latency, regionLatency)))
    }

    /// The next event, whose time is ``now`` from then on.
    mutating func next() -> Event? {
        guard let (time, event) = queue.pop() else { return nil }
        now = time
        return event
    }

    mutating func schedule(_ key: Int, at time: Time) { queue.push(max(now, time), .due(key)) }

    mutating func connect(_ a: Int, _ b: Int) -> Int {
        connections.append(Connection(hosts: [a, b]))
        return connections.count - 1
    }

    /// Nothing travels on a connection any more.
    mutating func close(_ connection: Int) {
        connections[connection].isUp = false
        connections[connection].queues = [[], []]
    }

    // MARK: Messages

    /// Sends a small thing to the host at the other end of `end`.
    mutating func tell(_ connection: Int, from end: Int, _ key: Int, bytes: Int) {
        let (from, to) = (connections[connection].hosts[end], connections[connection].hosts[1 - end])
        lines[from].debt += bytes
        let arrival = now + delay(from, to) + duration(bytes, lines[from].up)
        let start = max(arrival, lines[to].downFreeAt)
        lines[to].downFreeAt = start + duration(bytes, lines[to].down)
        queue.push(lines[to].downFreeAt, .told(connection: connection, end: 1 - end, key))
    }

    // MARK: Answers

    /// Puts an answer behind those on the same connection.
    mutating func answer(_ connection: Int, from end: Int, bytes: Int) -> Int {
        nextAnswer += 1
        answers[nextAnswer] = Answer(bytes: bytes)
        let wasEmpty = connections[connection].queues[end].isEmpty
        connections[connection].queues[end].append(nextAnswer)
        let host = connections[connection].hosts[end]
        if wasEmpty { lines[host].turn.append((connection, end)) }
        send(host)
        return nextAnswer
    }

    /// Takes what has not left of an answer back.
    mutating func cancel(_ connection: Int, from end: Int, _ answer: Int) {
        connections[connection].queues[end].removeAll { $0 == answer }
    }

    /// Sends the next piece, if a host's uplink is free.
    mutating func send(_ host: Int) {
        guard !lines[host].isSending, !lines[host].isStill else { return }
        for _ in 0..<lines[host].turn.count {
            let (connection, end) = lines[host].turn.removeFirst()
            guard connections[connection].isUp, let answer = connections[connection].queues[end].first,
                let (bytes, sent) = answers[answer].map({ ($0.bytes, $0.sent) })
            else { continue }
            guard connections[connection].inFlight[end] < window else {
                lines[host].turn.append((connection, end))
                continue
            }
            let piece = min(quantum, bytes - sent)
            answers[answer]?.sent += piece
            if sent + piece == bytes { connections[connection].queues[end].removeFirst() }
            if !connections[connection].queues[end].isEmpty { lines[host].turn.append((connection, end)) }
            connections[connection].inFlight[end] += piece
            lines[host].isSending = true
            lines[host].sentBytes += piece
            let time = duration(piece + lines[host].debt, lines[host].up)
            lines[host].debt = 0
            queue.push(now + time, .left(connection: connection, end: end, answer: answer, bytes: piece))
            return
        }
    }

    /// Moves a piece on; the answer and what came of it, when it is at its receiver.
    mutating func move(_ event: Event) -> (connection: Int, end: Int, answer: Int, bytes: Int)? {
        switch event {
        case .left(let connection, let end, let answer, let bytes):
            let (from, to) = (connections[connection].hosts[end], connections[connection].hosts[1 - end])
            lines[from].isSending = false
            let arrival = cross(from, to, bytes) + delay(from, to)
            queue.push(arrival, .arrived(connection: connection, end: end, answer: answer, bytes: bytes))
            send(from)
        case .arrived(let connection, let end, let answer, let bytes):
            let to = connections[connection].hosts[1 - end]
            lines[to].downFreeAt = max(now, lines[to].downFreeAt) + duration(bytes, lines[to].down)
            let event = Event.delivered(connection: connection, end: end, answer: answer, bytes: bytes)
            queue.push(lines[to].downFreeAt, event)
        case .delivered(let connection, let end, let answer, let bytes):
            let (from, to) = (connections[connection].hosts[end], connections[connection].hosts[1 - end])
            guard connections[connection].isUp, !lines[to].isStill else { return nil }
            queue.push(now + delay(from, to), .acknowledged(connection: connection, end: end, bytes: bytes))
            answers[answer]?.delivered += bytes
            return (connection, end, answer, bytes)
        case .acknowledged(let connection, let end, let bytes):
            connections[connection].inFlight[end] -= bytes
            send(connections[connection].hosts[end])
        case .told, .due: break
        }
        return nil
    }

    /// Forgets an answer.
    mutating func forget(_ answer: Int) { answers[answer] = nil }

    // MARK: Parts

    private mutating func cross(_ from: Int, _ to: Int, _ bytes: Int) -> Time {
        let direction = lines[from].region < lines[to].region ? 0 : 1
        guard lines[from].region != lines[to].region else { return now }
        crossed[direction] += bytes
        guard let regionRate else { return now }
        regionFreeAt[direction] = max(now, regionFreeAt[direction]) + duration(bytes, regionRate)
        return regionFreeAt[direction]
    }

    private func delay(_ from: Int, _ to: Int) -> Time {
        Int((lines[from].region == lines[to].region ? latency : regionLatency) * 1e9)
    }

    private func duration(_ bytes: Int, _ rate: Double) -> Time { Int(Double(bytes) * 1e9 / rate) }
}

/// Events by time, those of one time in the order in which they were made.
private struct EventQueue {
    private struct Entry {
        let time: Int
        let order: Int
        let event: SimulatedLines.Event

        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var heap: [Entry] = []
    private var order = 0

    mutating func push(_ time: Int, _ event: SimulatedLines.Event) {
        order += 1
        heap.append(Entry(time: time, order: order, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (time: Int, event: SimulatedLines.Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
                guard heap[child].isBefore(heap[parent]) else { break }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        return (first.time, first.event)
    }
}
