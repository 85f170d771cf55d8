package import FleetCertificates
import NIOCore
package import STOQ
import Synchronization

/// A connection to a peer, whose certificate is verified. Either side may open streams, whoever dialled.
package final class STOQConnection: Sendable {
    /// Who is at the other end, as its certificate says.
    package var peer: FleetIdentity { host.identity }
    /// The same, with what later words of operators on it are compared with.
    let host: VerifiedHost
    /// Whether this side made the connection.
    package let isDialled: Bool
    /// The group of the key exchange as negotiated, read from the handshake, e.g. "X25519MLKEM768".
    package let negotiatedGroup: String

    private struct State {
        var greeting: STOQGreeting?
        var isOpen = true
        var roundTrip: Duration?
        /// Costs of messages that were taken and that the machine was not told of.
        var consumed: [(STOQStreamID, Int)] = []
    }

    let pool: STOQSlabPool
    private let limiter: BandwidthLimiter
    private let state = Mutex(State())
    private let received = Atomic<UInt64>(0)
    private let sent = Atomic<UInt64>(0)
    private let eventLoop: any EventLoop
    private let driver: NIOLoopBound<ConnectionDriver>
    let closed: EventLoopFuture<Void>

    init(
        host: VerifiedHost, isDialled: Bool, negotiatedGroup: String, pool: STOQSlabPool,
        limiter: BandwidthLimiter, driver: ConnectionDriver, channel: any Channel
    ) {
        self.host = host
        self.isDialled = isDialled
        self.negotiatedGroup = negotiatedGroup
        self.pool = pool
        self.limiter = limiter
        self.driver = NIOLoopBound(driver, eventLoop: channel.eventLoop)
        eventLoop = channel.eventLoop
        closed = channel.closeFuture
    }

    /// What the peer last said about itself.
    package var greeting: STOQGreeting? { state.withLock { $0.greeting } }

    /// Whether streams can be opened.
    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// The shortest round trip measured; nil before the first.
    package var roundTrip: Duration? { state.withLock { $0.roundTrip } }

    /// What an endpoint tells of the connection.
    package var snapshot: ConnectionSnapshot {
        ConnectionSnapshot(
            peer: peer, isDialled: isDialled, negotiatedGroup: negotiatedGroup,
            bytesIn: received.load(ordering: .relaxed), bytesOut: sent.load(ordering: .relaxed), roundTrip: roundTrip)
    }

    /// Opens a stream and sends `request` on it; waits while the peer allows no more streams. With a `deadline` the
    /// stream is reset when it is not over by then. With `isWhole` nothing follows the request: the last word of this
    /// side goes out with it. Throws ``STOQError``, or `CancellationError`.
    package func open(
        _ request: STOQRequest, kind: StreamKind, deadline: Duration? = nil, isWhole: Bool = false
    ) async throws -> STOQStream {
        let message = try OutgoingMessage(
            request.encode(), compression: OutgoingMessage.compression(for: kind, roundTrip: roundTrip))
        let outgoing = ConnectionDriver.OutgoingRequest(message: message, set: request.set, isWhole: isWhole)
        let ticket = Ticket<(STOQStreamID, StreamInbox)>()
        let (id, inbox) = try await ticket.value {
            onLoop { $0.open(kind, outgoing, deadline: deadline, ticket) }
        }
        return STOQStream(id: id, kind: kind, connection: self, inbox: inbox)
    }

    /// Closes the connection at once, with a word to the peer.
    package func close(_ code: STOQErrorCode = .done, _ reason: String = "") {
        onLoop { $0.close(code, reason) }
    }

    // MARK: - For streams

    /// Names the set of a stream, for its share of the bandwidth; a hop only where that is limited.
    func assign(_ stream: STOQStreamID, to set: String) {
        guard limiter.isLimited(.up) || limiter.isLimited(.down) else { return }
        onLoop { $0.assign(stream, to: set) }
    }

    func send(_ message: OutgoingMessage, on stream: STOQStreamID) async throws {
        let ticket = Ticket<Void>()
        try await ticket.value {
            onLoop { $0.send(message, on: stream, ticket) }
        }
    }

    func finish(_ stream: STOQStreamID) {
        onLoop { $0.finish(stream) }
    }

    func reset(_ stream: STOQStreamID, _ code: STOQErrorCode, _ reason: String) {
        onLoop { $0.reset(stream, code, reason) }
    }

    /// Nobody holds the stream any more.
    func drop(_ stream: STOQStreamID) {
        onLoop { $0.drop(stream) }
    }

    /// Tells the machine once for many messages taken in a row.
    func consumed(_ stream: STOQStreamID, cost: Int) {
        let isFirst = state.withLock { state in
            state.consumed.append((stream, cost))
            return state.consumed.count == 1
        }
        guard isFirst else { return }
        onLoop { driver in
            let consumed = self.state.withLock { state in
                defer { state.consumed = [] }
                return state.consumed
            }
            driver.consumed(consumed)
        }
    }

    // MARK: - For the driver and the endpoint

    func greet(_ greeting: NumberedGreeting) {
        onLoop { $0.greet(greeting) }
    }

    func goAway(_ code: STOQErrorCode, _ reason: String) {
        onLoop { $0.goAway(code, reason) }
    }

    func onLoop(_ body: @escaping @Sendable (ConnectionDriver) -> Void) {
        eventLoop.execute { body(self.driver.value) }
    }

    func note(greeting: STOQGreeting) {
        state.withLock { $0.greeting = greeting }
    }

    func note(roundTrip: Duration?) {
        state.withLock { $0.roundTrip = roundTrip }
    }

    /// No new streams: the connection ends.
    func noteEnd() {
        state.withLock { $0.isOpen = false }
    }

    func count(received bytes: Int) {
        received.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        limiter.count(received: bytes)
    }

    func count(sent bytes: Int) {
        sent.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        limiter.count(sent: bytes)
    }
}
