import FleetCertificates
import NIOCore
import NIOSSL
import NIOTLS

/// The other end of a connection, from its verified certificate.
struct Peer: Sendable {
    /// Who it is, and what later words of operators on it are compared with.
    var host: VerifiedHost
    /// Who it is.
    var identity: FleetIdentity { host.identity }
    /// Its public key as DER SubjectPublicKeyInfo; reports must be signed by it.
    var publicKey: [UInt8]
    /// Number of the connection, unique in this process.
    var connection: UInt64
}

/// Reads the peer's certificate once per connection, says when the connection is gone, and can stop reading from it.
/// Ends a connection whose TLS handshake takes too long: the server's time for idle ones begins anew with every byte.
///
/// Sits behind the HTTP codec. TLS has verified the chain before any request gets here.
final class PeerConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    private let number: UInt64
    private let verifier: PeerVerifier
    private let handshakeDeadline: TimeAmount
    private let anonymousDeadline: TimeAmount
    private let answerDeadline: TimeAmount
    private let onGone: @Sendable (UInt64) -> Void
    private var handshakeTimer: Scheduled<Void>?
    private var answerTimer: Scheduled<Void>?
    private var peer: Result<Peer?, any Error>?
    private var isGone = false
    private var isDeaf = false

    /// - Parameters:
    ///   - number: the connection's number.
    ///   - verifier: decides who the peer is.
    ///   - handshakeDeadline: from now until TLS has verified the peer.
    ///   - anonymousDeadline: from then until the end, for a peer without a certificate.
    ///   - answerDeadline: how long the peer may leave more of its answers waiting than a send buffer holds.
    ///   - onGone: called once, on the connection's loop, when the other end closed or the connection broke.
    init(
        number: UInt64, verifier: PeerVerifier, handshakeDeadline: TimeAmount, anonymousDeadline: TimeAmount,
        answerDeadline: TimeAmount,
        onGone: @escaping @Sendable (UInt64) -> Void
    ) {
        self.number = number
        self.verifier = verifier
        self.handshakeDeadline = handshakeDeadline
        self.anonymousDeadline = anonymousDeadline
        self.answerDeadline = answerDeadline
        self.onGone = onGone
    }

    /// The peer of `channel`; nil if it has no certificate; throws if that names nobody who is believed. Runs on any thread.
    static func peer(of channel: any Channel) async throws -> Peer? {
        try await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: PeerConnectionHandler.self)
            return try handler.peer(in: channel)
        }.get()
    }

    /// Takes no further byte from `channel`, so that a peer whose request was refused cannot go on to send: the kernel's
    /// buffers fill, and it waits. For a connection that is about to be closed. Runs on any thread.
    static func stopReading(_ channel: any Channel) {
        channel.eventLoop.execute {
            let handler = try? channel.pipeline.syncOperations.handler(type: PeerConnectionHandler.self)
            handler?.isDeaf = true
        }
    }

    func read(context: ChannelHandlerContext) {
        if !isDeaf { context.read() }
    }

    private func peer(in channel: any Channel) throws -> Peer? {
        if let peer { return try peer.get() }
        let read = Result { () throws -> Peer? in
            let tls = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            guard let certificate = tls.peerCertificate else { return nil }
            return Peer(
                host: try verifier.verify(certificateDER: certificate.toDERBytes()),
                publicKey: try certificate.extractPublicKey().toSPKIBytes(), connection: number)
        }
        peer = read
        return try read.get()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // No client of ours half-closes: an end of input is the end, also without a TLS close_notify (kill -9). With
        // half closure allowed, as the library sets it, the TLS handler would wait for its time-out at each of our
        // own closes.
        try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: handshakeDeadline) {
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        handshakeTimer?.cancel()
        answerTimer?.cancel()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        answerTimer?.cancel()
        answerTimer =
            context.channel.isWritable
            ? nil
            : context.eventLoop.assumeIsolated().scheduleTask(in: answerDeadline) { context.close(promise: nil) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { gone() }
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { handshaken(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Whoever has shown no certificate has little to do here.
    private func handshaken(_ context: ChannelHandlerContext) {
        handshakeTimer?.cancel()
        let tls = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        guard tls?.peerCertificate == nil else { return }
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: anonymousDeadline) {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    private func gone() {
        guard !isGone else { return }
        isGone = true
        onGone(number)
    }
}
