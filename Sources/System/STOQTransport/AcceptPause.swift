import Glibc
import NIOCore

/// Stops accepting for a moment when descriptors or memory run out. Without it swift-nio tries again at once, and spins.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = Channel
    typealias InboundOut = Channel

    private static let pause = TimeAmount.milliseconds(100)
    private static let shortages = [EMFILE, ENFILE, ENOBUFS, ENOMEM]

    private let note: @Sendable (IOError) -> Void
    private var isPaused = false

    /// `note` is told every error of accepting.
    init(_ note: @escaping @Sendable (IOError) -> Void) {
        self.note = note
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError else { return context.fireErrorCaught(error) }
        note(error)
        guard Self.shortages.contains(error.errnoCode), !isPaused else { return }
        isPaused = true
        let options = context.channel.syncOptions
        try? options?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            try? options?.setOption(.autoRead, value: true)
        }
    }
}
