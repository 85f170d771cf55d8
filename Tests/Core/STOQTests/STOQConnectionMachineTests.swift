import STOQ
import Testing

@Suite struct STOQConnectionMachineTests {
    private static func bytes(_ count: Int, _ seed: UInt8 = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) &+ seed }
    }

    @Test("two machines greet, and streams are odd for the dialler and even for the listener")
    func greets() {
        var pair = Pair()
        #expect(pair.dialler.isReady && pair.listener.isReady)
        #expect(pair.dialler.greetings.map(\.name) == ["origin"])
        #expect(pair.dialler.machine.open(.bulk, now: .start) == 1)
        #expect(pair.dialler.machine.open(.bulk, now: .start) == 3)
        #expect(pair.listener.machine.open(.control, now: .start) == 2)
        pair.settle()
        #expect(pair.listener.opened.map(\.0) == [1, 3])
        #expect(pair.dialler.opened.map(\.1) == [.control])
    }

    @Test("no stream can be opened before both have greeted")
    func needsGreeting() {
        var end = End(.dialler)
        #expect(end.machine.open(.bulk, now: .start) == nil)
    }

    @Test("a later greeting is told")
    func greetsAgain() {
        var pair = Pair()
        let head = STOQGreeting.Head(set: "debian", sequence: 7, release: zeroRelease)
        pair.listener.run(
            pair.listener.machine.greet(STOQGreeting(fleet: "lab", name: "origin", heads: [head]), now: .start),
            now: .start)
        pair.settle()
        #expect(pair.dialler.greetings.last?.heads == [head])
    }

    @Test("a request and its answer pass, and both sides forget the stream")
    func requestAndAnswer() throws {
        var pair = Pair()
        let stream = try pair.dialler.open(.metadata)
        _ = try pair.dialler.send([1, 2, 3], on: stream)
        pair.dialler.machine.finish(stream, now: .start)
        pair.settle()
        #expect(pair.listener.messages[stream]?.map(\.bytes) == [[1, 2, 3]])
        #expect(pair.listener.finished.contains(stream))
        let answer = Self.bytes(STOQLimits.messageCeiling)
        _ = try pair.listener.send(answer, on: stream)
        _ = try pair.listener.send([], on: stream)
        pair.listener.machine.finish(stream, now: .start)
        pair.settle()
        #expect(pair.dialler.messages[stream]?.map(\.bytes) == [answer, []])
        #expect(pair.dialler.closedStreams == [stream] && pair.listener.closedStreams == [stream])
        #expect(pair.dialler.machine.openStreams == 0 && pair.listener.machine.openStreams == 0)
        let isTaken = try pair.listener.send([1], on: stream)
        #expect(!isTaken)
    }

    @Test("an own stream beyond the peer's limit waits for a free slot")
    func slots() throws {
        var limits = STOQLimits()
        limits.streams = 2
        var pair = Pair(limits: limits)
        let first = try pair.dialler.open(.bulk)
        _ = try pair.dialler.open(.bulk)
        #expect(pair.dialler.machine.open(.bulk, now: .start) == nil)
        pair.settle()
        pair.dialler.run(pair.dialler.machine.reset(first, .cancelled, ""), now: .start)
        // The slot is free when the peer has agreed that the stream is over.
        #expect(pair.dialler.machine.open(.bulk, now: .start) == nil)
        pair.settle()
        #expect(pair.dialler.slotsFreed == 1)
        #expect(pair.dialler.machine.open(.bulk, now: .start) == 5)
        pair.settle()
        #expect(pair.listener.closed == nil)
        #expect(pair.listener.resets[first]?.code == .cancelled)
    }

    @Test("urgent messages overtake bulk that is under way, in the order of their kinds")
    func priorities() throws {
        var pair = Pair()
        let bulk = try pair.dialler.open(.bulk)
        _ = try pair.dialler.send(Self.bytes(1 << 20), on: bulk)
        let first = pair.dialler.frames(limit: 2)
        #expect(first.map(\.header.stream) == [bulk, bulk])
        var streams: [StreamKind: STOQStreamID] = [:]
        for kind in [StreamKind.metadata, .interactive, .control] {
            let stream = try pair.dialler.open(kind)
            streams[kind] = stream
            _ = try pair.dialler.send([1], on: stream)
        }
        let messages = pair.dialler.frames().filter { $0.header.type == STOQFrameType.message.rawValue }
        #expect(
            messages.prefix(4).map(\.header.stream) == [
                streams[.control], streams[.interactive], streams[.metadata], bulk,
            ])
    }

    @Test("streams of one kind take turns, frame by frame")
    func turns() throws {
        var pair = Pair()
        let streams = [try pair.dialler.open(.bulk), try pair.dialler.open(.bulk), try pair.dialler.open(.bulk)]
        for stream in streams { _ = try pair.dialler.send(Self.bytes(1 << 20), on: stream) }
        let messages = pair.dialler.frames().filter { $0.header.type == STOQFrameType.message.rawValue }
        #expect(messages.prefix(6).map(\.header.stream) == streams + streams)
    }

    @Test("a sender stops at the credit, and goes on when messages were taken")
    func credit() throws {
        var pair = Pair()
        pair.listener.takesAtOnce = false
        let stream = try pair.dialler.open(.bulk)
        for _ in 0..<10 { _ = try pair.dialler.send(Self.bytes(1 << 20), on: stream) }
        pair.settle()
        // Four mebibytes are the window; each message costs a little more than its mebibyte.
        #expect(pair.listener.messages[stream]?.count == 3)
        // Another kind is not held up.
        let urgent = try pair.dialler.open(.interactive)
        _ = try pair.dialler.send([9], on: urgent)
        pair.settle()
        #expect(pair.listener.messages[urgent]?.count == 1)
        for _ in 0..<10 {
            for message in pair.listener.messages[stream] ?? [] {
                pair.listener.machine.consumed(stream, cost: message.cost, now: .start)
            }
            let taken = pair.listener.messages[stream]?.count ?? 0
            pair.settle()
            pair.listener.messages[stream]?.removeFirst(taken)
        }
        #expect(pair.listener.order.filter { $0 == stream }.count == 10)
    }

    @Test("what a stream held when it was reset is credit for its kind again")
    func resetReturnsCredit() throws {
        var pair = Pair()
        pair.listener.takesAtOnce = false
        // Far more than all credit together, lost in resets by either side.
        for round in 0..<60 {
            let stream = try pair.dialler.open(.bulk)
            for _ in 0..<4 { _ = try pair.dialler.send(Self.bytes(1 << 20), on: stream) }
            if round % 3 == 0 {
                // In the middle of a message.
                let some = pair.dialler.frames(limit: 5).flatMap(\.bytes)
                pair.listener.receive(some)
            } else {
                pair.settle()
            }
            if round % 2 == 0 {
                pair.listener.run(pair.listener.machine.reset(stream, .busy, ""), now: .start)
            } else {
                pair.dialler.run(pair.dialler.machine.reset(stream, .cancelled, ""), now: .start)
            }
            pair.settle()
            #expect(pair.listener.closed == nil && pair.dialler.closed == nil)
            #expect(pair.dialler.machine.openStreams == 0 && pair.listener.machine.openStreams == 0)
        }
        let stream = try pair.dialler.open(.bulk)
        for _ in 0..<3 { _ = try pair.dialler.send(Self.bytes(1 << 20), on: stream) }
        pair.settle()
        #expect(pair.listener.messages[stream]?.count == 3)
    }

    @Test("a large message is not starved by small ones of its kind")
    func noStarvation() throws {
        var pair = Pair()
        pair.listener.takesAtOnce = false
        let fillers = [try pair.dialler.open(.bulk), try pair.dialler.open(.bulk), try pair.dialler.open(.bulk)]
        for stream in fillers { for _ in 0..<3 { _ = try pair.dialler.send(Self.bytes(900_000), on: stream) } }
        pair.settle()
        let large = try pair.dialler.open(.bulk)
        _ = try pair.dialler.send(Self.bytes(1 << 20), on: large)
        let small = try pair.dialler.open(.bulk)
        pair.settle()
        #expect(pair.listener.messages[large] == nil)
        for _ in 0..<200 { _ = try pair.dialler.send([1], on: small) }
        pair.settle()
        #expect(pair.listener.messages[small] == nil, "nothing begins before who waits longest")
        for stream in fillers {
            for message in pair.listener.messages[stream] ?? [] {
                pair.listener.machine.consumed(stream, cost: message.cost, now: .start)
            }
            pair.listener.messages[stream] = []
        }
        pair.settle()
        #expect(pair.listener.messages[large]?.count == 1)
        #expect(pair.listener.messages[small]?.count == 200)
    }

    @Test("going away lets open streams end, takes no new ones, then closes")
    func goesAway() throws {
        var pair = Pair()
        let stream = try pair.dialler.open(.bulk)
        _ = try pair.dialler.send([1], on: stream)
        pair.dialler.machine.finish(stream, now: .start)
        pair.settle()
        pair.listener.run(pair.listener.machine.goAway(.shuttingDown, "bye"), now: .start)
        pair.settle()
        #expect(pair.dialler.goingAway == STOQError(.shuttingDown, "bye", origin: .peer))
        #expect(pair.dialler.machine.open(.bulk, now: .start) == nil)
        #expect(pair.listener.closed == nil)
        _ = try pair.listener.send([2], on: stream)
        pair.listener.machine.finish(stream, now: .start)
        pair.settle()
        #expect(pair.dialler.messages[stream]?.map(\.bytes) == [[2]])
        #expect(pair.listener.closed?.code == .done)
        #expect(pair.dialler.closed?.code == .done)
    }
}
