package import FleetCertificates
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import STOQ
import Synchronization

/// One host's end of all its connections: a listener, and a pool of connections that either side dialled.
///
/// A connection is made when it is first asked for and stays; there is one for each pair of hosts unless both dial at
/// the same moment. Several callers that want the same peer share one attempt.
package final class STOQEndpoint: Sendable {
    private static let alpn = "stoq/1"

    let settings: STOQSettings
    let service: any STOQService
    let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let serverContext: NIOSSLContext
    private let clientContext: NIOSSLContext
    private let fleet: String

    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: STOQConnection] = [:]
        var attempts: [String: Task<STOQConnection, any Error>] = [:]
        var pending = 0
        var isShutDown = false
    }

    private let state = Mutex(State())

    /// Prepares the endpoint; nothing listens and nothing is dialled yet. Throws if the certificates cannot be used.
    package init(settings: STOQSettings, service: any STOQService, logger: Logger) throws {
        self.settings = settings
        self.service = service
        self.logger = logger
        fleet = settings.credentials.identity.fleet
        let contexts = try Self.contexts(settings)
        serverContext = contexts.server
        clientContext = contexts.client
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    private static func contexts(_ settings: STOQSettings) throws -> (server: NIOSSLContext, client: NIOSSLContext) {
        let credentials = settings.credentials
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
        let authorities = try NIOSSLCertificate.fromPEMBytes(Array(credentials.authorityPEM.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem)
        var server = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain.map { .certificate($0) }
        client.privateKey = .privateKey(key)
        func common(_ configuration: inout TLSConfiguration) {
            configuration.minimumTLSVersion = .tlsv13
            configuration.trustRoots = .certificates(authorities)
            // The chain is checked; names are those of the fleet, looked at after the handshake.
            configuration.certificateVerification = .noHostnameVerification
            configuration.applicationProtocols = [alpn]
            configuration.renegotiationSupport = .none
            if settings.requireHybridKeyExchange { configuration.curves = [.x25519_MLKEM768] }
        }
        common(&server)
        common(&client)
        return (try NIOSSLContext(configuration: server), try NIOSSLContext(configuration: client))
    }

    // MARK: Listening

    /// Listens at `host` and `port` (0: any free one). Returns the address that was bound. Throws if it is taken.
    package func listen(host: String, port: Int) async throws -> (host: String, port: Int) {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPauseHandler())
                }
            }
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard admit() else { throw STOQError.reset(.busy, "too many connections") }
                    _ = try prepare(channel, isServer: true, expected: nil)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch {
            throw STOQError.unreachable("cannot listen at \(host) port \(port): \(error)")
        }
        state.withLock { $0.listener = channel }
        return (channel.localAddress?.ipAddress ?? host, channel.localAddress?.port ?? port)
    }

    /// Counts a connection that has not said hello; false if there are too many.
    private func admit() -> Bool {
        state.withLock { state in
            guard state.pending < settings.pendingConnections, state.connections.count < settings.connections else {
                return false
            }
            state.pending += 1
            return true
        }
    }

    func settled() {
        state.withLock { $0.pending -= 1 }
    }

    // MARK: Dialling

    /// A connection to the host `name`, which must prove that name: one that is open, or a new one to `host` and `port`.
    /// With `role` the certificate must have that role, too. Throws ``STOQError``.
    package func connection(to name: String, role: FleetRole?, host: String, port: Int) async throws -> STOQConnection {
        let attempt: Task<STOQConnection, any Error>
        switch lookUp(name, role, host, port) {
        case .connection(let connection): return connection
        case .attempt(let task): attempt = task
        case .none: throw STOQError.closed("this endpoint was shut down")
        }
        return try await attempt.value
    }

    private enum Found {
        case connection(STOQConnection)
        case attempt(Task<STOQConnection, any Error>)
        case none
    }

    private func lookUp(_ name: String, _ role: FleetRole?, _ host: String, _ port: Int) -> Found {
        state.withLock { state in
            if state.isShutDown { return .none }
            if let open = state.connections.values.first(where: {
                $0.peer.name == name && (role == nil || $0.peer.role == role)
            }) {
                return .connection(open)
            }
            if let running = state.attempts[name] { return .attempt(running) }
            // Not a child of the first caller's task: others wait for it, too. It always ends: both steps have deadlines.
            let task = Task {
                defer { self.state.withLock { $0.attempts[name] = nil } }
                return try await self.dial(name, role, host, port)
            }
            state.attempts[name] = task
            return .attempt(task)
        }
    }

    private func dial(_ name: String, _ role: FleetRole?, _ host: String, _ port: Int) async throws -> STOQConnection {
        let handshake = settings.handshakeTimeout
        let ready = group.next().makePromise(of: STOQConnection.self)
        do {
            let channel = try await ClientBootstrap(group: group)
                .connectTimeout(.nanoseconds(Int64(handshake.components.seconds) * 1_000_000_000))
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let peer = try prepare(channel, isServer: false, expected: (name, role))
                        peer.ready.futureResult.cascade(to: ready)
                    }
                }
                .connect(host: host, port: port).get()
            _ = channel
        } catch {
            ready.fail(STOQError.unreachable("\(error)"))
        }
        return try await ready.futureResult.get()
    }

    /// Puts the handlers into a new channel's pipeline.
    private func prepare(
        _ channel: any Channel, isServer: Bool, expected: (name: String, role: FleetRole?)?
    ) throws -> PeerGate {
        let tap = ServerHelloTap(isServer: isServer)
        let gate = PeerGate(endpoint: self, channel: channel, tap: tap, isServer: isServer, expected: expected)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(tap)
        if isServer {
            try pipeline.addHandler(NIOSSLServerHandler(context: serverContext))
        } else {
            try pipeline.addHandler(NIOSSLClientHandler(context: clientContext, serverHostname: nil))
        }
        try pipeline.addHandler(gate)
        return gate
    }

    // MARK: Connections

    /// Every open connection.
    package var connections: [ConnectionSnapshot] {
        state.withLock { Array($0.connections.values) }.map(\.snapshot)
    }

    func add(_ connection: STOQConnection) {
        state.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
    }

    func remove(_ connection: STOQConnection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    func accepts(_ identity: FleetIdentity) -> Bool { identity.fleet == fleet }

    /// Stops listening, says goodbye on every connection and ends the threads.
    package func shutdown() async {
        let (listener, connections, attempts) = state.withLock { state in
            state.isShutDown = true
            defer { state.listener = nil }
            return (state.listener, Array(state.connections.values), Array(state.attempts.values))
        }
        for attempt in attempts { attempt.cancel() }
        try? await listener?.close().get()
        for connection in connections { connection.close() }
        try? await group.shutdownGracefully()
    }
}
