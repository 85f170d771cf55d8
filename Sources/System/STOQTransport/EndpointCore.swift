package import FleetCertificates
import Logging
import NIOCore
import NIOSSL
package import STOQ
import Synchronization

/// Who a dialled connection must lead to.
struct PeerExpectation: Hashable, Sendable {
    let name: String
    /// Nil: an agent or the origin.
    let role: FleetRole?

    func isMet(by identity: FleetIdentity) -> Bool {
        guard identity.name == name else { return false }
        if let role { return identity.role == role }
        return identity.role == .agent || identity.role == .origin
    }
}

/// Who a handshake has shown to be at the other end, and how it was protected.
struct AuthenticatedPeer: Sendable {
    let host: VerifiedHost
    let negotiatedGroup: String
}

/// What this side says about itself, numbered in the order in which the service was asked.
struct NumberedGreeting: Sendable {
    let number: UInt64
    let greeting: STOQGreeting
}

/// What the connections of an endpoint share.
final class EndpointCore: Sendable {
    /// The name of the protocol in TLS; one for every version with this HELLO.
    static let applicationProtocol = "stoq/1"

    private struct State {
        var connections: [STOQConnection] = []
        /// Those whose peer is known, ready or not: what there is to say reaches them too.
        var greetable: [STOQConnection] = []
        var lastGreeting: UInt64 = 0
        var accepted = 0
        var handshakes: HandshakePlaces
        /// The channels of those that hold a place, to close them when they must make way.
        var waiting: [UInt64: any Channel] = [:]
        /// Accepted connections of each peer, from its certificate to the end.
        var acceptedFrom: [FleetIdentity: Int] = [:]
        var isShutDown = false
    }

    let settings: STOQSettings
    let service: any STOQService
    let log: PeerLog
    let pool = STOQSlabPool()
    let limiter: BandwidthLimiter
    private let state: Mutex<State>

    init(settings: STOQSettings, service: any STOQService, limiter: BandwidthLimiter, logger: Logger) {
        self.settings = settings
        state = Mutex(State(handshakes: HandshakePlaces(limit: settings.handshakeLimit)))
        self.service = service
        self.limiter = limiter
        log = PeerLog(logger)
    }

    // MARK: - Connections

    /// All connections that are ready, the oldest first.
    var connections: [STOQConnection] { state.withLock { $0.connections } }

    /// One that leads to who is expected and takes new streams.
    func connection(to expectation: PeerExpectation) -> STOQConnection? {
        state.withLock { $0.connections }.first { $0.isOpen && expectation.isMet(by: $0.peer) }
    }

    /// Greets a connection whose peer is known, for the first time.
    func begin(_ connection: STOQConnection) {
        state.withLock { $0.greetable.append(connection) }
        Task {
            // Only now, since a greeting says which sets there are.
            let greeting = await nextGreeting()
            connection.greet(greeting)
        }
    }

    /// What the service says now, to all whose peer is known, also those that are not ready: what they were told may be
    /// older.
    func announce() async {
        let greeting = await nextGreeting()
        for connection in state.withLock({ $0.greetable }) { connection.greet(greeting) }
    }

    /// The number is taken before the service is asked, so a higher one never says what was true before.
    private func nextGreeting() async -> NumberedGreeting {
        let number = state.withLock { state in
            state.lastGreeting += 1
            return state.lastGreeting
        }
        return NumberedGreeting(number: number, greeting: await service.greeting())
    }

    func register(_ connection: STOQConnection) {
        let isShutDown = state.withLock { state in
            if !state.isShutDown { state.connections.append(connection) }
            return state.isShutDown
        }
        if isShutDown { connection.close(.shuttingDown) }
        // The host may have lost its standing while it greeted.
        closeIfRefused(connection)
    }

    /// Closes the connections of hosts that are believed no more.
    func closeRefused() {
        for connection in connections { closeIfRefused(connection) }
    }

    private func closeIfRefused(_ connection: STOQConnection) {
        guard let refusal = settings.credentials.verifier.refusal(of: connection.host) else { return }
        log.warn("a connection is closed", peer: connection.peer.uri, reason: "\(refusal)")
        connection.close(.notAllowed)
    }

    func forget(_ connection: STOQConnection) {
        state.withLock { state in
            state.connections.removeAll { $0 === connection }
            state.greetable.removeAll { $0 === connection }
        }
    }

    /// No connection is registered from now on; those that are.
    func shutDown() -> [STOQConnection] {
        state.withLock { state in
            state.isShutDown = true
            return state.connections
        }
    }

    var isShutDown: Bool { state.withLock { $0.isShutDown } }

