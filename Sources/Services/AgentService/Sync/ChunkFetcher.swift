import Content
import FleetModel
import STOQ
import STOQTransport
import Synchronization

/// Fetching chunks from all sources at once, for whoever verifies and keeps them.
struct ChunkFetcher: Sendable {
    /// What takes chunks, and hears of sources that lie.
    struct Sink: Sendable {
        /// Verifies and keeps the chunks of one answer to a request for these: positions in the request.
        let supply: @Sendable (STOQAnswer, [ChunkDigest]) async throws -> SuppliedChunks
        /// Takes note of a source that sent wrong chunks, and asks it for nothing more.
        let distrust: @Sendable (String, [ChunkDigest]) -> Void
        /// Takes note of a source that sent what it cannot have been asked for, and asks it for nothing more.
        let accuse: @Sendable (PlanSource, any Error) -> Void
    }

    /// Refusals in a row of a source that is busy, after which it counts as one that fails.
    private static let refusalLimit = 120

    let set: String
    let sources: SourcePool
    let sink: Sink

    /// Fetches `missing`. Throws ``SyncError`` when no source can deliver what is left.
    func fetch(_ missing: [ChunkReference]) async throws {
        guard !missing.isEmpty else { return }
        let usable = sources.sources.prefix(ChunkQueue.sourceLimit).filter { sources.isUsable($0) }
        let share = SharedQueue(queue: ChunkQueue(missing: missing, sources: usable.count))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, source) in usable.enumerated() {
                for _ in 0..<ChunkQueue.requestLimit {
                    group.addTask { try await self.work(for: source, index, share) }
                }
            }
            do {
                while try await group.next() != nil {
                    // Sources that are still being asked for what others delivered first are not waited for.
                    if share.isComplete { group.cancelAll() }
                }
            } catch is CancellationError where share.isComplete {
                group.cancelAll()
            }
        }
        guard share.isComplete else {
            try Task.checkCancellation()
            if let chunk = share.stuckChunk { throw SyncError.missingChunk(chunk) }
            throw SyncError.noSource(set: set, reasons: share.failures)
        }
    }

    /// Asks one source for batch after batch until there is nothing left that it can help with.
    private func work(for source: PlanSource, _ index: Int, _ share: SharedQueue) async throws {
        var refusals = 0
        while sources.isUsable(source) {
            let seen = share.settled.count
            switch share.next(for: index) {
            case .done: return
            case .wait(nil): await share.settled.wait(after: seen)
            case .wait(let until?): await share.settled.wait(after: seen, atMost: until - share.now)
            case .ask(let batch):
                try Task.checkCancellation()
                var taken = BatchResult()
                do {
                    try await ask(batch, at: source, share, into: &taken)
                    if !taken.corrupt.isEmpty {
                        sink.distrust(source.name, taken.corrupt.map { share.missing[$0].digest })
                    }
                    share.settle(batch, taken)
                    refusals = 0
                } catch {
                    share.giveBack(batch, taken)
                    if error is CancellationError || !SyncError.blames(error) { throw error }
                    if SyncError.isLie(error) { sink.accuse(source, error) }
                    if let wait = SyncError.wait(askedFor: error), refusals < Self.refusalLimit {
                        // It has no slot now, which is no fault; others are asked for the batch meanwhile.
                        refusals += 1
                        try await Task.sleep(for: wait)
                        continue
                    }
                    guard sources.isUsable(source), let pause = sources.failed(source) else {
                        share.drop(index, reason: "\(source.name): \(error)")
                        return
                    }
                    try await Task.sleep(for: pause)
                }
            }
            try Task.checkCancellation()
        }
        share.drop(index, reason: "\(source.name): given up before")
    }

    /// One request: each message of the answer is verified and written as it comes.
    private func ask(
        _ batch: ChunkQueue.Batch, at source: PlanSource, _ share: SharedQueue, into taken: inout BatchResult
    ) async throws {
        let digests = batch.positions.map { share.missing[$0].digest }
        var rules = STOQAnswerRules(
            limits: batch.positions.map { Int(share.missing[$0].length) }, allowsParts: false)
        try await AnswerReader(sources: sources).messages(.chunks(set: set, digests), at: source) {
            message in
            let answer = try STOQAnswer(message)
            try rules.check(answer)
            let result = try await sink.supply(answer, digests)
            taken.received += result.received.map { batch.positions[$0] }
            taken.corrupt += result.corrupt.map { batch.positions[$0] }
        }
    }
}

/// What came of the chunks of one message: positions in the request.
struct SuppliedChunks: Sendable {
    var received: [Int] = []
    var corrupt: [Int] = []
    var bytes = 0
}

/// What came of one request.
private struct BatchResult {
    var received: [Int] = []
    var corrupt: [Int] = []
}

/// The queue that the workers of one fetch share.
private final class SharedQueue: Sendable {
    let missing: [ChunkReference]
    /// Raised when a batch was settled: those who found nothing to do look again.
    let settled = Signal()

    private struct State {
        var queue: ChunkQueue
        var failures: [String] = []
    }

    private let state: Mutex<State>
    private let began = ContinuousClock.now

    init(queue: ChunkQueue) {
        missing = queue.missing
        state = Mutex(State(queue: queue))
    }

    /// Time since the beginning, as the queue wants it.
    var now: Duration { .now - began }
    var isComplete: Bool { state.withLock { $0.queue.isComplete } }
    var stuckChunk: ChunkDigest? {
        state.withLock { state in state.queue.stuckPosition.map { missing[$0].digest } }
    }
    var failures: [String] { state.withLock { $0.failures } }

    func next(for source: Int) -> ChunkQueue.Step {
        state.withLock { $0.queue.next(for: source, at: now) }
    }

    func settle(_ batch: ChunkQueue.Batch, _ result: BatchResult) {
        state.withLock {
            $0.queue.settle(batch, received: result.received, corrupt: result.corrupt, at: now)
        }
        settled.raise()
    }

    func giveBack(_ batch: ChunkQueue.Batch, _ result: BatchResult) {
        state.withLock { $0.queue.giveBack(batch, received: result.received) }
        settled.raise()
    }

    func drop(_ source: Int, reason: String) {
        state.withLock { state in
            state.queue.drop(source: source)
            state.failures.append(reason)
        }
        settled.raise()
    }
}
