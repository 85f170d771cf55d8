import Content
import Hashing
import STOQ

/// A machine under test, with a note of all that it wants done.
struct End {
    var machine: STOQConnectionMachine
    var opened: [(STOQStreamID, StreamKind)] = []
    var messages: [STOQStreamID: [STOQMessage]] = [:]
    var order: [STOQStreamID] = []
    var finished: Set<STOQStreamID> = []
    var closedStreams: Set<STOQStreamID> = []
    var resets: [STOQStreamID: STOQError] = [:]
    var closed: STOQError?
    var goingAway: STOQError?
    var isReady = false
    var slotsFreed = 0
    var greetings: [STOQGreeting] = []
    /// Whether messages count as taken as soon as they arrive.
    var takesAtOnce = true

    init(_ side: STOQConnectionMachine.Side, limits: STOQLimits = STOQLimits(), now: STOQTime = .start) {
        machine = STOQConnectionMachine(side: side, limits: limits, now: now)
    }

    mutating func run(_ actions: [STOQAction], now: STOQTime) {
        for action in actions {
            switch action {
            case .ready(let greeting):
                isReady = true
                greetings.append(greeting)
            case .greeted(let greeting): greetings.append(greeting)
            case .opened(let stream, let kind): opened.append((stream, kind))
            case .message(let stream, let message):
                messages[stream, default: []].append(message)
                order.append(stream)
                if takesAtOnce { machine.consumed(stream, cost: message.cost, now: now) }
            case .finished(let stream): finished.insert(stream)
            case .sent: break
            case .reset(let stream, let error): resets[stream] = error
            case .closed(let stream): closedStreams.insert(stream)
            case .slotFree: slotsFreed += 1
            case .goingAway(let error): goingAway = error
            case .close(let error): closed = error
            }
        }
    }

    mutating func receive(_ bytes: [UInt8], now: STOQTime = .start) {
        let actions = bytes.withUnsafeBytes { machine.receive($0, now: now) }
        run(actions, now: now)
    }

    mutating func frames(now: STOQTime = .start, limit: Int = .max) -> [STOQFrame] {
        var frames: [STOQFrame] = []
        while frames.count < limit, let frame = machine.takeFrame(now: now) {
            frames.append(frame)
        }
        run(machine.takeEvents(), now: now)
        return frames
    }

    mutating func bytes(now: STOQTime = .start) -> [UInt8] {
        frames(now: now).flatMap(\.bytes)
    }

    struct NotOpened: Error {}

    mutating func open(
        _ kind: StreamKind, deadline: Duration? = nil, now: STOQTime = .start
    ) throws -> STOQStreamID {
        guard let stream = machine.open(kind, deadline: deadline, now: now) else { throw NotOpened() }
        return stream
    }

    mutating func tick(_ now: STOQTime) {
        run(machine.tick(now: now), now: now)
    }

    mutating func send(_ bytes: [UInt8], on stream: STOQStreamID, now: STOQTime = .start) throws -> Bool {
        machine.send(try OutgoingMessage(bytes, compression: .never), on: stream, now: now)
    }
}

extension STOQTime {
    static let start = STOQTime(nanoseconds: 1_000_000_000_000)

    static func + (time: STOQTime, duration: Duration) -> STOQTime { time.advanced(by: duration) }
}

/// Two ends that have greeted.
struct Pair {
    var dialler: End
    var listener: End

    init(limits: STOQLimits = STOQLimits()) {
        dialler = End(.dialler, limits: limits)
        listener = End(.listener, limits: limits)
        dialler.run(dialler.machine.greet(STOQGreeting(fleet: "lab", name: "m1"), now: .start), now: .start)
        listener.run(listener.machine.greet(STOQGreeting(fleet: "lab", name: "origin"), now: .start), now: .start)
        settle()
    }

    /// Carries all frames both ways until none is left.
    mutating func settle(now: STOQTime = .start) {
        while true {
            let there = dialler.bytes(now: now)
            listener.receive(there, now: now)
            let back = listener.bytes(now: now)
            dialler.receive(back, now: now)
            if there.isEmpty, back.isEmpty { return }
        }
    }
}

/// Frames by hand, to say what no machine says.
enum Raw {
    static func frame(
        _ type: UInt8, flags: UInt8 = 0, reserved: UInt16 = 0, stream: UInt32 = 0, length: UInt32? = nil,
        _ payload: [UInt8] = []
    ) -> [UInt8] {
        [type, flags] + little(UInt32(reserved), 2) + little(stream, 4)
            + little(length ?? UInt32(payload.count), 4) + payload
    }

    static func open(_ stream: UInt32, _ kind: UInt8 = 3) -> [UInt8] { frame(3, stream: stream, [kind]) }

    static func begin(
        _ stream: UInt32, wire: UInt32, plain: UInt32? = nil, flags: UInt8 = 1, _ body: [UInt8] = []
    ) -> [UInt8] {
        frame(4, flags: flags, stream: stream, little(wire, 4) + little(plain ?? wire, 4) + body)
    }

    static func credit(_ stream: UInt32, kind: UInt8 = 0, _ credit: UInt32) -> [UInt8] {
        frame(5, stream: stream, [kind] + little(credit, 4))
    }

    static func reset(_ stream: UInt32) -> [UInt8] { frame(6, stream: stream, [10, 0]) }

    static func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
}

/// A digest like any other.
let zeroDigest = BLAKE3.hash([])
let zeroRelease = ReleaseDigest(zeroDigest)
