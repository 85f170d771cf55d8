import NIOCore
import STOQ
import Synchronization

/// The way from streams to their connection: every call goes to the event loop and returns at once. Once the
/// connection is over calls do nothing, so that streams may outlive it, and the event loops too.
final class STOQWire: Sendable {
    private let loop: any EventLoop
    private let handler: NIOLoopBound<STOQChannelHandler>
    private let isOver = Mutex(false)

    init(_ handler: STOQChannelHandler, loop: any EventLoop) {
        self.loop = loop
        self.handler = NIOLoopBound(handler, eventLoop: loop)
    }

    /// Runs `body` on the event loop; false if the connection is over. The lock is held while it is put in line, so
    /// that nothing is after ``end()``, when the loop itself may end.
    @discardableResult
    private func execute(_ body: @escaping @Sendable (STOQChannelHandler) -> Void) -> Bool {
        let handler = handler
        return isOver.withLock { isOver in
            if isOver { return false }
            loop.execute { body(handler.value) }
            return true
        }
    }

    /// The connection is over.
    func end() {
        isOver.withLock { $0 = true }
    }

    /// False if the connection is over and the message will never be sent.
    func send(_ message: [UInt8], isCompressed: Bool, on number: UInt32) -> Bool {
        execute { $0.send(message, isCompressed: isCompressed, on: number) }
    }

    func finish(_ number: UInt32) {
        execute { $0.finish(number) }
    }

    func taken(_ number: UInt32, bytes: Int) {
        execute { $0.taken(number, bytes: bytes) }
    }

    func reset(_ number: UInt32, _ code: STOQErrorCode, _ reason: String) {
        execute { $0.reset(number, code, reason) }
    }

    func forget(_ number: UInt32) {
        execute { $0.forget(number) }
    }

    /// Begins a stream with its first message. Throws ``STOQError``.
    func open(_ request: [UInt8], kind: StreamKind) async throws -> STOQStream {
        try await withCheckedThrowingContinuation { continuation in
            let isOpen = execute { handler in continuation.resume(with: handler.open(request, kind: kind)) }
            if !isOpen { continuation.resume(throwing: STOQError.closed("it is over")) }
        }
    }

    /// Says goodbye and closes.
    func close(_ code: STOQErrorCode, _ reason: String) {
        execute { $0.close(code, reason) }
    }
}
