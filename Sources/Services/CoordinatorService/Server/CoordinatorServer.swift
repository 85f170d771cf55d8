import FleetAPI
import FleetCertificates
package import FleetModel
import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The coordinator's API on its address: runs until a graceful shutdown or cancellation.
///
/// Stopping it disturbs nobody: agents go on with what they do, and poll again until they are answered.
package struct CoordinatorServer: Service {
    private let coordinator: Coordinator
    private let fleet: Fleet
    /// BLAKE3 of the coordinator's own fleet.yaml as it was read, in hexadecimal.
    let fileDigest: String
    private let members: FleetMembers
    private let limits: CoordinatorLimits
    private let credentials: ServerCredentials
    private let logger: Logger
    private let onListening: @Sendable (NetworkAddress) async throws -> Void

    /// Reads fleet.yaml, the certificates and the state; listens only in `run`.
    ///
    /// - Parameters:
    ///   - now: the coordinator's clock, in seconds since 1970.
    ///   - onPhase: called where the coordinator arrives, on its own thread; for tests.
    ///   - onListening: called once when requests are answered, with the actual port; what it throws ends the server.
    /// - Throws: `StartError`.
    package init(
        _ configuration: CoordinatorConfiguration, limits: CoordinatorLimits = CoordinatorLimits(), logger: Logger,
        now: @escaping @Sendable () -> Int64, onPhase: @escaping @Sendable (CoordinatorPhase) -> Void = { _ in },
        onListening: @escaping @Sendable (NetworkAddress) async throws -> Void
    ) throws(StartError) {
        let file = try AcceptedPolicy(file: configuration.fleet)
        let policy: AcceptedPolicy
        let members: FleetMembers
        let credentials = try ServerCredentials(configuration, fleet: file.fleet.name)
        let folder = configuration.state ?? file.fleet.coordinator.statePath
        do {
            let database = try StateDatabase(folder: folder)
            policy = try file.inForce(database, logger)
            members = FleetMembers(policy.fleet)
            coordinator = try Coordinator(
                policy: policy, hosts: members, identity: credentials.identity,
                desk: MembershipDesk(
                    fleet: policy.fleet.name, verifier: credentials.verifier, authorityPEM: credentials.authorityPEM,
                    issuing: credentials.issuing),
                database: database, limits: limits, logger: logger, now: now,
                onPhase: onPhase)
        } catch let error as StartError {
            throw error
        } catch {
            throw .state(
                message: "cannot use the state in \(folder): \(error)", hint: "check the folder, its owner and its disk"
            )
        }
        fleet = policy.fleet
        self.members = members
        fileDigest = file.digest
        self.credentials = credentials
        self.limits = limits
        self.logger = logger
        self.onListening = onListening
    }

    /// Listens and answers.
    ///
    /// - Throws: `StartError.listen` if the address cannot be had.
    package func run() async throws {
        let failure = Mutex<(any Error)?>(nil)
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)  // the library's own words are for its developers
        let listen = fleet.coordinator.listen
        let application = Application(
            router: router(), server: try httpServer(),
            configuration: .init(
                address: .hostname(listen.host, port: listen.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: quiet)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? listen.port
                do {
                    try await onListening(NetworkAddress(host: listen.host, port: port))
                } catch {
                    failure.withLock { $0 = error }
                    channel.close(promise: nil)
                }
            }, logger: quiet)
        let ended: Result<Void, any Error>
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                // The server waits for open requests: those that wait for news must end first.
                coordinator.shutDown()
            }
            ended = .success(())
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode)).lowercased()
            ended = .failure(StartError.listen(address: listen.description, reason: reason))
        } catch is SocketAddressError {
            ended = .failure(StartError.listen(address: listen.description, reason: "the name cannot be resolved"))
        } catch {
            ended = .failure(error)
        }
        await coordinator.close()
        try ended.get()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func router() -> Router<CoordinatorRequestContext> {
        let router = Router(context: CoordinatorRequestContext.self)
        router.add(middleware: ErrorGate(logger: logger))
        router.add(
            middleware: PeerGate(
                fleet: fleet.name, members: members,
                verifier: credentials.verifier))
        CoordinatorRoutes(coordinator: coordinator, limits: limits).add(to: router)
        return router
    }

    private func httpServer() throws -> HTTPServerBuilder {
        let connections = ConnectionNumbers()
        let coordinator = coordinator
        let handshakeDeadline = TimeAmount(limits.handshakeDeadline)
        let anonymousDeadline = TimeAmount(limits.anonymousDeadline)
        let answerDeadline = TimeAmount(limits.answerDeadline)
        let verifier = credentials.verifier
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = limits.headerBytes
        decoder.maxHeaderListSize = limits.headerBytes
        decoder.maxHeaderFieldCount = limits.headerFields
        return try .tls(
            .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        PeerConnectionHandler(
                            number: connections.next(), verifier: verifier, handshakeDeadline: handshakeDeadline,
                            anonymousDeadline: anonymousDeadline, answerDeadline: answerDeadline
                        ) { coordinator.connectionIsGone($0) }
                    ],
                    idleTimeout: TimeAmount(limits.idleTimeout), httpDecoderConfiguration: decoder)),
            tlsConfiguration: credentials.tls)
    }
}

extension CoordinatorServer: CustomStringConvertible {
    /// For the log of what starts and stops: without it all that the server is made of would stand there.
    package var description: String { "coordinator of \(fleet.name)" }
}

/// Numbers connections.
private final class ConnectionNumbers: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> UInt64 {
        last.wrappingAdd(1, ordering: .relaxed).newValue
    }
}
