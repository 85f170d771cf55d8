package import Content
package import STOQ
import Synchronization

/// Chunks that came in the last moments, in the memory they came in: most of what is passed on to other mirrors is asked
/// for just after it arrived, and need not be read from the disk.
package final class RecentChunks: Sendable {
    private struct Kept {
        let message: STOQMessage
        let digests: [ChunkDigest]
    }

    private struct State {
        var places: [ChunkDigest: (message: STOQMessage, range: Range<Int>)] = [:]
        /// The oldest first; nil for what was forgotten, whose memory is free at once then.
        var kept: [Kept?] = []
        var first = 0
        var bytes = 0
    }

    private let byteLimit: Int
    private let state = Mutex(State())

    /// Keeps messages of up to `byteLimit` bytes; their memory may be twice that.
    package init(byteLimit: Int = 16 << 20) { self.byteLimit = byteLimit }

    /// Keeps chunks of a message that were verified, by where they are in it.
    package func keep(_ chunks: [(digest: ChunkDigest, range: Range<Int>)], of message: STOQMessage) {
        guard !chunks.isEmpty else { return }
        state.withLock { state in
            for chunk in chunks { state.places[chunk.digest] = (message, chunk.range) }
            state.kept.append(Kept(message: message, digests: chunks.map(\.digest)))
            state.bytes += message.byteCount
            while state.bytes > byteLimit, let oldest = state.kept[state.first] {
                state.kept[state.first] = nil
                state.first += 1
                state.bytes -= oldest.message.byteCount
                for digest in oldest.digests where state.places[digest]?.message === oldest.message {
                    state.places[digest] = nil
                }
            }
            if state.first > 256 {
                state.kept.removeSubrange(..<state.first)
                state.first = 0
            }
        }
    }

    /// Copies a chunk into `buffer`, which has its length; false if it is not kept.
    package func copy(_ digest: ChunkDigest, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let (message, range) = state.withLock({ $0.places[digest] }), range.count == buffer.count else {
            return false
        }
        message.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
        return true
    }

    /// The length of a chunk that is kept.
    package func length(of digest: ChunkDigest) -> Int? { state.withLock { $0.places[digest]?.range.count } }

    /// Forgets everything.
    package func clear() { state.withLock { $0 = State() } }
}
