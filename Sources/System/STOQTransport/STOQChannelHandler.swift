import NIOCore
import STOQ

/// Drives the machine of one connection: parses what comes, keeps payload in slabs, sends what the machine says.
///
/// Everything runs on the channel's event loop. A payload byte is copied once, into the slab of its message; no
/// ByteBuffer is kept, so that NIOSSL can use its own again.
final class STOQChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let tickInterval = TimeAmount.seconds(1)
    /// Messages of a stream that may wait to be sent before its sender waits.
    private static let sendAhead = 1

    private let settings: STOQSettings
    private let greeting: STOQGreeting
    private let events: any STOQConnectionEvents
    private let progressLimit: Duration
    private var machine: STOQConnectionMachine
    private var reader = STOQFrameReader()
    private var streams: [UInt32: WeakStream] = [:]
    /// The slab that the message of a stream is collected in, and how full it is.
    private var slabs: [UInt32: (slab: Slab, count: Int)] = [:]
    private var context: ChannelHandlerContext?
    private var ticker: RepeatedTask?
    private var isWriting = false
    /// What streams call; nil before the start and after the end.
    private(set) var wire: STOQWire?
    private(set) var failure: STOQError?
    private let began = NIODeadline.now()

    private struct WeakStream {
        weak var stream: STOQStream?
    }

    init(isDialler: Bool, settings: STOQSettings, greeting: STOQGreeting, events: any STOQConnectionEvents) {
        self.settings = settings
        self.greeting = greeting
        self.events = events
        self.progressLimit = settings.progressTimeout
        machine = STOQConnectionMachine(
            isDialler: isDialler, limits: settings.limits, keepAlive: settings.keepAlive, now: .zero)
    }

    private var now: Duration { .nanoseconds((NIODeadline.now() - began).nanoseconds) }

    // MARK: Life of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// TLS is up: say hello, look at the clock from now on.
    func begin() {
        guard let context else { return }
        wire = STOQWire(self, loop: context.eventLoop)
        run([machine.hello(greeting)])
        context.flush()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.tickInterval, delay: Self.tickInterval) { _ in
            bound.value.tick()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(failure ?? .closed("the peer closed it"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if failure == nil { failure = machine.isReady ? .closed("\(error)") : .handshake("\(error)") }
        context.close(promise: nil)
    }

    private func end(_ failure: STOQError) {
        wire?.end()
        wire = nil
        ticker?.cancel()
        ticker = nil
        for number in streams.keys.sorted() { streams[number]?.stream?.fail(failure) }
        streams = [:]
        for (slab, _) in slabs.values { slab.giveBack() }
        slabs = [:]
        events.closed(failure)
    }

    private func tick() {
        run(machine.tick(now: now))
        flush()
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        read(unwrapInboundIn(data))
    }

    /// Takes bytes that came in.
    func read(_ buffer: ByteBuffer) {
        events.received(buffer.readableBytes)
        do {
            try buffer.withUnsafeReadableBytes { bytes in
                try reader.read(bytes) { piece throws(STOQViolation) in try take(piece) }
            }
        } catch {
            violate(error as? STOQViolation ?? .malformedFrame("\(error)"))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        flush()
        context.fireChannelWritabilityChanged()
    }

    private func take(_ piece: STOQFrameReader.Piece) throws(STOQViolation) {
        switch piece {
        case .control(let header, let payload):
            run(try machine.receive(header, payload, now: now))
        case .dataBegins(let header):
            if case .append(let number) = try machine.beginData(header, now: now) {
                prepare(number, header)
                currentStream = number
            } else {
                currentStream = nil
            }
        case .dataBytes(let bytes):
            guard let number = currentStream, let (slab, count) = slabs[number], let base = bytes.baseAddress else { return }
            precondition(count + bytes.count <= slab.capacity, "the machine lets no message grow above its limit")
            (slab.memory + count).copyMemory(from: base, byteCount: bytes.count)
            slabs[number] = (slab, count + bytes.count)
        case .dataEnds:
            let (end, actions) = try machine.endData()
            if case .message(let number, let isCompressed, let endsStream) = end {
                deliver(number, isCompressed: isCompressed, isLast: endsStream)
            }
            run(actions)
        }
    }

    private var currentStream: UInt32?

    /// Makes sure that there is memory for a frame of a stream's message: exactly as much as it needs when the message
    /// is one frame, else a whole slab.
    private func prepare(_ number: UInt32, _ header: STOQFrameHeader) {
        guard slabs[number] == nil, header.length > 0 || header.flags & STOQFrameHeader.Flags.endOfMessage != 0 else { return }
        let isWhole = header.flags & STOQFrameHeader.Flags.endOfMessage != 0
        slabs[number] = (isWhole ? .small(header.length) : SlabPool.shared.take(), 0)
    }

    private func deliver(_ number: UInt32, isCompressed: Bool, isLast: Bool) {
        guard let (slab, count) = slabs.removeValue(forKey: number) else { return }
        let message = STOQMessage(slab: slab, byteCount: count)
        if let pending = pendingRequests.removeValue(forKey: number) {
            return begin(number, kind: pending, message, isCompressed: isCompressed, isLast: isLast)
        }
        guard let stream = streams[number]?.stream else { return }
        stream.deliver(STOQStream.Incoming(message: message, isCompressed: isCompressed), isLast: isLast)
    }

    /// Streams that the peer began and whose request has not come yet.
    private var pendingRequests: [UInt32: StreamKind] = [:]

    private func begin(_ number: UInt32, kind: StreamKind, _ message: STOQMessage, isCompressed: Bool, isLast: Bool) {
        taken(number, bytes: message.byteCount)
        do {
            let bytes =
                isCompressed ? try message.withUnsafeBytes { try STOQCompression.decompress($0) } : message.bytes
            let request = try STOQRequest(decoding: bytes)
            guard let wire else { return }
            let stream = STOQStream(number: number, wire: wire)
            if isLast { stream.end() }
            streams[number] = WeakStream(stream: stream)
            events.requested(request, kind, stream)
        } catch {
            reset(number, .malformed, "\(error)")
        }
    }

    // MARK: Calls of streams

    func open(_ request: [UInt8], kind: StreamKind) -> Result<STOQStream, any Error> {
        guard let wire, failure == nil else { return .failure(failure ?? STOQError.closed("it is over")) }
        guard machine.ownStreams < settings.limits.streams else {
            return .failure(STOQError.reset(.busy, "\(settings.limits.streams) requests are under way to this peer"))
        }
        let (number, action) = machine.open(kind, progressLimit: progressLimit, now: now)
        let stream = STOQStream(number: number, wire: wire)
        streams[number] = WeakStream(stream: stream)
        run([action])
        send(request, isCompressed: false, on: number)
        return .success(stream)
    }

    func send(_ message: [UInt8], isCompressed: Bool, on number: UInt32) {
        guard message.count <= STOQLimits.messageByteCount else {
            streams[number]?.stream?.fail(.reset(.tooLarge, "a message of \(message.count) bytes"))
            return
        }
        guard machine.send(message, isCompressed: isCompressed, on: number) else {
            streams[number]?.stream?.fail(failure ?? .closed("the stream is over"))
            return
        }
        flush()
        wake(number)
    }

    func finish(_ number: UInt32) {
        machine.finish(number)
        flush()
    }

    func taken(_ number: UInt32, bytes: Int) {
        run(machine.taken(number, bytes: bytes))
        context?.flush()
    }

    func reset(_ number: UInt32, _ code: STOQErrorCode, _ reason: String) {
        if let action = machine.reset(number, code, reason) { run([action]) }
        drop(number)
        context?.flush()
    }

    func forget(_ number: UInt32) {
        streams[number] = nil
        if let action = machine.abandon(number) { run([action]) }
        slabs.removeValue(forKey: number)?.slab.giveBack()
        flush()
    }

    func close(_ code: STOQErrorCode, _ reason: String) {
        guard let context else { return }
        if failure == nil { failure = .closed(reason) }
        run([machine.goodbye(code, reason)])
        context.flush()
        context.close(promise: nil)
    }

    private func drop(_ number: UInt32) {
        streams[number] = nil
        pendingRequests[number] = nil
        slabs.removeValue(forKey: number)?.slab.giveBack()
    }

    // MARK: Sending

    /// Carries out what the machine says.
    private func run(_ actions: [STOQConnectionMachine.Action]) {
        for action in actions {
            switch action {
            case .frame(let header, let payload): write(header, payload, 0..<payload.count)
            case .ready(let greeting): events.ready(greeting)
            case .opened(let number, let kind): pendingRequests[number] = kind
            case .ended(let number):
                if pendingRequests[number] != nil {
                    reset(number, .malformed, "a stream without a request")
                } else {
                    streams[number]?.stream?.end()
                }
            case .reset(let number, let code, let reason):
                streams[number]?.stream?.fail(.reset(code, reason))
                drop(number)
            case .stalled(let number):
                streams[number]?.stream?.fail(.stalled)
                drop(number)
            case .goodbye(let code, let reason):
                if failure == nil { failure = .closed(reason.isEmpty ? "\(code)" : "\(reason) (\(code))") }
            case .silent:
                if failure == nil { failure = .closed("the peer is silent") }
                context?.close(promise: nil)
            }
        }
    }

    /// Sends what may be sent, while the channel takes more.
    private func flush() {
        guard let context, !isWriting else { return }
        isWriting = true
        while context.channel.isWritable, let frame = machine.nextFrame() {
            write(frame.header, frame.message, frame.range)
            context.flush()
            if frame.endsMessage { wake(frame.header.stream) }
        }
        isWriting = false
        context.flush()
    }

    private func wake(_ number: UInt32) {
        if machine.queuedMessages(number) <= Self.sendAhead { streams[number]?.stream?.drained() }
    }

    private func write(_ header: STOQFrameHeader, _ payload: [UInt8], _ range: Range<Int>) {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: STOQFrameHeader.byteCount + range.count)
        buffer.writeBytes(header.bytes)
        payload.withUnsafeBytes { _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: $0[range])) }
        events.sent(buffer.readableBytes)
        context.write(wrapOutboundOut(buffer), promise: nil)
    }

    private func violate(_ violation: STOQViolation) {
        guard failure == nil else { return }
        failure = .closed("the peer broke the protocol: \(violation)")
        events.violated(violation)
        run([machine.goodbye(violation.code, "\(violation)")])
        context?.flush()
        context?.close(promise: nil)
    }
}

/// What a connection tells its endpoint; called on the event loop.
protocol STOQConnectionEvents: AnyObject {
    func ready(_ greeting: STOQGreeting)
    func requested(_ request: STOQRequest, _ kind: StreamKind, _ stream: STOQStream)
    func violated(_ violation: STOQViolation)
    func closed(_ failure: STOQError)
    func received(_ bytes: Int)
    func sent(_ bytes: Int)
}
