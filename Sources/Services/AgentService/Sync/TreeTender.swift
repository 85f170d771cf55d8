import FleetModel
import Logging
import STOQTransport
import Store
import Synchronization

/// Tends served trees after flips, beside everything else: nobody waits for it.
final class TreeTender: Sendable {
    private let store: Store
    private let pool: BlockingPool
    private let logger: Logger
    /// What is to be tended, by set, in the order of its coming; a newer policy takes the place of an older one.
    private let orders = Mutex<[(set: String, policy: TreePolicy)]>([])
    private let ordered = Signal()

    init(store: Store, pool: BlockingPool, logger: Logger) {
        self.store = store
        self.pool = pool
        self.logger = logger
    }

    /// Asks for the trees of a set to be tended; returns at once.
    func tend(_ set: String, _ policy: TreePolicy) {
        orders.withLock { orders in
            orders.removeAll { $0.set == set }
            orders.append((set, policy))
        }
        ordered.raise()
    }

    /// Works until the task is cancelled. With nothing to tend it looks at files of blobs, as the next flip would have to
    /// after a start and after a first release.
    func run() async {
        var folders = Store.blobFolders
        while !Task.isCancelled {
            let seen = ordered.count
            if let order = orders.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                await tend(order)
                folders = Store.blobFolders
            } else if let folder = folders.popFirst() {
                await look(folder)
            } else {
                await ordered.wait(after: seen)
            }
        }
    }

    private func tend(_ order: (set: String, policy: TreePolicy)) async {
        do {
            try await pool.run { [store] in try store.tendTrees(of: order.set, order.policy) }
        } catch {
            // The next flip makes its tree from scratch, and what was to be removed is removed after it.
            logger.warning("trees were not tended", metadata: ["set": "\(order.set)", "error": "\(error)"])
        }
    }

    private func look(_ folder: Int) async {
        do {
            try await pool.run { [store] in try store.lookAtBlobFiles(in: folder) }
        } catch {
            // The next flip looks itself, and says what is wrong.
            logger.debug("files of blobs were not looked at", metadata: ["folder": "\(folder)", "error": "\(error)"])
        }
    }
}

extension TreePolicy {
    /// What fleet.yaml says of a set.
    init(_ policy: SetPolicy) {
        // With `ingest: link` inodes are the publisher's own files: their times are not ours to change.
        self.init(
            keepReleases: policy.keepReleases, lingerSeconds: policy.lingerSeconds,
            copyLimit: policy.ingest == .link ? nil : policy.copyLimit)
    }

    /// What a plan says; a line of an older coordinator says nothing and means the defaults.
    init(_ line: PlanLine) {
        let fallback = TreePolicy()
        self.init(
            keepReleases: line.keepReleases ?? fallback.keepReleases,
            lingerSeconds: line.lingerSeconds ?? fallback.lingerSeconds, copyLimit: line.copyLimit)
    }
}
