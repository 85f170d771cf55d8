import FleetCertificates
import Hashing
import NIOCore
import NIOPosix
import NIOSSL

/// The peer of STOQ: NIO and NIOSSL with the same certificates, key exchange and options of sockets, and nothing above
/// them. Whoever sends a number of bytes, as 8 bytes, gets as many, in writes of the size of STOQ's.
enum BareChannels {
    /// TCP_NOTSENT_LOWAT, as STOQ sets it.
    private static let unsentLowWater = NIOBSDSocket.Option(rawValue: 25)
    private static let unsentBytes: SocketOptionValue = 128 << 10
    /// The receive buffer of STOQ's connections for bulk.
    private static let receiveBytes = 512 << 10

    static func listen(
        _ group: any EventLoopGroup, at address: String, sending bytes: [UInt8], as credentials: HostCredentials
    ) async throws -> any Channel {
        let tls = try NIOSSLContext(configuration: configuration(credentials, isServer: true))
        let memory = ByteBuffer(bytes: bytes)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.tcpOption(unsentLowWater), value: unsentBytes)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handlers: [any ChannelHandler] = [NIOSSLServerHandler(context: tls), BareSender(memory)]
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
            .bind(host: address, port: 0).get()
    }

    static func connect(
        _ group: any EventLoopGroup, to address: String, _ port: Int, as credentials: HostCredentials
    ) async throws -> any Channel {
        let tls = try NIOSSLContext(configuration: configuration(credentials, isServer: false))
        return try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.tcpOption(unsentLowWater), value: unsentBytes)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: receiveBytes))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([handler, BareReceiver()])
                }
            }
            .connect(host: address, port: port).get()
    }

    /// Asks for `count` bytes and waits for them; their digest if it is wanted.
    static func receive(_ count: Int, hashing: Bool, from channel: any Channel) async throws -> BLAKE3Digest? {
        let promise = channel.eventLoop.makePromise(of: BLAKE3Digest?.self)
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: BareReceiver.self).expect(count, hashing, promise)
            var request = channel.allocator.buffer(capacity: 8)
            request.writeInteger(UInt64(count))
            channel.writeAndFlush(request, promise: nil)
        }.get()
        return try await promise.futureResult.get()
    }

    private static func configuration(_ credentials: HostCredentials, isServer: Bool) throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
            .map { NIOSSLCertificateSource.certificate($0) }
        let key = NIOSSLPrivateKeySource.privateKey(
            try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem))
        var configuration = TLSConfiguration.makeClientConfiguration()
        if isServer {
            configuration = .makeServerConfiguration(certificateChain: chain, privateKey: key)
        } else {
            configuration.certificateChain = chain
            configuration.privateKey = key
        }
        configuration.minimumTLSVersion = .tlsv13
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(credentials.authorityPEM.utf8)))
        configuration.applicationProtocols = ["bare/1"]
        configuration.curves = [.x25519_MLKEM768]
        return configuration
    }
}

/// Sends as many bytes as it is asked for, over and over from its memory.
private final class BareSender: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A frame of STOQ.
    private static let writeBytes = 128 << 10

    private let memory: ByteBuffer
    private var request = ByteBuffer()
    private var scratch = ByteBuffer()
    private var left = 0
    private var at = 0
    private var isSending = false

    init(_ memory: ByteBuffer) { self.memory = memory }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        request.writeBuffer(&buffer)
        guard let count = request.readInteger(as: UInt64.self) else { return }
        (left, at) = (Int(count), 0)
        send(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard !isSending else { return }
        isSending = true
        defer { isSending = false }
        while left > 0, context.channel.isWritable {
            let count = min(left, Self.writeBytes, memory.readableBytes - at)
            // After a flush TLS has let go of the buffer, so this reuses its memory, as STOQ does.
            scratch.clear()
            memory.withUnsafeReadableBytes { bytes in
                _ = scratch.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[at..<at + count]))
            }
            left -= count
            at = at + count == memory.readableBytes ? 0 : at + count
            context.writeAndFlush(wrapOutboundOut(scratch), promise: nil)
        }
    }
}

/// Counts what comes, and hashes it if that is wanted.
private final class BareReceiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var left = 0
    private var hasher: BLAKE3.Hasher?
    private var promise: EventLoopPromise<BLAKE3Digest?>?

    func expect(_ count: Int, _ isHashing: Bool, _ promise: EventLoopPromise<BLAKE3Digest?>) {
        left = count
        hasher = isHashing ? BLAKE3.Hasher() : nil
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        left -= buffer.readableBytes
        if hasher != nil { buffer.withUnsafeReadableBytes { hasher?.update($0) } }
        guard left <= 0 else { return }
        promise?.succeed(hasher?.finalize())
        promise = nil
    }

    func channelInactive(context: ChannelHandlerContext) { promise?.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise?.fail(error)
        promise = nil
        context.close(promise: nil)
    }
}
