import STOQ
import Testing
import TestSupport

@Suite struct STOQPropertyTests {
    /// Two machines, joined by pipes that cut and hold back at random, with random messages, consumers and resets.
    @Test("all messages arrive whole and in order on every stream that nobody resets, and no credit is lost")
    func randomTraffic() throws {
        var generator = SplitMix64(test: "random traffic", fallback: 20_261_121)
        for _ in 0..<40 {
            var run = RandomRun(generator: generator)
            try run.run()
            generator = run.generator
        }
    }
}

/// One random life of a connection.
private struct RandomRun {
    var generator: SplitMix64
    var pair: Pair
    var pipes: [[UInt8]] = [[], []]
    var sent: [[STOQStreamID: [[UInt8]]]] = [[:], [:]]
    var live: [STOQStreamID] = []
    var torn: Set<STOQStreamID> = []

    init(generator: SplitMix64) {
        self.generator = generator
        pair = Pair()
        pair.dialler.takesAtOnce = false
        pair.listener.takesAtOnce = false
    }

    mutating func run() throws {
        for _ in 0..<400 { try step() }
        for stream in live { finish(stream) }
        for _ in 0..<10_000 {
            move(0, all: true)
            move(1, all: true)
            take(0, all: true)
            take(1, all: true)
            if pair.dialler.machine.openStreams == 0, pair.listener.machine.openStreams == 0 { break }
        }
        #expect(pair.dialler.closed == nil && pair.listener.closed == nil)
        #expect(pair.dialler.machine.openStreams == 0 && pair.listener.machine.openStreams == 0)
        for (from, to) in [(0, 1), (1, 0)] {
            for (stream, messages) in sent[from].sorted(by: { $0.key < $1.key }) where !torn.contains(stream) {
                let arrived = end(to).messages[stream]?.map(\.bytes) ?? []
                #expect(arrived == messages, "stream \(stream): \(arrived.count) of \(messages.count)")
            }
        }
        // If any credit were lost, the longest messages would not all get through again.
        for _ in 0..<4 {
            let stream = try pair.dialler.open(.bulk)
            let body = Array(repeating: UInt8(7), count: STOQLimits.messageCeiling)
            pair.listener.takesAtOnce = true
            for _ in 0..<8 { _ = try pair.dialler.send(body, on: stream) }
            pair.settle()
            #expect(pair.listener.messages[stream]?.count == 8)
        }
    }

    private mutating func step() throws {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0:
            let side = Int.random(in: 0...1, using: &generator)
            let kind = StreamKind.allCases.randomElement(using: &generator) ?? .bulk
            let stream =
                side == 0
                ? pair.dialler.machine.open(kind, now: .start) : pair.listener.machine.open(kind, now: .start)
            if let stream { live.append(stream) }
        case 1...4:
            guard let stream = live.randomElement(using: &generator) else { return }
            let side = Int.random(in: 0...1, using: &generator)
            let sizes = [0, 1, 300, 5_000, 70_000, 1 << 20, STOQLimits.messageCeiling]
            let size = sizes.randomElement(using: &generator) ?? 0
            let mark = UInt8.random(in: 0...255, using: &generator)
            let message = Array(repeating: mark, count: size)
            let isKnown = end(side).opened.contains { $0.0 == stream } || (stream & 1 == 1) == (side == 0)
            guard isKnown else { return }
            let isSent =
                side == 0
                ? try pair.dialler.send(message, on: stream) : try pair.listener.send(message, on: stream)
            if isSent { sent[side][stream, default: []].append(message) }
        case 5...7: move(Int.random(in: 0...1, using: &generator), all: false)
        case 8...9: take(Int.random(in: 0...1, using: &generator), all: false)
        case 10:
            guard live.count > 20, let stream = live.first else { return }
            live.removeFirst()
            finish(stream)
            finishLater.append(stream)
        default:
            guard Int.random(in: 0..<4, using: &generator) == 0, let stream = live.randomElement(using: &generator)
            else { return }
            torn.insert(stream)
            live.removeAll { $0 == stream }
            if Bool.random(using: &generator) {
                _ = pair.dialler.machine.reset(stream, .cancelled, "")
                finishLater.append(stream)
            } else {
                _ = pair.listener.machine.reset(stream, .cancelled, "")
                finishLater.append(stream)
            }
        }
    }

    private var finishLater: [STOQStreamID] = []

    private mutating func finish(_ stream: STOQStreamID) {
        pair.dialler.machine.finish(stream, now: .start)
        pair.listener.machine.finish(stream, now: .start)
    }

    private func end(_ side: Int) -> End { side == 0 ? pair.dialler : pair.listener }

    /// Carries some bytes from `side` to the other.
    private mutating func move(_ side: Int, all: Bool) {
        if side == 0 {
            pipes[0] += pair.dialler.bytes()
        } else {
            pipes[1] += pair.listener.bytes()
        }
        let count = all ? pipes[side].count : Int.random(in: 0...pipes[side].count, using: &generator)
        var rest = pipes[side].prefix(count)[...]
        pipes[side].removeFirst(count)
        while !rest.isEmpty {
            let cut = Int.random(in: 1...min(rest.count, 300_000), using: &generator)
            if side == 0 {
                pair.listener.receive(Array(rest.prefix(cut)))
            } else {
                pair.dialler.receive(Array(rest.prefix(cut)))
            }
            rest = rest.dropFirst(cut)
        }
        if all {
            // A stream that the other side learned of only now.
            for stream in live + finishLater { finish(stream) }
        }
    }

    private var taken: [[STOQStreamID: Int]] = [[:], [:]]

    /// Takes messages that have arrived at `side`.
    private mutating func take(_ side: Int, all: Bool) {
        for (stream, messages) in end(side).messages.sorted(by: { $0.key < $1.key }) {
            let done = taken[side][stream, default: 0]
            let left = messages.count - done
            let count = all ? left : Int.random(in: 0...left, using: &generator)
            for message in messages[done..<done + count] {
                if side == 0 {
                    pair.dialler.machine.consumed(stream, cost: message.cost, now: .start)
                } else {
                    pair.listener.machine.consumed(stream, cost: message.cost, now: .start)
                }
            }
            taken[side][stream] = done + count
        }
    }
}
