import STOQ
import Synchronization

/// What arrived on one stream and was not taken yet. The event loop puts in, one task takes out.
final class StreamInbox: Sendable {
    private struct State {
        var messages: [STOQMessage] = []
        var next = 0
        var isFinished = false
        var failure: STOQError?
        var waiter: Ticket<STOQMessage?>?
    }

    private enum Step {
        case message(STOQMessage)
        case end
        case failed(STOQError)
        case wait(Ticket<STOQMessage?>)
    }

    private let state = Mutex(State())

    /// Why the stream ended before its time; nil if it did not.
    var failure: STOQError? { state.withLock { $0.failure } }

    /// The next message, nil after the last.
    func next() async throws -> STOQMessage? {
        let step: Step = state.withLock { state in
            if let failure = state.failure { return .failed(failure) }
            if let message = Self.pop(&state) { return .message(message) }
            if state.isFinished { return .end }
            let ticket = Ticket<STOQMessage?>()
            precondition(state.waiter?.isSettled ?? true, "two tasks wait for messages of one stream")
            state.waiter = ticket
            return .wait(ticket)
        }
        switch step {
        case .message(let message): return message
        case .end: return nil
        case .failed(let failure): throw failure
        case .wait(let ticket): return try await ticket.value {}
        }
    }

    func put(_ message: STOQMessage) {
        let ticket: Ticket<STOQMessage?>? = state.withLock { state in
            guard state.failure == nil else { return nil }
            if let waiter = state.waiter {
                state.waiter = nil
                return waiter
            }
            state.messages.append(message)
            return nil
        }
        guard let ticket else { return }
        // A waiter that was cancelled in this moment leaves the message for the next one.
        if !ticket.settle(.success(message)) { put(message) }
    }

    /// Drops what was not taken; what it cost.
    func drain() -> Int {
        state.withLock { state in
            var cost = 0
            while let message = Self.pop(&state) { cost += message.cost }
            return cost
        }
    }

    /// The peer's last word.
    func finish() {
        let ticket = state.withLock { state in
            state.isFinished = true
            defer { state.waiter = nil }
            return state.waiter
        }
        ticket?.settle(.success(nil))
    }

    /// The stream ended before its time: what was not taken is dropped.
    func fail(_ error: STOQError) {
        let ticket = state.withLock { state -> Ticket<STOQMessage?>? in
            guard state.failure == nil else { return nil }
            state.failure = error
            state.messages = []
            state.next = 0
            defer { state.waiter = nil }
            return state.waiter
        }
        ticket?.settle(.failure(error))
    }

    private static func pop(_ state: inout State) -> STOQMessage? {
        guard state.next < state.messages.count else { return nil }
        let message = state.messages[state.next]
        state.next += 1
        if state.next == state.messages.count {
            state.messages.removeAll(keepingCapacity: true)
            state.next = 0
        } else if state.next > 64 {
            state.messages.removeSubrange(..<state.next)
            state.next = 0
        }
        return message
    }
}
