import Content
import Hashing
import Synchronization

/// Lets one thread at a time work on a chunk: the same chunk may come from two sources at once, and whoever is second
/// must not say that it is here while the first still writes it.
final class ChunkTurns: Sendable {
    private final class Turn: Sendable {
        let lock = Mutex(())
    }

    /// One for each first byte of a digest: many more than threads, so that chunks which share one seldom meet.
    private let turns = (0..<256).map { _ in Turn() }

    /// Runs `body` when no other thread runs one for `chunk`; it must not ask for another turn.
    func withTurn<Value>(_ chunk: ChunkDigest, _ body: () throws -> Value) rethrows -> Value {
        try turns[chunk.raw.withUnsafeBytes { Int($0[0]) }].lock.withLock { _ in try body() }
    }
}
