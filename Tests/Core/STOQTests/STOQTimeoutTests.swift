import STOQ
import Testing

/// Virtual time: nothing here waits.
@Suite struct STOQTimeoutTests {
    /// Tells both machines the time again and again, and carries frames unless one is dead.
    private static func live(_ pair: inout Pair, from: Duration, to: Duration, deadListener: Bool = false) {
        var time = from
        while time < to {
            time += .milliseconds(250)
            let now = STOQTime.start + time
            pair.dialler.tick(now)
            if deadListener {
                _ = pair.dialler.frames(now: now)
            } else {
                pair.listener.tick(now)
                pair.settle(now: now)
            }
        }
    }

    @Test("two idle machines keep each other alive")
    func keepAlive() {
        var pair = Pair()
        Self.live(&pair, from: .zero, to: .seconds(600))
        #expect(pair.dialler.closed == nil && pair.listener.closed == nil)
    }

    @Test("a peer that is silent is asked, then given up")
    func silence() {
        var pair = Pair()
        Self.live(&pair, from: .zero, to: .seconds(29), deadListener: true)
        #expect(pair.dialler.closed == nil)
        Self.live(&pair, from: .seconds(29), to: .seconds(31), deadListener: true)
        #expect(pair.dialler.closed?.code == .silent)
    }

    @Test("the timer that a machine asks for is never far in the past or the future")
    func timer() throws {
        var pair = Pair()
        let idle = pair.dialler.machine.nextTimer(now: .start)
        #expect(idle == .start + .seconds(15))
        _ = try pair.dialler.open(.bulk)
        #expect(pair.dialler.machine.nextTimer(now: .start) == .start + .milliseconds(250))
    }

    @Test("a request on which nothing comes is given up, and the peer learns it")
    func noProgress() throws {
        var pair = Pair()
        let stream = try pair.dialler.open(.bulk)
        _ = try pair.dialler.send([1], on: stream)
        pair.dialler.machine.finish(stream, now: .start)
        pair.settle()
        Self.live(&pair, from: .zero, to: .seconds(14))
        #expect(pair.dialler.resets.isEmpty)
        Self.live(&pair, from: .seconds(14), to: .seconds(16))
        #expect(pair.dialler.resets[stream]?.code == .noProgress)
        #expect(pair.listener.resets[stream]?.code == .noProgress)
        #expect(pair.dialler.closed == nil)
        #expect(pair.dialler.machine.openStreams == 0)
    }

    @Test("a trickle of answers, and an answer that nobody here takes, are no reason to give up")
    func progress() throws {
        var pair = Pair()
        pair.dialler.takesAtOnce = false
        let slow = try pair.dialler.open(.bulk)
        let untaken = try pair.dialler.open(.metadata)
        for stream in [slow, untaken] { _ = try pair.dialler.send([1], on: stream) }
        pair.settle()
        _ = try pair.listener.send([1], on: untaken)
        for step in 0..<10 {
            let now = STOQTime.start + .seconds(step * 10)
            _ = try pair.listener.send([UInt8(step)], on: slow, now: now)
            pair.settle(now: now)
            pair.dialler.messages[slow]?.forEach { pair.dialler.machine.consumed(slow, cost: $0.cost, now: now) }
            pair.dialler.messages[slow] = []
            Self.live(&pair, from: .seconds(step * 10), to: .seconds(step * 10 + 10))
        }
        #expect(pair.dialler.resets.isEmpty)
    }

    @Test("a command may take as long as it takes, unless it has a deadline")
    func deadlines() throws {
        var pair = Pair()
        let patient = try pair.dialler.open(.control)
        let hasty = try pair.dialler.open(.control, deadline: .seconds(2))
        for stream in [patient, hasty] { _ = try pair.dialler.send([1], on: stream) }
        pair.settle()
        Self.live(&pair, from: .zero, to: .seconds(3))
        #expect(pair.dialler.resets[hasty]?.code == .deadline)
        Self.live(&pair, from: .seconds(3), to: .seconds(300))
        #expect(pair.dialler.resets[patient] == nil)
    }

    @Test("a stream that is opened and then left without a request is reset by the other side")
    func slowRequest() throws {
        var pair = Pair()
        let stream = try pair.dialler.open(.control)
        pair.settle()
        Self.live(&pair, from: .zero, to: .seconds(11))
        #expect(pair.dialler.resets[stream]?.code == .deadline)
    }

    @Test("an answer for which no credit comes is given up in the end")
    func noCredit() throws {
        var pair = Pair()
        pair.dialler.takesAtOnce = false
        let stream = try pair.dialler.open(.bulk)
        _ = try pair.dialler.send([1], on: stream)
        pair.settle()
        let body = Array(repeating: UInt8(0), count: 1 << 20)
        for _ in 0..<8 { _ = try pair.listener.send(body, on: stream) }
        pair.settle()
        Self.live(&pair, from: .zero, to: .seconds(119))
        #expect(pair.listener.resets.isEmpty)
        Self.live(&pair, from: .seconds(119), to: .seconds(122))
        #expect(pair.listener.resets[stream]?.code == .noProgress)
        #expect(pair.dialler.resets[stream]?.code == .noProgress)
    }
}
