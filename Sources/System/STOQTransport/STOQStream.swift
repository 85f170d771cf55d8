package import FleetCertificates
package import STOQ

/// One stream: messages both ways, in order. One task reads and one writes at a time.
///
/// Dropping the last reference to a stream that is not over resets it with `cancelled`.
package final class STOQStream: Sendable {
    /// The number on the connection.
    package let id: STOQStreamID
    /// What it carries.
    package let kind: StreamKind
    /// Who is at the other end.
    package var peer: FleetIdentity { connection.peer }

    /// The connection that it is on; further streams can be opened there.
    package let connection: STOQConnection
    private let inbox: StreamInbox

    init(id: STOQStreamID, kind: StreamKind, connection: STOQConnection, inbox: StreamInbox) {
        self.id = id
        self.kind = kind
        self.connection = connection
        self.inbox = inbox
    }

    deinit {
        connection.drop(id)
    }

    /// Sends a message of up to 1 MiB + 64 KiB. Returns when there is room for another: one message waits while the
    /// one before goes out, so a peer that takes nothing holds up the sender and not its memory.
    /// Throws ``STOQError`` when the stream is over, `CancellationError` when the task is cancelled; the message may
    /// then have gone out.
    package func send(_ message: [UInt8]) async throws {
        try await send { try OutgoingMessage(message, compression: $0) }
    }

    /// The same for a message that was built here; it must not change any more.
    /// - Throws: `STOQError` when the stream or its connection is over.
    package func send(_ message: STOQMessage) async throws {
        try await send { try OutgoingMessage(message, compression: $0) }
    }

    private func send(_ make: (OutgoingMessage.Compression) throws -> OutgoingMessage) async throws {
        if let failure = inbox.failure { throw failure }
        let outgoing = try make(OutgoingMessage.compression(for: kind, roundTrip: connection.roundTrip))
        try await connection.send(outgoing, on: id)
    }

    /// Where the memory of messages comes from.
    package var pool: STOQSlabPool { connection.pool }

    /// Says the last word in this direction, after what was sent. Again, it does nothing.
    /// Throws ``STOQError`` when the stream ended before its time.
    package func finish() async throws {
        if let failure = inbox.failure { throw failure }
        connection.finish(id)
    }

    /// The next message; nil when the peer has said its last word. Taking a message lets the peer send more.
    /// Throws ``STOQError`` when the stream ended before its time, `CancellationError` when the task is cancelled;
    /// the stream can still be used then.
    package func next() async throws -> STOQMessage? {
        guard let message = try await inbox.next() else { return nil }
        connection.consumed(id, cost: message.cost)
        do throws(ZstdError) {
            return try message.decompressed(pool: connection.pool)
        } catch {
            let failure = STOQError(.malformed, "\(error)")
            reset(.malformed, "\(error)")
            inbox.fail(failure)
            throw failure
        }
    }

    /// Names the content set that the stream is about, for its share of the bandwidth. Streams of requests that name one
    /// have it already.
    package func assign(to set: String) {
        connection.assign(id, to: set)
    }

    /// Ends the stream in both directions; `reason` is for the peer's log, at most 256 bytes of it. What either side
    /// has sent and the other not taken is lost.
    package func reset(_ code: STOQErrorCode, _ reason: String) {
        connection.reset(id, code, reason)
    }
}
