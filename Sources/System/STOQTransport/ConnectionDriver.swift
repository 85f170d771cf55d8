import FleetCertificates
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import STOQ

/// Drives the machine of one connection on its event loop: bytes in, frames out, actions to tasks.
///
/// What is received is copied once, by the machine, and no buffer of NIO is kept, so that NIO and TLS reuse theirs.
/// Nothing here waits, and there is no task or hop for a frame, only for a message.
final class ConnectionDriver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// One stream as the driver sees it.
    struct StreamEntry {
        let kind: StreamKind
        let inbox: StreamInbox
        /// The set that it is about; empty: no single one, or nobody said.
        var set = ""
        /// Senders that wait for room, and messages that were queued and have not left.
        var senders: [Ticket<Void>] = []
        var queued = 0
        /// Whether the last word of this side is said or queued.
        var isFinished = false
        /// Whether nobody here takes messages any more.
        var isDropped = false
        /// The task that answers; nil while the request is still to come or waits for its turn, and for own streams.
        var task: Task<Void, Never>?
    }

    /// An own stream that the peer does not allow yet.
    struct OpenWish {
        let kind: StreamKind
        let deadline: Duration?
        let request: OutgoingRequest
        /// When to wait no longer.
        let until: STOQTime
        let ticket: Ticket<(STOQStreamID, StreamInbox)>
    }

    /// The first message of a stream, which goes out in the same turn of the event loop that opens it.
    struct OutgoingRequest: Sendable {
        let message: OutgoingMessage
        /// For its share of the bandwidth.
        let set: String?
        /// Nothing follows it.
        let isWhole: Bool
    }

    /// Frames shorter than this are written together.
    private static let batchBytes = 64 << 10
    /// The largest receive buffer, for connections that carry bulk; others stay small.
    private static let bulkBufferBytes = 512 << 10

    let core: EndpointCore
    let side: STOQConnectionMachine.Side
    let expectation: PeerExpectation?
    /// Kept only until it is fulfilled: its future holds the connection, which holds this driver.
    private var ready: EventLoopPromise<STOQConnection>?
    private let tap: KeyShareTap
    private let address: String

    var machine: STOQConnectionMachine?
    var connection: STOQConnection?
    var context: ChannelHandlerContext?
    var streams: [STOQStreamID: StreamEntry] = [:]
    var wishes: [OpenWish] = []
    var waiting: [StreamKind: [(STOQStreamID, STOQMessage)]] = [:]
    var served: [StreamKind: Int] = [:]
    /// Streams of the peer whose request came, so that what follows is for who answers.
    var requested: Set<STOQStreamID> = []
    /// The number of the last greeting that was sent; 0 before the first.
    var lastGreeting: UInt64 = 0
    var newestGreeting: STOQGreeting?
    var isGreeting = false
    var shaping: ConnectionShaping

    private var scratch = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var timerAt: STOQTime?
    private var handshakeTimer: Scheduled<Void>?
    private var isPumping = false
    private var isOver = false
    /// Whether the connection counts among those of its peer.
    private var isClaimed = false
    private var hasBulkBuffer = false
    private var isPathLong = false
    private var pace = PathPace()
    /// What the kernel was last told to hold of what is not under way.
    private var unsentBytes = Int(STOQEndpoint.unsentBytes)
    private var failure: STOQError?

    init(
        core: EndpointCore, side: STOQConnectionMachine.Side, expectation: PeerExpectation?, tap: KeyShareTap,
        address: String, ready: EventLoopPromise<STOQConnection>
    ) {
        self.core = core
        self.side = side
        self.expectation = expectation
        self.tap = tap
        self.address = address
        self.ready = ready
        shaping = ConnectionShaping(transfer: core.limiter.newTransfer())
    }

    var now: STOQTime { STOQTime(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let limit = TimeAmount(core.settings.handshakeTimeout)
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            self.giveUp(STOQError(.deadline, "no greeting within the time for it"))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finishAll(failure ?? STOQError(.disconnected, "the connection is gone"))
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            authenticate(context: context, negotiatedProtocol: negotiated)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        connection?.count(received: buffer.readableBytes)
        let now = now
        let actions = buffer.withUnsafeReadableBytes { machine?.receive($0, now: now) ?? [] }
        run(actions)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pump()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finishAll(failure ?? STOQError(.disconnected, "the connection is gone"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that dies does not say goodbye to TLS; the end of the connection itself is told anyhow.
        if case .uncleanShutdown? = error as? NIOSSLError { return }
        if machine == nil {
            giveUp(STOQError(.handshake, core.settings.keyExchange.explanation(of: error)))
        } else {
            giveUp(STOQError(.disconnected, "\(error)"))
        }
    }

    // MARK: - Handshake

    private func authenticate(context: ChannelHandlerContext, negotiatedProtocol: String?) {
        context.pipeline.syncOperations.removeHandler(tap, promise: nil)
        do {
            let peer = try core.identify(
                context: context, negotiatedProtocol: negotiatedProtocol, group: tap.group, expectation: expectation)
            begin(peer, context: context)
        } catch {
            giveUp(error)
        }
    }

    private func begin(_ peer: AuthenticatedPeer, context: ChannelHandlerContext) {
        let connection = STOQConnection(
            host: peer.host, isDialled: side == .dialler, negotiatedGroup: peer.negotiatedGroup, pool: core.pool,
            limiter: core.limiter, driver: self, channel: context.channel)
        self.connection = connection
        machine = STOQConnectionMachine(side: side, limits: limits(), pool: core.pool, now: now)
        if side == .listener {
            isClaimed = core.claim(peer.host.identity)
            guard isClaimed else {
                return giveUp(STOQError(.busy, "\(core.settings.connectionsPerPeer) connections of this peer are open"))
            }
        }
        // Before anything is written, which can end the connection: then it is forgotten.
        core.begin(connection)
        pump()
    }

    func becameReady(_ greeting: STOQGreeting) {
        guard let connection else { return }
        handshakeTimer?.cancel()
        connection.note(greeting: greeting)
        core.register(connection)
        ready?.succeed(connection)
        ready = nil
        tell(greeting)
    }

    // MARK: - Running actions

    /// Runs what the machine wants done; then frames should be pumped.
    func run(_ actions: [STOQAction]) {
        for action in actions {
            switch action {
            case .ready(let greeting): becameReady(greeting)
            case .greeted(let greeting):
                connection?.note(greeting: greeting)
                tell(greeting)
            case .opened(let stream, let kind):
                streams[stream] = StreamEntry(kind: kind, inbox: StreamInbox())
                if kind == .bulk { enlargeBuffer() }
            case .message(let stream, let message): deliver(message, on: stream)
            case .finished(let stream):
                if let entry = streams[stream] { finishInbox(of: entry, on: stream) }
            case .sent(let stream): sent(on: stream)
            case .reset(let stream, let error): end(stream, error)
            case .closed(let stream): end(stream, nil)
            case .slotFree: openWished()
            case .goingAway(let error):
                connection?.noteEnd()
                failure = failure ?? error
            case .close(let error): shut(error)
            }
        }
    }

    /// Writes frames while the channel takes them.
    func pump() {
        guard !isPumping, !isOver, let context, machine != nil else { return }
        isPumping = true
        let now = now
        while context.channel.isWritable, writeBatch(context, now: now) {}
        isPumping = false
        keepPace(context, now: now)
        guard let events = machine?.takeEvents() else { return }
        if !events.isEmpty {
            run(events)
            pump()
        }
        connection?.note(roundTrip: machine?.roundTrip)
        if !isPathLong, CongestionControl.isWanted(machine?.roundTrip) {
            isPathLong = true
            CongestionControl.improve(context.channel)
        }
        armTimer(context, now: now)
    }

    /// Writes some frames as one buffer; false if there were none.
    private func writeBatch(_ context: ChannelHandlerContext, now: STOQTime) -> Bool {
        // After a flush TLS has let go of the buffer, so this reuses its memory.
        scratch.clear()
        let frameBytes = pace.frameBytes
        let enough = min(Self.batchBytes, frameBytes)
        while scratch.readableBytes < enough, let frame = takeFrame(frameBytes, now: now) {
            scratch.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.byteCount) { frame.write(to: $0) }
        }
        guard scratch.readableBytes > 0 else { return false }
        connection?.count(sent: scratch.readableBytes)
        pace.wrote(scratch.readableBytes)
        context.writeAndFlush(wrapOutboundOut(scratch), promise: nil)
        return true
    }

    private func takeFrame(_ frameBytes: Int, now: STOQTime) -> STOQFrame? {
        guard core.limiter.isLimited(.up) else { return machine?.takeFrame(now: now, frameBytes: frameBytes) }
        let frameBytes = min(frameBytes, core.limiter.frameBytes ?? frameBytes)
        return machine?.takeFrame(now: now, frameBytes: frameBytes) { self.mayGo($0, $1, $2) }
    }

    /// Measures how fast the path is, and keeps what waits on a slow one short: what urgent frames cannot overtake.
    private func keepPace(_ context: ChannelHandlerContext, now: STOQTime) {
        pace.paused(isFull: !context.channel.isWritable, now: now)
        guard pace.unsentBytes != unsentBytes else { return }
        unsentBytes = pace.unsentBytes
        STOQEndpoint.limitUnsent(of: context.channel, to: unsentBytes)
    }

    /// Runs one call of the machine, its actions, and what there is to write.
    func act(_ body: (inout STOQConnectionMachine, STOQTime) -> [STOQAction]) {
        guard !isOver, var machine else { return }
        // Taken out, so that it is changed in place.
        self.machine = nil
        let actions = body(&machine, now)
        self.machine = machine
        run(actions)
        pump()
    }

    private func armTimer(_ context: ChannelHandlerContext, now: STOQTime) {
        guard !isOver, let at = machine?.nextTimer(now: now) else { return }
        // An early timer only finds nothing to do; a late one is moved.
        if let timerAt, timerAt <= at, timerAt > now { return }
        timer?.cancel()
        timerAt = at
        timer = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(max(at.nanoseconds, now.nanoseconds + 1_000_000))
        ) {
            self.timerAt = nil
            self.giveUpWishes()
            self.act { machine, now in machine.tick(now: now) }
        }
    }

    private func enlargeBuffer() {
        guard !hasBulkBuffer, let context else { return }
        hasBulkBuffer = true
        let allocator = FixedSizeRecvByteBufferAllocator(capacity: Self.bulkBufferBytes)
        try? context.channel.syncOptions?.setOption(.recvAllocator, value: allocator)
    }

    func noteOpened(_ kind: StreamKind) {
        if kind == .bulk { enlargeBuffer() }
    }

    // MARK: - The end

    /// Ends the connection from this side, with a word to the peer if it listens already.
    func giveUp(_ error: STOQError) {
        failure = failure ?? error
        if machine != nil {
            act { machine, _ in machine.close(error.code, error.reason) }
        }
        if !isOver { shut(error) }
    }

    private func shut(_ error: STOQError) {
        guard !isOver, let context else { return }
        failure = failure ?? error
        while writeBatch(context, now: now) {}
        finishAll(failure ?? error)
        context.close(promise: nil)
    }

    /// Tells everybody who waits for something of this connection.
    private func finishAll(_ error: STOQError) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        handshakeTimer?.cancel()
        let isQuiet = error.code == .done || error.code == .shuttingDown || connection == nil && side == .dialler
        if !isQuiet {
            core.log.warn("a connection broke", peer: connection?.peer.uri ?? address, reason: "\(error)")
        }
        connection?.noteEnd()
        endShaping()
        for entry in streams.values {
            entry.inbox.fail(error)
            entry.senders.forEach { $0.settle(.failure(error)) }
            entry.task?.cancel()
        }
        streams = [:]
        wishes.forEach { $0.ticket.settle(.failure(error)) }
        wishes = []
        waiting = [:]
        machine = nil
        ready?.fail(error)
        ready = nil
        if let connection {
            core.forget(connection)
            if isClaimed { core.release(connection.peer) }
        }
        connection = nil
    }
}
