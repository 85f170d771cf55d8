import STOQ

/// One end of a connection whose peer sends whatever the input says.
///
/// The first byte of an input chooses how the rest arrives: which side this end is, whether the handshake was good,
/// how the bytes are cut, whether messages are taken and answered, how fast time goes.
struct FuzzedConnection {
    /// The bits of an input's first byte.
    struct Choice: OptionSet {
        let rawValue: UInt8

        /// This end made the connection.
        static let dials = Choice(rawValue: 1)
        /// The peer's HELLO and GREETING came before the input.
        static let isGreeted = Choice(rawValue: 2)
        /// The input comes byte by byte.
        static let isCut = Choice(rawValue: 4)
        /// Messages are taken, so that credit is returned.
        static let takes = Choice(rawValue: 8)
        /// Each message is answered, so that what the peer grants is used.
        static let answers = Choice(rawValue: 16)
        /// A second goes by with every piece.
        static let isSlow = Choice(rawValue: 32)
        /// This end has opened streams itself.
        static let asks = Choice(rawValue: 64)
    }

    private static let pieceBytes = 4_093
    /// Beyond this, byte by byte takes long and shows nothing new.
    private static let cutLimit = 2_048
    private static let streamLimit: STOQStreamID = 64

    private let choice: Choice
    private var machine: STOQConnectionMachine
    private var now = STOQTime(nanoseconds: 1_000_000_000)
    private var held = 0
    private var messages = 0
    private var isOver = false

    private init(_ choice: Choice) {
        self.choice = choice
        machine = STOQConnectionMachine(side: choice.contains(.dials) ? .dialler : .listener, now: now)
        _ = machine.greet(STOQGreeting(fleet: "lab", name: "m1"), now: now)
    }

    /// True if the connection was still alive at the end.
    static func run(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        guard let first = bytes.first else { return false }
        var end = FuzzedConnection(Choice(rawValue: first))
        if end.choice.contains(.isGreeted) { try end.receive(handshake(dials: !end.choice.contains(.dials))[...]) }
        if end.choice.contains(.asks) { end.ask() }
        let input = bytes.dropFirst()
        let piece = end.choice.contains(.isCut) && input.count <= cutLimit ? 1 : pieceBytes
        var from = input.startIndex
        while from < input.endIndex, !end.isOver {
            let to = min(from + piece, input.endIndex)
            try end.receive(input[from..<to])
            from = to
        }
        return !end.isOver
    }

    /// Gives the bytes after the first four, which are the plain length, as the one compressed message of a stream.
    /// True if they were decompressed.
    static func decompress(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        guard bytes.count >= 4 else { return false }
        let plain = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        var wire = frame(3, 0, stream: 1, [3])
        let head = lengths(bytes.count - 4, plain)
        let body = bytes.dropFirst(4)
        let partBytes = 128 << 10
        wire += frame(4, body.count <= partBytes ? 7 : 3, stream: 1, head + body.prefix(partBytes))
        var rest = body.dropFirst(partBytes)
        while !rest.isEmpty {
            wire += frame(4, rest.count <= partBytes ? 4 : 0, stream: 1, Array(rest.prefix(partBytes)))
            rest = rest.dropFirst(partBytes)
        }
        var end = FuzzedConnection([.isGreeted, .takes])
        try end.receive(handshake(dials: true)[...])
        try end.receive(wire[...])
        return end.messages > 0
    }

    /// What the other end sends before anything else.
    static func handshake(dials: Bool) -> [UInt8] {
        let now = STOQTime(nanoseconds: 0)
        var peer = STOQConnectionMachine(side: dials ? .dialler : .listener, now: now)
        var other = STOQConnectionMachine(side: dials ? .listener : .dialler, now: now)
        var sent: [UInt8] = []
        let hello = other.takeFrame(now: now)?.bytes ?? []
        _ = hello.withUnsafeBytes { peer.receive($0, now: now) }
        _ = peer.greet(STOQGreeting(fleet: "lab", name: "peer"), now: now)
        while let frame = peer.takeFrame(now: now) { sent += frame.bytes }
        return sent
    }

    private mutating func ask() {
        for kind in StreamKind.allCases {
            guard let stream = machine.open(kind, deadline: .seconds(5), now: now) else { continue }
            if let message = try? OutgoingMessage(Array("request".utf8), compression: .never) {
                _ = machine.send(message, on: stream, now: now)
            }
        }
    }

    private mutating func receive(_ bytes: ArraySlice<UInt8>) throws(FuzzFinding) {
        now = now.advanced(by: choice.contains(.isSlow) ? .seconds(1) : .milliseconds(1))
        let received = bytes.withUnsafeBytes { machine.receive($0, now: now) }
        try handle(received)
        if choice.contains(.isSlow), !isOver { try handle(machine.tick(now: now)) }
        try drain()
    }

    private mutating func drain() throws(FuzzFinding) {
        // Nothing of ours is longer than this, so it ends unless frames make frames.
        for _ in 0..<100_000 {
            guard machine.takeFrame(now: now) != nil else {
                guard !isOver else { return }
                let events = machine.takeEvents()
                if events.isEmpty { return }
                try handle(events)
                continue
            }
        }
        throw FuzzFinding("frames without end")
    }

    private mutating func handle(_ actions: [STOQAction]) throws(FuzzFinding) {
        for action in actions {
            guard !isOver else { throw FuzzFinding("actions after the end") }
            switch action {
            case .message(let stream, let message): try take(message, on: stream)
            case .close(let error):
                isOver = true
                _ = "\(error)".isEmpty
            case .reset(_, let error), .goingAway(let error): _ = "\(error)".isEmpty
            case .ready, .greeted, .opened, .finished, .sent, .closed, .slotFree: break
            }
        }
    }

    private mutating func take(_ message: STOQMessage, on stream: STOQStreamID) throws(FuzzFinding) {
        held += message.cost
        let promised = StreamKind.allCases.reduce(0) { $0 + STOQLimits().windows[$1] }
        guard held <= promised else { throw FuzzFinding("\(held) bytes are held, and \(promised) were promised") }
        var plain: STOQMessage?
        do throws(ZstdError) {
            plain = try message.decompressed(pool: nil)
            messages += 1
        } catch {
            _ = "\(error)".isEmpty
        }
        if let plain, STOQLimits.cost(plain.byteCount) != message.cost {
            throw FuzzFinding("a message of \(plain.byteCount) bytes has paid \(message.cost)")
        }
        if choice.contains(.takes) {
            held -= message.cost
            machine.consumed(stream, cost: message.cost, now: now)
        }
        if choice.contains(.answers), stream <= Self.streamLimit,
            let answer = try? OutgoingMessage(Array(repeating: 7, count: 5_000), compression: .whole)
        {
            _ = machine.send(answer, on: stream, now: now)
            machine.finish(stream, now: now)
        }
    }

    // MARK: - Frames

    static func frame(_ type: UInt8, _ flags: UInt8, stream: UInt32, _ payload: some Collection<UInt8>) -> [UInt8] {
        [type, flags, 0, 0] + number(stream) + number(UInt32(payload.count)) + payload
    }

    static func lengths(_ wire: Int, _ plain: Int) -> [UInt8] {
        number(UInt32(truncatingIfNeeded: wire)) + number(UInt32(truncatingIfNeeded: plain))
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
}
