import FleetCertificates
import Logging
import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import STOQ

/// Lets nobody through who is not a member: waits for TLS, reads the identity from the certificate, then adds the
/// protocol's handler and waits for the peer's hello; closes what takes too long.
final class PeerGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Completes when both have said hello, or fails.
    let ready: EventLoopPromise<STOQConnection>
    private let endpoint: STOQEndpoint
    private let channel: any Channel
    private let tap: ServerHelloTap
    private let isServer: Bool
    private let expected: (name: String, role: FleetRole?)?
    private var deadline: Scheduled<Void>?
    private var isSettled = false
    private var identity: FleetIdentity?
    private var connection: STOQConnection?
    private var handler: STOQChannelHandler?
    private let traffic = STOQConnection.Traffic()
    private var failure: STOQError?

    init(
        endpoint: STOQEndpoint, channel: any Channel, tap: ServerHelloTap, isServer: Bool,
        expected: (name: String, role: FleetRole?)?
    ) {
        self.endpoint = endpoint
        self.channel = channel
        self.tap = tap
        self.isServer = isServer
        self.expected = expected
        ready = channel.eventLoop.makePromise()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let components = endpoint.settings.handshakeTimeout.components
        deadline = context.eventLoop.scheduleTask(in: .seconds(components.seconds)) {
            bound.value.fail(.handshake("it took longer than \(components.seconds) s"))
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            let identity = try readIdentity(context)
            self.identity = identity
            admit(identity, event, context)
        } catch {
            fail(error as? STOQError ?? .handshake("\(error)"))
        }
    }

    private func readIdentity(_ context: ChannelHandlerContext) throws -> FleetIdentity {
        guard let certificate = try channel.pipeline.syncOperations.nioSSL_peerCertificate() else {
            throw STOQError.handshake("the peer showed no certificate")
        }
        let identity = try FleetIdentity(certificateDER: certificate.toDERBytes())
        guard endpoint.accepts(identity) else {
            throw STOQError.wrongPeer(expected: "a member of our fleet", found: identity.uri)
        }
        if let expected, identity.name != expected.name || (expected.role != nil && identity.role != expected.role) {
            throw STOQError.wrongPeer(expected: expected.name, found: identity.uri)
        }
        return identity
    }

    /// The greeting may need the store: it is asked for off the event loop.
    private func admit(_ identity: FleetIdentity, _ event: Any, _ context: ChannelHandlerContext) {
        let promise = channel.eventLoop.makePromise(of: STOQGreeting.self)
        let service = endpoint.service
        promise.completeWithTask { await service.greeting() }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { result in
            guard case .success(let greeting) = result else { return }
            bound.value.addProtocol(greeting)
        }
    }

    private func addProtocol(_ greeting: STOQGreeting) {
        guard failure == nil, channel.isActive else { return }
        let handler = STOQChannelHandler(
            isDialler: !isServer, settings: endpoint.settings, greeting: greeting, events: self)
        self.handler = handler
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
            handler.begin()
            for buffer in early { handler.read(buffer) }
            early = []
        } catch {
            fail(.handshake("\(error)"))
        }
    }

    /// What comes before the protocol's handler is there: at most a hello.
    private var early: [ByteBuffer] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard handler == nil else { return context.fireChannelRead(data) }
        let buffer = unwrapInboundIn(data)
        early.append(buffer)
        if early.reduce(0, { $0 + $1.readableBytes }) > STOQLimits.helloByteCount + STOQFrameHeader.byteCount {
            fail(.handshake("the peer sends before it was greeted"))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard connection == nil else { return context.fireErrorCaught(error) }
        fail(.handshake("\(error)"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if connection == nil { fail(.handshake("the peer closed the connection")) }
        context.fireChannelInactive()
    }

    private func fail(_ error: STOQError) {
        guard connection == nil, failure == nil else { return }
        failure = error
        settle()
        endpoint.logger.debug(
            "a connection was refused", metadata: ["peer": "\(identity?.name ?? "-")", "error": "\(error)"])
        ready.fail(error)
        channel.close(promise: nil)
    }

    private func settle() {
        deadline?.cancel()
        deadline = nil
        guard !isSettled else { return }
        isSettled = true
        if isServer { endpoint.settled() }
    }
}

extension PeerGate: STOQConnectionEvents {
    func ready(_ greeting: STOQGreeting) {
        guard let identity, let wire = handler?.wire, failure == nil else { return }
        settle()
        let connection = STOQConnection(
            peer: identity, negotiatedGroup: ServerHello.name(of: tap.group), greeting: greeting,
            wire: wire, traffic: traffic)
        self.connection = connection
        endpoint.add(connection)
        ready.succeed(connection)
        let service = endpoint.service
        Task { await service.peerGreeting(greeting, from: identity) }
    }

    func requested(_ request: STOQRequest, _ kind: StreamKind, _ stream: STOQStream) {
        guard let identity else { return }
        let service = endpoint.service
        let logger = endpoint.logger
        Task {
            do {
                try await service.serve(request, kind: kind, from: identity, on: stream)
            } catch is CancellationError {
                stream.reset(.cancelled, "")
            } catch let error as STOQError {
                logger.debug("a request was given up", metadata: ["peer": "\(identity.name)", "error": "\(error)"])
                stream.reset(.cancelled, "")
            } catch {
                logger.warning(
                    "a request failed", metadata: ["peer": "\(identity.name)", "request": "\(request.name)", "error": "\(error)"])
                stream.reset(.internal, "it failed inside")
            }
        }
    }

    func violated(_ violation: STOQViolation) {
        endpoint.logger.warning(
            "a peer broke the protocol",
            metadata: ["peer": "\(identity?.name ?? "-")", "violation": "\(violation)"])
        if connection == nil { fail(.handshake("\(violation)")) }
    }

    func closed(_ failure: STOQError) {
        if let connection { endpoint.remove(connection) } else { fail(failure) }
    }

    func received(_ bytes: Int) { traffic.add(received: bytes) }

    func sent(_ bytes: Int) { traffic.add(sent: bytes) }
}

/// Stops accepting for a moment when descriptors or memory run out: NIO would try again at once, for ever.
final class AcceptPauseHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)
    private var isPaused = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return context.fireErrorCaught(error)
        }
        guard !isPaused else { return }
        isPaused = true
        let channel = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        _ = channel.setOption(.autoRead, value: false)
        context.eventLoop.scheduleTask(in: Self.pause) {
            bound.value.isPaused = false
            _ = channel.setOption(.autoRead, value: true)
        }
    }
}
