import Dispatch
import Synchronization

extension SourceWalk {
    /// As `run`, but another thread walks, a few batches ahead: of a tree of which little changed, looking at the files
    /// takes as long as all that is done about them. `body` is called on the caller's thread, in the order of the walk,
    /// with what is before an error before that is thrown. The other thread has ended when this returns or throws.
    func runAhead(_ body: (SourceItem) throws -> Void) throws {
        let handover = WalkHandover()
        DispatchQueue.global(qos: .userInitiated).async { handover.give(self) }
        defer { handover.end() }
        while let batch = try handover.next() {
            for item in batch { try body(item) }
        }
    }
}

/// What one thread has walked and another has not taken yet.
private final class WalkHandover: Sendable {
    private static let batches = 4
    private static let batchItems = 512
    /// Each folder is a descriptor that stays open until the batch is taken.
    private static let batchFolders = 16

    private struct State {
        var waiting: [[SourceItem]] = []
        /// Nobody takes what is walked from here on.
        var isUnwanted = false
        var failure: (any Error)?
    }

    private struct Unwanted: Error {}

    private let state = Mutex(State())
    // They begin at 0 and are signalled up to where they begin: a semaphore that is let go below its first value traps.
    private let room = DispatchSemaphore(value: 0)
    private let filled = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    init() { for _ in 0..<Self.batches { room.signal() } }

    // MARK: The thread that walks

    /// Walks all of it, and hands over what it finds.
    func give(_ walk: SourceWalk) {
        var batch: [SourceItem] = []
        var folders = 0
        do {
            try walk.run { item in
                if batch.last?.folder !== item.folder { folders += 1 }
                batch.append(item)
                guard batch.count == Self.batchItems || folders == Self.batchFolders else { return }
                try put(batch)
                batch.removeAll()
                folders = 0
            }
        } catch {
            state.withLock { $0.failure = error }
        }
        // An empty batch is the end; what was found before an error comes before it.
        if !batch.isEmpty { try? put(batch) }
        try? put([])
        hasEnded.signal()
    }

    /// Waits for room, and throws if it is not wanted any more.
    private func put(_ batch: [SourceItem]) throws(Unwanted) {
        room.wait()
        let isUnwanted = state.withLock { state in
            state.waiting.append(batch)
            return state.isUnwanted
        }
        if isUnwanted { throw Unwanted() }
        filled.signal()
    }

    // MARK: The thread that takes

    /// The next batch; nil at the end. Throws what ended the walk.
    func next() throws -> [SourceItem]? {
        filled.wait()
        let batch = state.withLock { $0.waiting.removeFirst() }
        room.signal()
        if !batch.isEmpty { return batch }
        if let failure = state.withLock({ $0.failure }) { throw failure }
        return nil
    }

    /// Nothing more is taken; returns when nothing more is walked.
    func end() {
        state.withLock { $0.isUnwanted = true }
        // The walk waits for room at most once more for each batch that it had begun, and twice for its end.
        for _ in 0..<3 { room.signal() }
        hasEnded.wait()
    }
}