    /// Counts a connection that somebody made, until it is closed, and gives it a place until it is `handshaken`; false
    /// if there are too many. Whoever must make way for it is closed.
    func admit(_ channel: any Channel, handshaken: EventLoopFuture<STOQConnection>) -> Bool {
        let address = Self.bytes(of: channel.remoteAddress)
        let (number, evicted): (UInt64?, (any Channel)?) = state.withLock { state in
            guard !state.isShutDown, state.accepted < settings.connectionLimit else { return (nil, nil) }
            state.accepted += 1
            let (number, evicted) = state.handshakes.take(from: address)
            state.waiting[number] = channel
            return (number, evicted.flatMap { state.waiting.removeValue(forKey: $0) })
        }
        if let evicted {
            log.warn(
                "too many handshakes at once, the oldest of the busiest address makes way",
                peer: evicted.remoteAddress?.ipAddress ?? "?", reason: "\(settings.handshakeLimit) at once")
            evicted.close(promise: nil)
        }
        guard let number else { return false }
        handshaken.whenComplete { _ in
            self.state.withLock { state in
                state.handshakes.leave(number)
                state.waiting[number] = nil
            }
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.accepted -= 1 } }
        return true
    }

    /// Counts an accepted connection whose peer is known, until ``release(_:)``; false if this peer has too many.
    func claim(_ peer: FleetIdentity) -> Bool {
        state.withLock { state in
            guard state.acceptedFrom[peer, default: 0] < settings.connectionsPerPeer else { return false }
            state.acceptedFrom[peer, default: 0] += 1
            return true
        }
    }

    func release(_ peer: FleetIdentity) {
        state.withLock { state in
            let left = state.acceptedFrom[peer, default: 1] - 1
            state.acceptedFrom[peer] = left > 0 ? left : nil
        }
    }

    /// The bytes of an IP address as on the wire; a version 4 address within version 6 counts as what it is.
    private static func bytes(of address: SocketAddress?) -> [UInt8] {
        guard let address else { return [] }
        // Offsets of the address within sockaddr_in and sockaddr_in6.
        let offset: Int
        switch address {
        case .v4: offset = 4
        case .v6: offset = 8
        case .unixDomainSocket: return []
        }
        let count = offset == 4 ? 4 : 16
        let bytes = address.withSockAddr { pointer, size in
            Array(UnsafeRawBufferPointer(start: pointer, count: size).dropFirst(offset).prefix(count))
        }
        let isMapped = count == 16 && bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes.suffix(4)) : bytes
    }

    // MARK: - Peers

    /// Checks what the handshake has led to: the protocol, the certificate, which TLS has verified against the
    /// authority, and the group.
    func identify(
        context: ChannelHandlerContext, negotiatedProtocol: String?, group: String?, expectation: PeerExpectation?
    ) throws(STOQError) -> AuthenticatedPeer {
        guard negotiatedProtocol == Self.applicationProtocol else {
            throw STOQError(.handshake, "the peer does not speak \(Self.applicationProtocol)")
        }
        guard let group else { throw STOQError(.handshake, "the group of the key exchange could not be read") }
        if let refusal = settings.keyExchange.refusal(of: group) { throw STOQError(.handshake, refusal) }
        let host: VerifiedHost
        do {
            guard let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate() else {
                throw STOQError(.handshake, "the peer shows no certificate")
            }
            host = try settings.credentials.verifier.verify(certificateDER: try certificate.toDERBytes())
        } catch let error as STOQError {
            throw error
        } catch {
            throw STOQError(.wrongPeer, "\(error)")
        }
        let identity = host.identity
        let own = settings.credentials.identity
        guard identity.fleet == own.fleet else {
            throw STOQError(.wrongPeer, "the peer is \(identity), which is of another fleet")
        }
        guard AccessTable.mayConnect(identity.role) else {
            throw STOQError(.wrongPeer, "the peer is \(identity), and that role has nothing to ask of a host")
        }
        if let expectation, !expectation.isMet(by: identity) {
            let role = expectation.role.map { "\($0.rawValue) " } ?? ""
            throw STOQError(.wrongPeer, "the peer is \(identity), not \(role)\(expectation.name)")
        }
        return AuthenticatedPeer(host: host, negotiatedGroup: group)
    }

    // MARK: - Serving

    /// Answers one request to its end.
    func serve(_ message: STOQMessage, on stream: STOQStream, of connection: STOQConnection) async {
        do {
            let request = try STOQRequest(decoding: try message.decompressed(pool: pool).bytes)
            guard AccessTable.allows(connection.peer.role, request.call) else {
                log.warn("a peer asked for what its role may not have", peer: connection.peer.uri, reason: request.name)
                return stream.reset(.notAllowed, "\(connection.peer.role.rawValue) may not ask for \(request.name)")
            }
            guard request.call != .content || stream.kind == .metadata || stream.kind == .bulk else {
                // There it would go past the limits of this host.
                return stream.reset(.notAllowed, "\(request.name) does not go on a stream that never waits")
            }
            if let set = request.set { stream.assign(to: set) }
            try await service.serve(request, kind: stream.kind, from: connection.peer, on: stream)
            try await stream.finish()
        } catch let error as STOQError {
            // Mostly that the peer has reset the stream; then this does nothing.
            stream.reset(error.origin == .local ? error.code : .done, error.origin == .local ? error.reason : "")
        } catch let error as STOQRequestError {
            log.warn("a peer sent a request that is not valid", peer: connection.peer.uri, reason: "\(error)")
            stream.reset(error.code, "\(error)")
        } catch is ZstdError {
            stream.reset(.malformed, "the request's compressed bytes are not valid")
        } catch is CancellationError {
            stream.reset(.cancelled, "")
        } catch {
            log.warn("answering a peer failed", peer: connection.peer.uri, reason: "\(error)")
            stream.reset(.internal, "answering failed")
        }
    }
}

extension STOQRequest {
    /// Its row in the table of who may ask for what; which sets a peer may have is for the service.
    package var call: Call {
        switch self {
        case .release, .changeset, .nodes, .chunkLists, .chunks, .packedTree, .chunkLog: .content
        case .metadata, .yanks, .standings, .receipts: .news
        case .swarm: .swarm
        case .ownCommand: .ownCommand
        case .command: .command
        }
    }
}
