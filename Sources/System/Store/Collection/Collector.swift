import Content
import Database
import Dispatch
import Glibc
import LinuxIO
import Retention
import Synchronization

/// One pass of a collection: marks what stays, gives chunks another place that would go with their blob, and removes
/// the rest batch by batch.
///
/// The order, and what a crash between two steps leaves, stands in docs/formats/store-layout.md.
struct Collector {
    /// Why a pass cannot go on.
    enum Interruption: Error {
        /// A session ended without saying what it needed, or rows were taken away: the marks may be wrong.
        case disturbed
        /// Sessions of these sets took longer to decide than the caller waits.
        case outOfPatience([String])
    }

    /// Rows of one batch: a few milliseconds for the database and for the files.
    static let batch = 512

    let store: Store
    let options: CollectionOptions
    let scope: CollectionScope
    let marks: CollectionMarks
    /// Opened before anything is removed: a sync through it covers every removal.
    let durability: Folder
    var outcome = CollectionOutcome()
    private var patience: Duration

    /// Begins a pass. The caller holds the store's one place for a collection.
    init(_ store: Store, _ options: CollectionOptions) throws {
        self.store = store
        self.options = options
        durability = try store.staging.subfolder(".")
        marks = CollectionMarks(store)
        patience = options.patience
        // Under the lock, so that every session either is among those of the machine, or sees what this pass leaves.
        scope = try store.gate.machine.withLock { machine in
            let scope = try CollectionScope(store, keepsOnlyServed: options.keepsOnlyServed)
            machine.begin(keeping: scope.kept.keys)
            return scope
        }
    }

    /// Goes all the way. Throws `Interruption`, `StoreError.cannotCollect` and what the disk says; what was removed
    /// until then needed no more to be removed.
    mutating func run() throws -> CollectionOutcome {
        store.note(.collectMark)
        try markAll()
        guard !options.dryRun else {
            try count()
            return outcome
        }
        try rescue()
        store.gate.machine.withLock { $0.rescued() }
        store.note(.collectSweep)
        try sweep()
        return outcome
    }

    /// A number that the pass looks at, and that nothing marked.
    func isDying(blob: Int64) -> Bool { blob <= scope.lastBlob && !marks.blobs.contains(blob) }

    // MARK: Marking

    private mutating func markAll() throws {
        while true {
            switch store.gate.machine.withLock({ $0.step }) {
            case .mark(let root): try mark(root)
            case .wait: try wait()
            case .beginAgain, .rest: throw Interruption.disturbed
            case .rescue, .sweep: return
            }
        }
    }

    private func mark(_ root: NodeDigest) throws {
        let set = scope.kept[root]
        // What a session or a reader needs beside the kept releases is not known to be here with its times.
        let isWhole = set != nil && !scope.unfinished.contains(root)
        do {
            try marks.mark(root, of: set, isWhole: isWhole)
        } catch let error as ManifestError {
            let name = set.flatMap { scope.names[$0] } ?? "a set that is being read"
            throw StoreError.cannotCollect(set: name, root: root, reason: "\(error)")
        }
        store.gate.machine.withLock { $0.marked(root) }
    }

    /// Waits a little for sessions that are deciding.
    private mutating func wait() throws {
        let pause = Duration.milliseconds(20)
        guard patience > .zero else {
            throw Interruption.outOfPatience(store.gate.machine.withLock { $0.deciding })
        }
        patience -= pause
        usleep(20_000)
    }

    // MARK: Batches

    /// Runs one batch while no session can begin, once none is deciding and everything needed is marked.
    mutating func inBatch<Result>(
        _ body: (CollectionMachine<NodeDigest>, inout CollectionOutcome) throws -> Result
    ) throws -> Result {
        while true {
            let began = DispatchTime.now().uptimeNanoseconds
            let (step, result) = try store.gate.machine.withLock { machine in
                let step = machine.step
                return (step, step == .sweep ? try body(machine, &outcome) : nil)
            }
            switch step {
            case .sweep:
                if options.isGentle {
                    let spent = (DispatchTime.now().uptimeNanoseconds - began) / 1_000
                    usleep(UInt32(clamping: min(spent, 500_000)))
                }
                if let result { return result }
            case .mark(let root): try mark(root)
            case .wait: try wait()
            case .beginAgain, .rest, .rescue: throw Interruption.disturbed
            }
        }
    }

    /// Gives the rows of a table with numbers up to `last` to `body`, a batch at a time, ascending.
    /// - Parameter sql: selects with `?1` the number above which to begin, and `?2` how many rows.
    mutating func inBatches<Element>(
        _ sql: String, _ transform: (Row) throws -> (number: Int64, element: Element),
        _ body: ([Element], inout CollectionOutcome) throws -> Void
    ) throws {
        var last: Int64 = -1
        while true {
            let store = store
            let end = try inBatch { _, outcome -> Int64? in
                let rows = try store.database.rows(
                    sql, [.integer(last), .integer(Self.batch)], transform)
                guard let end = rows.last?.number else { return nil }
                try body(rows.map(\.element), &outcome)
                return end
            }
            guard let end else { return }
            last = end
        }
    }
}
