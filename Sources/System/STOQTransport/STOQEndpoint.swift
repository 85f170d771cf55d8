package import FleetCertificates
import Glibc
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import STOQ
import Synchronization

/// A host's end of the protocol: takes connections, makes them, keeps one for each peer, and serves what comes.
package final class STOQEndpoint: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        /// Connections that are being made, so that many who want the same one make it once.
        var dials: [Destination: Task<STOQConnection, any Error>] = [:]
    }

    private struct Destination: Hashable {
        let expectation: PeerExpectation
        let host: String
        let port: Int
    }

    /// Two threads drive all sockets of the process; they live as long as it does.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private static let backlog: Int32 = 256
    /// TCP_NOTSENT_LOWAT: how much the kernel takes beyond what is under way. It keeps the queue in our hands, where
    /// urgent frames overtake.
    private static let unsentLowWater = NIOBSDSocket.Option(rawValue: 25)
    static let unsentBytes: Int32 = 128 << 10
    /// What a channel on a slow path holds itself before it takes no more, and when it does again.
    private static let slowBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 8 << 10, high: 16 << 10)

    /// Returns once every thread that drives sockets has answered: while one stands still, it does not.
    package static func beat() async {
        for loop in loops.makeIterator() { try? await loop.submit {}.get() }
    }

    private let core: EndpointCore
    /// What new connections use.
    private let tls: Mutex<TLSContexts>
    private let state = Mutex(State())

    /// Has the kernel, and the channel, take less or more at once than they did.
    static func limitUnsent(of channel: any Channel, to bytes: Int) {
        let options = channel.syncOptions
        try? options?.setOption(.tcpOption(unsentLowWater), value: SocketOptionValue(bytes))
        let isUsual = bytes >= Int(unsentBytes)
        try? options?.setOption(
            .writeBufferWaterMark, value: isUsual ? .init(low: 32 << 10, high: 64 << 10) : slowBuffer)
    }

    /// An endpoint that does nothing yet. Throws ``STOQError`` if TLS does not take the credentials.
    package init(settings: STOQSettings, service: any STOQService, logger: Logger) throws {
        core = EndpointCore(
            settings: settings, service: service, limiter: BandwidthLimiter(eventLoop: Self.loops.next()),
            logger: logger)
        tls = Mutex(try TLSContexts(settings))
    }

    /// Shows another certificate from now on, in new connections; those that are open stay. Throws ``STOQError`` if TLS does
    /// not take it; then nothing changes.
    package func renew(_ credentials: HostCredentials) throws {
        var settings = core.settings
        settings.credentials = credentials
        let renewed = try TLSContexts(settings)
        tls.withLock { $0 = renewed }
    }

    /// Closes the connections of hosts that the verifier of the credentials believes no more.
    package func closeRefused() {
        core.closeRefused()
    }

    /// All connections that are ready, the oldest first.
    package var connections: [ConnectionSnapshot] { core.connections.map(\.snapshot) }

    /// Limits what all connections send and receive together, in bytes a second, from now on; nil: as much as they can, 0:
    /// nothing. Sets share it by `weights` while they want more; one that is not named has 1. What is small and urgent
    /// (commands, greetings, credit, interactive answers) never waits, and is paid for by the others.
    package func setLimits(up: UInt64?, down: UInt64?, weights: [String: Int] = [:]) {
        core.limiter.set(up: up, down: down, weights: weights)
    }

    /// Bytes of frames that all connections together, also those that are over, have received and sent, before TLS.
    package var traffic: (received: UInt64, sent: UInt64) { core.limiter.traffic }

    /// Takes connections at `host` (an address or a name) and `port`; 0 takes a free one. Where it listens now.
    /// May be called again for another address. Throws ``STOQError``.
    package func listen(host: String, port: Int) async throws -> (host: String, port: Int) {
        let bootstrap = ServerBootstrap(group: Self.loops)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { [core] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { core.log.warn("cannot take a connection", peer: "-", reason: "\($0)") })
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.tcpOption(Self.unsentLowWater), value: SocketOptionValue(Self.unsentBytes))
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.accept(channel, self.core, self.tls.withLock { $0 })
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch {
            throw STOQError(.unreachable, "cannot listen at \(host), port \(port): \(Self.reason(of: error))")
        }
        state.withLock { $0.listeners.append(channel) }
        let address = channel.localAddress
        return (address?.ipAddress ?? host, address?.port ?? port)
    }

    /// A connection to `name`, with `role` if it says one, else to an agent or the origin: one that is there already,
    /// whoever made it, else a new one to `host` and `port`. Throws ``STOQError``: `unreachable` if nobody answers
    /// there, `handshake` if TLS fails, `wrongPeer` if somebody else answers.
    package func connection(
        to name: String, role: FleetRole?, host: String, port: Int
    ) async throws -> STOQConnection {
        let expectation = PeerExpectation(name: name, role: role)
        if let connection = core.connection(to: expectation) { return connection }
        guard !core.isShutDown else { throw STOQError(.shuttingDown, "this side goes away") }
        let destination = Destination(expectation: expectation, host: host, port: port)
        let dial = state.withLock { state in
            if let dial = state.dials[destination] { return dial }
            let dial = Task {
                defer { self.state.withLock { state in state.dials[destination] = nil } }
                return try await self.dial(destination)
            }
            state.dials[destination] = dial
            return dial
        }
        return try await dial.value
    }

    /// Greets all peers again, with what the service says now.
    package func announce() async { await core.announce() }

    /// Takes and makes no connections any more, lets open streams go on for a while, then closes all.
    package func shutdown() async {
        let listeners = state.withLock { state in
            defer { state.listeners = [] }
            return state.listeners
        }
        for listener in listeners {
            try? await listener.close().get()
        }
        let connections = core.shutDown()
        for connection in connections {
            connection.goAway(.shuttingDown, "")
        }
        let deadline = ContinuousClock.now + core.settings.shutdownGrace
        for connection in connections {
            await Self.wait(for: connection, until: deadline)
        }
    }

    /// Waits for the end of a connection; at the deadline, ends it.
    private static func wait(for connection: STOQConnection, until deadline: ContinuousClock.Instant) async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                try? await Task.sleep(until: deadline)
                return false
            }
            group.addTask {
                try? await connection.closed.get()
                return true
            }
            if await group.next() == false {
                connection.close(.shuttingDown)
            }
            group.cancelAll()
        }
    }

    // MARK: - Channels

    private static func accept(_ channel: any Channel, _ core: EndpointCore, _ tls: TLSContexts) throws {
        let ready = channel.eventLoop.makePromise(of: STOQConnection.self)
        guard core.admit(channel, handshaken: ready.futureResult) else {
            ready.fail(STOQError(.busy, "too many connections"))
            throw STOQError(.busy, "too many connections")
        }
        let tap = KeyShareTap(isServer: true)
        let driver = ConnectionDriver(
            core: core, side: .listener, expectation: nil, tap: tap, address: channel.remoteAddress?.ipAddress ?? "?",
            ready: ready)
        try channel.pipeline.syncOperations.addHandlers([tap, NIOSSLServerHandler(context: tls.server), driver])
    }

    private func dial(_ destination: Destination) async throws -> STOQConnection {
        let timeout = TimeAmount(core.settings.connectTimeout)
        let tls = tls.withLock { $0 }
        let loop = Self.loops.next()
        let ready = loop.makePromise(of: STOQConnection.self)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.tcpOption(Self.unsentLowWater), value: SocketOptionValue(Self.unsentBytes))
            .channelInitializer { [core, tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    let tap = KeyShareTap(isServer: false)
                    let handler = try NIOSSLClientHandler(context: tls.client, serverHostname: nil)
                    let driver = ConnectionDriver(
                        core: core, side: .dialler, expectation: destination.expectation, tap: tap,
                        address: destination.host, ready: ready)
                    try channel.pipeline.syncOperations.addHandlers([tap, handler, driver])
                }
            }
        do {
            _ = try await bootstrap.connect(host: destination.host, port: destination.port).get()
        } catch {
            // The driver, if there was one, has failed the promise already.
            let failure = STOQError(
                .unreachable, "\(destination.host), port \(destination.port): \(Self.reason(of: error))")
            ready.fail(failure)
            throw failure
        }
        return try await ready.futureResult.get()
    }

    /// Why no connection was made; the library's own words only where they say more than we can.
    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first?.error else { return "its name cannot be resolved" }
            return reason(of: first)
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case ChannelError.connectTimeout: return "no connection in time"
        default: return "\(error)"
        }
    }
}

extension TimeAmount {
    /// As many nanoseconds as fit.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = .nanoseconds(isOver ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue)
    }
}
