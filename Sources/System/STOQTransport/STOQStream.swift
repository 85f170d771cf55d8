import NIOCore
package import STOQ
import Synchronization

/// One request and its answers, or a longer exchange: messages both ways, in order.
///
/// Any task may use it; one at a time takes messages, one at a time sends. Dropping the last reference without having
/// read to the end resets the stream.
package final class STOQStream: Sendable {
    /// A message that came in, as it was on the wire.
    struct Incoming: Sendable {
        let message: STOQMessage
        let isCompressed: Bool
    }

    private struct State {
        var inbox: [Incoming] = []
        var reader: CheckedContinuation<Void, Never>?
        var isEnded = false
        var failure: STOQError?
        var sender: CheckedContinuation<Void, any Error>?
    }

    let number: UInt32
    private let wire: STOQWire
    private let state = Mutex(State())

    init(number: UInt32, wire: STOQWire) {
        self.number = number
        self.wire = wire
    }

    deinit {
        wire.forget(number)
    }

    /// The next message; nil when the peer sends nothing more. Throws ``STOQError``, or when the task is cancelled.
    package func next() async throws -> STOQMessage? {
        while true {
            try Task.checkCancellation()
            let (incoming, isOver) = try state.withLock { state in
                if !state.inbox.isEmpty { return (state.inbox.removeFirst() as Incoming?, false) }
                if let failure = state.failure { throw failure }
                return (nil, state.isEnded)
            }
            if let incoming {
                wire.taken(number, bytes: incoming.message.byteCount)
                return incoming.isCompressed ? try Self.inflate(incoming.message) : incoming.message
            }
            if isOver { return nil }
            await waitForMessage()
        }
    }

    private func waitForMessage() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.inbox.isEmpty || state.isEnded || state.failure != nil || Task.isCancelled { return true }
                    state.reader = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }?.resume()
        }
    }

    private static func inflate(_ message: STOQMessage) throws -> STOQMessage {
        let bytes = try message.withUnsafeBytes { try STOQCompression.decompress($0) }
        let slab = Slab.small(bytes.count)
        bytes.withUnsafeBytes { if let base = $0.baseAddress { slab.memory.copyMemory(from: base, byteCount: $0.count) } }
        return STOQMessage(slab: slab, byteCount: bytes.count)
    }

    /// Sends a message of at most ``STOQLimits/messageByteCount`` bytes. Returns once little is left to send on this
    /// stream, so a slow peer slows its caller down. Throws ``STOQError``.
    package func send(_ message: [UInt8]) async throws {
        let compressed = STOQCompression.compress(message)
        let wire = wire
        let number = number
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let failure = state.withLock { state -> (any Error)? in
                    if let failure = state.failure { return failure }
                    if Task.isCancelled { return CancellationError() }
                    state.sender = continuation
                    return nil
                }
                if let failure { return continuation.resume(throwing: failure) }
                if !wire.send(compressed ?? message, isCompressed: compressed != nil, on: number) {
                    fail(.closed("it is over"))
                }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.sender = nil }
                return state.sender
            }?.resume(throwing: CancellationError())
        }
    }

    /// Says that nothing more will be sent. Returns at once; what was sent before still goes out.
    package func finish() async throws {
        wire.finish(number)
    }

    /// Gives the stream up, for a reason that the peer is told.
    package func reset(_ code: STOQErrorCode, _ reason: String) {
        fail(.reset(code, reason))
        wire.reset(number, code, reason)
    }

    // MARK: Called by the connection

    func deliver(_ incoming: Incoming, isLast: Bool) {
        state.withLock { state in
            if state.failure == nil { state.inbox.append(incoming) }
            state.isEnded = state.isEnded || isLast
            defer { state.reader = nil }
            return state.reader
        }?.resume()
    }

    func end() {
        state.withLock { state in
            state.isEnded = true
            defer { state.reader = nil }
            return state.reader
        }?.resume()
    }

    func fail(_ failure: STOQError) {
        let (reader, sender) = state.withLock { state in
            defer {
                state.reader = nil
                state.sender = nil
            }
            // What came whole before the end is still good; a failure after the end changes nothing.
            if state.failure == nil, !state.isEnded { state.failure = failure }
            return (state.reader, state.sender)
        }
        reader?.resume()
        sender?.resume(throwing: failure)
    }

    /// Lets the sender go on: what it sent is on its way.
    func drained() {
        state.withLock { state in
            defer { state.sender = nil }
            return state.sender
        }?.resume()
    }
}
