import STOQ
import STOQTransport

extension STOQStream {
    /// The next message, nil after the last. Throws `late` when none comes within `patience`, and what ended the stream.
    func next(within patience: Duration, late: any Error) async throws -> STOQMessage? {
        try await withThrowingTaskGroup(of: STOQMessage?.self) { group in
            group.addTask { try await self.next() }
            group.addTask {
                try await Task.sleep(for: patience)
                throw late
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
