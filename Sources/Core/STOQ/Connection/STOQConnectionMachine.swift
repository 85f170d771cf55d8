import Content

/// One connection as a machine: frames and calls in, frames and events out; no sockets, clocks or tasks.
///
/// The shell's duties: 1. send every `Action.frame` in order; 2. hand what the reader cuts out to ``receive(_:_:)``,
/// ``beginData(_:)`` and ``endData()``; 3. say with ``taken(_:bytes:)`` when a message was consumed; 4. while the
/// socket takes more, ask ``nextFrame()``; 5. call ``tick(now:)`` about once a second.
///
/// A stream is legal in this life: opened (by us or the peer) -> open both ways -> half closed, by either side ->
/// closed; a reset closes it at once from any state. Numbers of streams only grow; those of the side that dialled are
/// odd.
package struct STOQConnectionMachine: Sendable {
    /// No credit is ever above this, so that sums cannot overflow.
    package static let creditCeiling: UInt64 = 1 << 40

    /// What the shell is to do.
    package enum Action: Sendable, Hashable {
        /// Send a frame now: it is small and urgent.
        case frame(STOQFrameHeader, [UInt8])
        /// The peer said hello.
        case ready(STOQGreeting)
        /// The peer began a stream.
        case opened(UInt32, StreamKind)
        /// The peer sends nothing more on a stream.
        case ended(UInt32)
        /// The peer gave a stream up.
        case reset(UInt32, STOQErrorCode, String)
        /// The peer is about to close.
        case goodbye(STOQErrorCode, String)
        /// A stream waited too long for the peer: it was reset.
        case stalled(UInt32)
        /// Nothing was heard from the peer for too long: close.
        case silent
    }

    /// What to do with the bytes of a data frame.
    package enum DataUse: Sendable, Hashable {
        /// They belong to the message that the peer sends on this stream.
        case append(UInt32)
        /// The stream is over on our side: drop them.
        case discard
    }

    /// What a data frame that is complete means.
    package enum DataEnd: Sendable, Hashable {
        case nothing
        /// The message on this stream is whole.
        case message(UInt32, isCompressed: Bool, endsStream: Bool)
    }

    struct Stream: Sendable {
        let kind: StreamKind
        var outgoing: [[UInt8]] = []
        var outgoingFlags: [UInt8] = []
        var sentOfFirst = 0
        var sendCredit: UInt64
        var receiveCredit: UInt64
        /// Bytes taken by the consumer that the peer was not told of yet.
        var unreported: UInt64 = 0
        var incomingBytes = 0
        var waitingMessages = 0
        var isEndQueued = false
        var isSendClosed = false
        var isReceiveClosed = false
        /// Nobody takes what comes: it goes away once what is queued was sent.
        var isAbandoned = false
        var progressLimit: Duration?
        var lastProgress: Duration
    }

    let limits: STOQLimits
    let keepAlive: Duration
    private let isDialler: Bool
    var streams: [UInt32: Stream] = [:]
    private var nextStream: UInt32
    private var lastPeerStream: UInt32 = 0
    private var peerStreams = 0
    package private(set) var isReady = false
    private var sentHello = false
    var peerStreamCredit: UInt64 = 0
    var sendCredit: UInt64 = 0
    private var receiveCredit: UInt64
    private var unreported: UInt64 = 0
    private var current: (header: STOQFrameHeader, use: DataUse)?
    /// Streams with something to send, by urgency, each in turn.
    var turns: [[UInt32]] = [[], [], [], []]
    private var lastHeard: Duration
    private var lastPing: Duration

    /// A connection that begins at `now` (of a clock that never goes back).
    package init(isDialler: Bool, limits: STOQLimits = STOQLimits(), keepAlive: Duration = .seconds(15), now: Duration) {
        self.isDialler = isDialler
        self.limits = limits
        self.keepAlive = keepAlive
        nextStream = isDialler ? 1 : 2
        receiveCredit = UInt64(limits.connectionCredit)
        lastHeard = now
        lastPing = now
    }

    /// The hello, to be sent before anything else.
    package mutating func hello(_ greeting: STOQGreeting) -> Action {
        precondition(!sentHello, "a second hello")
        sentHello = true
        return Self.control(
            STOQFrameHeader.FrameType.hello, 0, STOQHello(greeting, limits: limits).encode())
    }

    static func control(_ type: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> Action {
        .frame(STOQFrameHeader(type: type, stream: stream, length: payload.count), payload)
    }

    // MARK: Receiving

    /// Takes a whole frame other than data.
    package mutating func receive(_ header: STOQFrameHeader, _ payload: [UInt8], now: Duration) throws(STOQViolation) -> [Action] {
        lastHeard = now
        guard isReady else {
            guard header.type == STOQFrameHeader.FrameType.hello, header.stream == 0, header.flags == 0 else {
                throw .helloExpected
            }
            let hello = try STOQHello(decoding: payload)
            isReady = true
            peerStreamCredit = hello.streamCredit
            sendCredit = hello.connectionCredit
            for number in streams.keys { streams[number]?.sendCredit = hello.streamCredit }
            return [.ready(hello.greeting)]
        }
        var reader = ByteReader(payload)
        do {
            switch header.type {
            case STOQFrameHeader.FrameType.hello: throw STOQViolation.secondHello
            case STOQFrameHeader.FrameType.open: return try receiveOpen(header, &reader, now: now)
            case STOQFrameHeader.FrameType.credit: return try receiveCredit(header, &reader)
            case STOQFrameHeader.FrameType.reset: return try receiveReset(header, &reader)
            case STOQFrameHeader.FrameType.ping:
                guard payload.count == 8 else { throw STOQViolation.malformedFrame("a ping of \(payload.count) bytes") }
                return [Self.control(STOQFrameHeader.FrameType.pong, 0, payload)]
            case STOQFrameHeader.FrameType.pong: return []
            case STOQFrameHeader.FrameType.goodbye:
                let (code, reason) = try Self.reason(&reader)
                return [.goodbye(code, reason)]
            case STOQFrameHeader.FrameType.firstOptional...: return []
            default: throw STOQViolation.unknownFrame(header.type)
            }
        } catch let violation as STOQViolation {
            throw violation
        } catch {
            throw .malformedFrame("\(error)")
        }
    }

    private mutating func receiveOpen(
        _ header: STOQFrameHeader, _ reader: inout ByteReader, now: Duration
    ) throws -> [Action] {
        guard header.stream % 2 == (isDialler ? 0 : 1), header.stream > lastPeerStream else {
            throw STOQViolation.streamNumber(header.stream)
        }
        guard let kind = StreamKind(rawValue: try reader.u8()) else {
            throw STOQViolation.malformedFrame("an unknown kind of stream")
        }
        try reader.expectEnd()
        guard peerStreams < limits.streams else { throw STOQViolation.tooManyStreams(limits.streams) }
        peerStreams += 1
        lastPeerStream = header.stream
        streams[header.stream] = newStream(kind, now: now)
        return [.opened(header.stream, kind)]
    }

    private mutating func receiveCredit(_ header: STOQFrameHeader, _ reader: inout ByteReader) throws -> [Action] {
        let added = UInt64(try reader.u32())
        try reader.expectEnd()
        if header.stream == 0 {
            sendCredit += added
            guard sendCredit <= Self.creditCeiling else { throw STOQViolation.creditOverflow(stream: 0) }
        } else if var stream = streams[header.stream] {
            stream.sendCredit += added
            guard stream.sendCredit <= Self.creditCeiling else {
                throw STOQViolation.creditOverflow(stream: header.stream)
            }
            streams[header.stream] = stream
        } else if !wasOpened(header.stream) {
            throw STOQViolation.streamNumber(header.stream)
        }
        return []
    }

    private mutating func receiveReset(_ header: STOQFrameHeader, _ reader: inout ByteReader) throws -> [Action] {
        let (code, reason) = try Self.reason(&reader)
        guard streams[header.stream] != nil else {
            guard wasOpened(header.stream) else { throw STOQViolation.streamNumber(header.stream) }
            return []
        }
        close(header.stream)
        return [.reset(header.stream, code, reason)]
    }

    /// Takes the header of a data frame: what its bytes are for.
    package mutating func beginData(_ header: STOQFrameHeader, now: Duration) throws(STOQViolation) -> DataUse {
        lastHeard = now
        guard isReady else { throw .helloExpected }
        guard header.flags & ~STOQFrameHeader.Flags.all == 0 else { throw .malformedFrame("unknown flags") }
        let count = UInt64(header.length)
        guard count <= receiveCredit else { throw .creditExceeded(stream: 0) }
        receiveCredit -= count
        guard var stream = streams[header.stream] else {
            guard wasOpened(header.stream) else { throw .streamNumber(header.stream) }
            current = (header, .discard)
            return .discard
        }
        guard !stream.isAbandoned else {
            current = (header, .discard)
            return .discard
        }
        guard !stream.isReceiveClosed else { throw .streamNumber(header.stream) }
        guard count <= stream.receiveCredit else { throw .creditExceeded(stream: header.stream) }
        stream.receiveCredit -= count
        stream.incomingBytes += header.length
        guard stream.incomingBytes <= STOQLimits.messageByteCount else { throw .oversizedMessage(stream: header.stream) }
        stream.lastProgress = now
        streams[header.stream] = stream
        current = (header, .append(header.stream))
        return .append(header.stream)
    }

    /// Takes the end of the data frame that began.
    package mutating func endData() throws(STOQViolation) -> (end: DataEnd, actions: [Action]) {
        guard let (header, use) = current else { return (.nothing, []) }
        current = nil
        guard case .append(let number) = use, var stream = streams[number] else {
            // Nobody will take these bytes: the peer gets their credit back at once.
            return (.nothing, giveCredit(to: 0, UInt64(header.length)))
        }
        let isWhole = header.flags & STOQFrameHeader.Flags.endOfMessage != 0
        let endsStream = header.flags & STOQFrameHeader.Flags.endOfStream != 0
        guard isWhole || (!endsStream && header.length > 0) else {
            guard stream.incomingBytes == 0, endsStream else {
                throw .malformedFrame("a stream that ends within a message, or an empty frame")
            }
            stream.isReceiveClosed = true
            streams[number] = stream
            closeIfDone(number)
            return (.nothing, [.ended(number)])
        }
        guard isWhole else { return (.nothing, []) }
        stream.incomingBytes = 0
        stream.waitingMessages += 1
        guard stream.waitingMessages <= limits.waitingMessages else { throw .tooManyMessages(stream: number) }
        stream.isReceiveClosed = stream.isReceiveClosed || endsStream
        streams[number] = stream
        let isCompressed = header.flags & STOQFrameHeader.Flags.compressed != 0
        if endsStream { closeIfDone(number) }
        return (.message(number, isCompressed: isCompressed, endsStream: endsStream), [])
    }

    /// The consumer took a message of `bytes` bytes, as they came over the wire: the peer may send as many more.
    package mutating func taken(_ number: UInt32, bytes: Int) -> [Action] {
        let actions = giveCredit(to: 0, UInt64(bytes))
        guard var stream = streams[number] else { return actions }
        stream.waitingMessages -= 1
        streams[number] = stream
        guard !stream.isReceiveClosed else { return actions }
        return actions + giveCredit(to: number, UInt64(bytes))
    }

    /// Collects credit and tells the peer once it is worth a frame: a quarter of what it may send at all.
    private mutating func giveCredit(to number: UInt32, _ bytes: UInt64) -> [Action] {
        let due: UInt64
        if number == 0 {
            unreported += bytes
            guard unreported >= UInt64(limits.connectionCredit / 4) else { return [] }
            due = unreported
            receiveCredit += due
            unreported = 0
        } else {
            guard var stream = streams[number] else { return [] }
            stream.unreported += bytes
            defer { streams[number] = stream }
            guard stream.unreported >= UInt64(limits.streamCredit / 4) else { return [] }
            due = stream.unreported
            stream.receiveCredit += due
            stream.unreported = 0
        }
        var writer = ByteWriter(capacity: 4)
        writer.u32(UInt32(clamping: due))
        return [Self.control(STOQFrameHeader.FrameType.credit, number, writer.bytes)]
    }

    // MARK: Streams

    /// Begins a stream. `progressLimit`: reset it when the peer owes us something and sends nothing for so long.
    package mutating func open(_ kind: StreamKind, progressLimit: Duration?, now: Duration) -> (UInt32, Action) {
        let number = nextStream
        nextStream += 2
        streams[number] = newStream(kind, now: now)
        streams[number]?.progressLimit = progressLimit
        return (number, Self.control(STOQFrameHeader.FrameType.open, number, [kind.rawValue]))
    }

    /// Streams that we began and that are open.
    package var ownStreams: Int { streams.count - peerStreams }

    private func newStream(_ kind: StreamKind, now: Duration) -> Stream {
        Stream(
            kind: kind, sendCredit: peerStreamCredit, receiveCredit: UInt64(limits.streamCredit), lastProgress: now)
    }

    /// Whether the number belongs to a stream that is over, and not to one that never was.
    private func wasOpened(_ number: UInt32) -> Bool {
        guard number > 0 else { return false }
        return number % 2 == nextStream % 2 ? number < nextStream : number <= lastPeerStream
    }

    /// Gives a stream up; nil if it is over already.
    package mutating func reset(_ number: UInt32, _ code: STOQErrorCode, _ reason: String) -> Action? {
        guard streams[number] != nil else { return nil }
        close(number)
        return Self.control(STOQFrameHeader.FrameType.reset, number, Self.encode(code, reason))
    }

    /// Nobody uses the stream any more. What is queued before its end still goes out; else it is given up.
    package mutating func abandon(_ number: UInt32) -> Action? {
        guard var stream = streams[number] else { return nil }
        if stream.isEndQueued, !stream.isSendClosed {
            stream.isAbandoned = true
            streams[number] = stream
            return nil
        }
        return reset(number, .cancelled, "")
    }

    /// Says that the connection is about to close.
    package func goodbye(_ code: STOQErrorCode, _ reason: String) -> Action {
        Self.control(STOQFrameHeader.FrameType.goodbye, 0, Self.encode(code, reason))
    }

    func isOurs(_ number: UInt32) -> Bool { number % 2 == nextStream % 2 }

    mutating func close(_ number: UInt32) {
        guard streams.removeValue(forKey: number) != nil else { return }
        if !isOurs(number) { peerStreams -= 1 }
    }

    mutating func closeIfDone(_ number: UInt32) {
        guard let stream = streams[number], stream.isSendClosed, stream.isReceiveClosed || stream.isAbandoned else {
            return
        }
        close(number)
    }

    private static func encode(_ code: STOQErrorCode, _ reason: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.u16(code.rawValue)
        writer.bytes(Array(reason.utf8.prefix(STOQLimits.reasonByteCount)))
        return writer.bytes
    }

    private static func reason(_ reader: inout ByteReader) throws -> (STOQErrorCode, String) {
        let code = STOQErrorCode(rawValue: try reader.u16()) ?? .unspecified
        let text = try reader.raw(min(reader.remaining, STOQLimits.reasonByteCount))
        return (code, TerminalText.escape(text))
    }

    // MARK: Time

    /// Looks at the clock: pings a silent peer, gives up one that stays silent, resets streams that do not move.
    package mutating func tick(now: Duration) -> [Action] {
        guard isReady else { return [] }
        if now - lastHeard > keepAlive * 3 { return [.silent] }
        var actions: [Action] = []
        if now - lastHeard > keepAlive, now - lastPing > keepAlive {
            lastPing = now
            var writer = ByteWriter(capacity: 8)
            writer.u64(UInt64(clamping: now.components.seconds))
            actions.append(Self.control(STOQFrameHeader.FrameType.ping, 0, writer.bytes))
        }
        for number in streams.keys.sorted() {
            guard let stream = streams[number], let limit = stream.progressLimit, now - stream.lastProgress > limit,
                stream.waitingMessages == 0, !stream.isReceiveClosed
            else { continue }
            if let reset = reset(number, .deadline, "nothing came for \(limit)") {
                actions += [reset, .stalled(number)]
            }
        }
        return actions
    }
}
