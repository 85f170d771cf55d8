import Synchronization

/// Keeps the trees of one set to one thread at a time: a flip, the making of a spare, the renames of a removal.
final class TreeLock: Sendable {
    let lock = Mutex<Void>(())
    /// Somebody tends the trees of the set: a second one would only wait for the first.
    let isTended = Mutex<Bool>(false)
}

extension Store {
    func treeLock(_ set: String) -> TreeLock {
        treeLocks.withLock { locks in
            if let lock = locks[set] { return lock }
            let lock = TreeLock()
            locks[set] = lock
            return lock
        }
    }

    /// Runs `body` when nobody else changes the trees of the set. A flip that waits here for a spare waits no longer
    /// than linking its own tree would take.
    func withTrees<Result>(of set: String, _ body: () throws -> Result) throws -> Result {
        var outcome: Result?
        try treeLock(set).lock.withLock { _ in outcome = try body() }
        guard let outcome else { preconditionFailure("the lock of trees returned without running") }
        return outcome
    }
}
