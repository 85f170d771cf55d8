import NIOCore

/// Looks at what the server's side of the handshake sends, between the socket and TLS, and changes nothing. It leaves
/// the pipeline when the handshake is done.
final class KeyShareTap: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let isServer: Bool
    private var reader = KeyShareReader()

    /// A tap on the server's side sees the ServerHello go out, one on the client's side sees it come in.
    init(isServer: Bool) {
        self.isServer = isServer
    }

    /// The name of the group; nil if no ServerHello of TLS 1.3 was seen.
    var group: String? {
        guard case .group(let group) = reader.outcome else { return nil }
        return KeyShareReader.name(of: group)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isServer, reader.outcome == .unfinished { reader.take(unwrapInboundIn(data).readableBytesView) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isServer, reader.outcome == .unfinished { reader.take(unwrapOutboundIn(data).readableBytesView) }
        context.write(data, promise: promise)
    }
}
