import Content
import FleetCertificates
import STOQ
import STOQTransport
import Swarm
import Synchronization

/// One host's link to another in the swarm of one release: a stream for as long as both take part.
final class SwarmLink: Sendable {
    /// Messages that wait for a peer that does not take them; then the link is given up.
    private static let outboxLimit = 4_096

    /// The host at the other end.
    let peer: FleetIdentity
    /// The connection, for requests to the same host.
    let connection: STOQConnection
    private let stream: STOQStream
    private let size: UInt32
    private let outbox: AsyncStream<[UInt8]>.Continuation
    private let outgoing: AsyncStream<[UInt8]>
    private let handler = Mutex<Handler?>(nil)

    /// A closure in the mutex itself would be wrapped once more at every access.
    private struct Handler {
        let take: @Sendable (SwarmMessage) -> Void
    }

    /// - Parameter size: of the release's chunk log.
    init(_ stream: STOQStream, size: UInt32) {
        self.stream = stream
        self.size = size
        peer = stream.peer
        connection = stream.connection
        (outgoing, outbox) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.outboxLimit))
    }

    /// Says the first word of this side, before ``run()``. Throws `STOQError`.
    func greet(_ hello: SwarmHello) async throws {
        try await stream.send(SwarmMessage.hello(hello).encode())
    }

    /// Sends a message soon; what is sent after the end is lost.
    func send(_ message: SwarmMessage) {
        if case .dropped = outbox.yield(message.encode()) { outbox.finish() }
    }

    /// Says the last word once everything was sent.
    func finish() { outbox.finish() }

    /// Who takes what the peer says from now on.
    func onMessage(_ take: @escaping @Sendable (SwarmMessage) -> Void) {
        handler.withLock { $0 = Handler(take: take) }
    }

    /// The peer's first message. Throws `STOQError`, `CodecError`.
    func hello() async throws -> SwarmHello {
        guard let message = try await stream.next() else { throw STOQError(.cancelled, "no hello came") }
        guard case .hello(let hello) = try SwarmMessage(decoding: message.bytes, size: size) else {
            throw STOQError(.malformed, "a swarm that does not begin with a hello")
        }
        return hello
    }

    /// Sends and takes messages until either side has said its last word. Throws what broke it.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [stream, outgoing] in
                for await bytes in outgoing { try await stream.send(bytes) }
                try await stream.finish()
            }
            group.addTask {
                while let bytes = try await self.stream.next() {
                    let message = try SwarmMessage(decoding: bytes.bytes, size: self.size)
                    self.handler.withLock { $0 }?.take(message)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
