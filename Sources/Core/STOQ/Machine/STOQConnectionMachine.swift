/// One end of a connection, as a machine without sockets, clocks and tasks: bytes, wishes and the time go in, actions
/// and frames come out. docs/formats/stoq.md is its specification.
///
/// The shell's duties:
/// 1. Tell the time with every call; it never goes back.
/// 2. Run the actions of every call, in order.
/// 3. After every call, take frames while it can write, then ask for ``nextTimer(now:)``.
/// 4. After ``STOQAction/close(_:)``, write what frames there are, close the connection, and call nothing more.
///
/// Bytes of messages are copied once, from what was received into the memory of the message.
package struct STOQConnectionMachine: Sendable {
    /// Which side this is.
    package enum Side: Hashable, Sendable {
        /// The side that made the connection; its streams are odd.
        case dialler
        /// The side that took it; its streams are even.
        case listener
    }

    /// The course of a connection: each phase only follows the one before, except that `closed` follows any.
    enum Phase: Hashable, Sendable {
        /// The peer's HELLO is still to come.
        case hello
        /// The peer's first GREETING is still to come.
        case greeting
        /// Streams come and go.
        case open
        /// Over.
        case closed
    }

    /// The place of the next byte within the frames that arrive.
    enum Position: Sendable {
        case header
        case payload(STOQFrameHeader)
        case lengths(STOQFrameHeader)
        case body(STOQFrameHeader, left: Int)
        case skip(left: Int)
    }

    /// Replies that may wait for the peer to read; a well-meaning peer never causes more.
    static let pongLimit = 4
    static let frameQueueLimit = 1_024

    let side: Side
    let limits: STOQLimits
    let pool: STOQSlabPool?
    var phase = Phase.hello
    var actions: [STOQAction] = []

    // Receiving

    var position = Position.header
    var collected: [UInt8] = []
    var lastPeerStream: STOQStreamID = 0
    /// The peer's first greeting while our own is still to come.
    var heldGreeting: STOQGreeting?
    var peerStreams = 0

    // Sending

    var peer = STOQLimits()
    var nextStream: STOQStreamID
    var ourStreams = 0
    var hasGreeted = false
    /// Our greeting while the peer's HELLO, and so the version, is still to come.
    var ownGreeting: STOQGreeting?
    var frames: [STOQFrame] = []
    var nextFrame = 0
    var isClosing = false
    var isPeerClosing = false

    // Streams

    var streams: [STOQStreamID: StreamRecord] = [:]
    var kinds: [KindRecord]
    /// Streams with credit to return, each once.
    var creditStreams = StreamRing()

    // Time

    var lastByte: STOQTime
    var pingSentAt: STOQTime?
    var pongsQueued = 0
    /// The shortest time that a ping took to come back.
    package private(set) var roundTrip: Duration?

    /// A machine for a new connection; its HELLO is ready to be taken. Limits that cannot work are a programmer's
    /// error.
    package init(side: Side, limits: STOQLimits = STOQLimits(), pool: STOQSlabPool? = nil, now: STOQTime) {
        precondition(limits.isValid, "limits out of range: \(limits)")
        self.side = side
        self.limits = limits
        self.pool = pool
        nextStream = side == .dialler ? 1 : 2
        kinds = StreamKind.allCases.map {
            KindRecord(sendCredit: 0, sendWindow: 0, receiveCredit: limits.windows[$0], lastReceived: now)
        }
        lastByte = now
        frames.append(STOQFrame(.hello, payload: STOQHello(limits).encode()))
    }

    /// Whether streams can be opened: both sides have greeted and none goes away.
    package var isOpen: Bool { phase == .open && hasGreeted && !isClosing && !isPeerClosing }

    /// Streams that are not over, those of both sides.
    package var openStreams: Int { streams.count }

    /// Sends a greeting: the first makes this side ready, later ones tell of new heads.
    package mutating func greet(_ greeting: STOQGreeting, now: STOQTime) -> [STOQAction] {
        guard phase != .closed else { return [] }
        guard phase != .hello else {
            ownGreeting = greeting
            return []
        }
        sendGreeting(greeting)
        if phase == .open, let greeting = heldGreeting { becomeReady(greeting, now: now) }
        return takeActions()
    }

    /// Opens a stream. Nil if the peer allows no more at once, or if the connection is not open: wait for
    /// ``STOQAction/slotFree``. With a `deadline` the stream is reset when it is not over by then.
    package mutating func open(_ kind: StreamKind, deadline: Duration? = nil, now: STOQTime) -> STOQStreamID? {
        guard isOpen, ourStreams < peer.streams, nextStream <= .max - 2 else { return nil }
        let stream = nextStream
        nextStream += 2
        ourStreams += 1
        streams[stream] = StreamRecord(
            kind: kind, isOurs: true, receiveCredit: limits.streamWindow, sendCredit: peer.streamWindow, openedAt: now,
            deadline: deadline.map { now.advanced(by: $0) })
        enqueue(STOQFrame(.open, stream: stream, payload: [kind.rawValue]))
        return stream
    }

    /// Queues a message. False if the stream is over for this side; then the message is dropped. Queue one at a time
    /// and wait for ``STOQAction/sent(_:)``, or memory grows.
    package mutating func send(_ message: OutgoingMessage, on stream: STOQStreamID, now: STOQTime) -> Bool {
        guard var record = streams[stream], !record.finishWanted, !record.isDraining else { return false }
        if !record.wantsToSend { record.lastSent = now }
        record.queue.append(message)
        schedule(stream, &record)
        streams[stream] = record
        return true
    }

    /// Says the last word on a stream, after what is queued. Again, or on a stream that is over, it does nothing.
    package mutating func finish(_ stream: STOQStreamID, now: STOQTime) {
        guard var record = streams[stream], !record.finishWanted, !record.isDraining else { return }
        if !record.wantsToSend { record.lastSent = now }
        record.finishWanted = true
        schedule(stream, &record)
        streams[stream] = record
    }

    /// Ends a stream in both directions; no action tells of it but ``STOQAction/slotFree``. `reason` is cut at
    /// ``STOQLimits/reasonBytes``.
    package mutating func reset(_ stream: STOQStreamID, _ code: STOQErrorCode, _ reason: String) -> [STOQAction] {
        abandon(stream, code, reason)
        return takeActions()
    }

    /// Says that somebody took messages of `stream` that cost `cost` together. The stream may be over by now.
    package mutating func consumed(_ stream: STOQStreamID, cost: Int, now: STOQTime) {
        guard var record = streams[stream], !record.isDraining else { return }
        let taken = min(cost, record.heldCost)
        record.heldCost -= taken
        record.lastReceived = now
        giveKindCredit(record.kind, taken)
        if !record.isRemoteFinished { record.creditDue += taken }
        if !record.isCreditQueued, Self.isWorthReturning(record.creditDue, window: limits.streamWindow) {
            record.isCreditQueued = true
            creditStreams.append(stream)
        }
        streams[stream] = record
    }

    /// Announces that this side takes and opens no new streams, and closes the connection when the open ones are over.
    package mutating func goAway(_ code: STOQErrorCode, _ reason: String) -> [STOQAction] {
        guard phase != .closed, !isClosing else { return [] }
        isClosing = true
        enqueue(Self.goAwayFrame(code, reason))
        closeIfDone()
        return takeActions()
    }

    /// Ends the connection at once: a GOAWAY frame, then ``STOQAction/close(_:)``.
    package mutating func close(_ code: STOQErrorCode, _ reason: String) -> [STOQAction] {
        end(STOQError(code, reason))
        return takeActions()
    }

    // MARK: - Within the machine

    mutating func sendGreeting(_ greeting: STOQGreeting) {
        enqueue(STOQFrame(.greeting, payload: greeting.encode()))
        hasGreeted = true
    }

    mutating func takeActions() -> [STOQAction] {
        guard !actions.isEmpty else { return [] }
        defer { actions = [] }
        return actions
    }

    mutating func becomeReady(_ greeting: STOQGreeting, now: STOQTime) {
        heldGreeting = nil
        // The first ping measures the path.
        lastByte = now
        sendPing(now: now)
        actions.append(.ready(greeting))
    }

    mutating func enqueue(_ frame: STOQFrame) {
        guard frames.count - nextFrame < Self.frameQueueLimit else {
            end(STOQError(.violation, "\(STOQViolation.flood(type: frame.header.type))"))
            return
        }
        frames.append(frame)
    }

    /// Ends the connection, once.
    mutating func end(_ error: STOQError) {
        guard phase != .closed else { return }
        phase = .closed
        streams = [:]
        // What was queued for streams is not sent; frames that end streams, and the reason, are.
        if !isClosing || error.code != .done {
            frames.append(Self.goAwayFrame(error.code, error.origin == .peer ? "" : error.reason))
        }
        actions.append(.close(error))
    }

    mutating func note(roundTrip sample: Duration) {
        roundTrip = min(roundTrip ?? sample, sample)
    }

    static func goAwayFrame(_ code: STOQErrorCode, _ reason: String) -> STOQFrame {
        STOQFrame(.goAway, payload: payload(code, reason))
    }

    static func payload(_ code: STOQErrorCode, _ reason: String) -> [UInt8] {
        let wire = code.isOnWire ? code.rawValue : STOQErrorCode.internal.rawValue
        let text = reason.utf8.prefix(STOQLimits.reasonBytes)
        return [UInt8(truncatingIfNeeded: wire), UInt8(truncatingIfNeeded: wire >> 8)] + text
    }
}
