package import Content
import Database
import Retention
import Synchronization

/// What sessions, readers and the collector share: the machine that says what may be swept.
///
/// Whoever sweeps a batch holds the lock for as long as that takes, so nobody begins to count on what is being removed.
/// Taken before the lock of groups and before the database, never after.
final class CollectionGate: Sendable {
    let machine = Mutex(CollectionMachine<NodeDigest>())
    /// A collection runs: there is one at a time.
    let isRunning = Mutex(false)

    func sessionBegan(_ set: String) { machine.withLock { $0.sessionBegan(set) } }
    func sessionSettled(_ set: String, on root: NodeDigest) { machine.withLock { $0.sessionSettled(set, on: root) } }
    func sessionEnded(_ set: String, leavesRows: Bool) {
        machine.withLock { $0.sessionEnded(set, leavesRows: leavesRows) }
    }
}

/// A reader's hold on the content of one release: nothing of it is collected while this lives.
package final class StorePin: Sendable {
    package let root: NodeDigest
    private let gate: CollectionGate

    init(_ root: NodeDigest, _ gate: CollectionGate) {
        self.root = root
        self.gate = gate
    }

    deinit { gate.machine.withLock { $0.unpin(root) } }
}

extension Store {
    /// Keeps everything that a held release names for as long as the pin lives; nil `sequence` means the head. Nil if
    /// the release is not held.
    /// - Throws: `StoreError` if the release cannot be read.
    package func pin(set: String, sequence: UInt64? = nil) throws -> StorePin? {
        try gate.machine.withLock { machine in
            let root = try database.read { session -> NodeDigest? in
                guard let record = try session.contentSet(set), let wanted = sequence ?? record.head else { return nil }
                return try session.release(record.number, wanted)?.root
            }
            guard let root else { return nil }
            machine.pin(root)
            return StorePin(root, gate)
        }
    }
}
