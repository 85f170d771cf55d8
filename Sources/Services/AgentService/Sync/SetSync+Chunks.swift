import Content
import FleetModel
import Hashing
import Logging
import STOQ
import STOQTransport
import Store
import Synchronization

/// Fetching chunks from all sources at once.
extension SetSync {
    /// Fetches `missing` into the session. Throws ``SyncError`` when no source can deliver what is left.
    func fetchChunks(_ missing: [ChunkReference], _ session: FetchSession, _ meter: SyncMeter) async throws {
        guard !missing.isEmpty else { return }
        let usable = sources.sources.prefix(ChunkQueue.sourceLimit).filter { sources.isUsable($0) }
        let fetch = ChunkFetch(queue: ChunkQueue(missing: missing, sources: usable.count))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, source) in usable.enumerated() {
                for _ in 0..<ChunkQueue.requestLimit {
                    group.addTask { try await self.work(for: source, index, fetch, session, meter) }
                }
            }
            do {
                while try await group.next() != nil {
                    // Sources that are still being asked for what others delivered first are not waited for.
                    if fetch.isComplete { group.cancelAll() }
                }
            } catch is CancellationError where fetch.isComplete {
                group.cancelAll()
            }
        }
        guard fetch.isComplete else {
            try Task.checkCancellation()
            if let chunk = fetch.stuckChunk { throw SyncError.missingChunk(chunk) }
            throw SyncError.noSource(set: line.set, reasons: fetch.failures)
        }
    }

    /// Asks one source for batch after batch until there is nothing left that it can help with.
    private func work(
        for source: PlanSource, _ index: Int, _ fetch: ChunkFetch, _ session: FetchSession, _ meter: SyncMeter
    ) async throws {
        while sources.isUsable(source) {
            let seen = fetch.settled.count
            switch fetch.next(for: index) {
            case .done: return
            case .wait(nil): await fetch.settled.wait(after: seen)
            case .wait(let until?): await fetch.settled.wait(after: seen, atMost: until - fetch.now)
            case .ask(let batch):
                try Task.checkCancellation()
                var taken = BatchResult()
                do {
                    try await ask(batch, at: source, fetch, session, meter, into: &taken)
                    if !taken.corrupt.isEmpty { distrust(source.name, taken.corrupt.map { fetch.missing[$0].digest }) }
                    fetch.settle(batch, taken)
                } catch {
                    fetch.giveBack(batch, taken)
                    if error is CancellationError || !SyncError.blames(error) { throw error }
                    if SyncError.isLie(error) { accuse(source, error) }
                    guard sources.isUsable(source), let pause = sources.failed(source) else {
                        fetch.drop(index, reason: "\(source.name): \(error)")
                        return
                    }
                    try await Task.sleep(for: pause)
                }
            }
            try Task.checkCancellation()
        }
        fetch.drop(index, reason: "\(source.name): given up before")
    }

    /// One request: each message of the answer is verified and written as it comes.
    private func ask(
        _ batch: ChunkQueue.Batch, at source: PlanSource, _ fetch: ChunkFetch, _ session: FetchSession,
        _ meter: SyncMeter, into taken: inout BatchResult
    ) async throws {
        let digests = batch.positions.map { fetch.missing[$0].digest }
        var rules = STOQAnswerRules(
            limits: batch.positions.map { Int(fetch.missing[$0].length) }, allowsParts: false)
        try await messages(.chunks(set: line.set, digests), kind: .bulk, at: source) { message in
            let answer = try STOQAnswer(message)
            try rules.check(answer)
            let result = try await pool.run { try Self.supply(answer, digests, session) }
            taken.received += result.received.map { batch.positions[$0] }
            taken.corrupt += result.corrupt.map { batch.positions[$0] }
            meter.add(chunks: result.received.count, bytes: result.bytes)
        }
    }

    /// Verifies and stores the chunks of one message; positions are those in the request. Throws `StoreError`.
    static func supply(
        _ answer: STOQAnswer, _ digests: [ChunkDigest], _ session: FetchSession
    ) throws -> SuppliedChunks {
        try answer.message.withUnsafeBytes { buffer in
            let chunks = answer.items.map { item in
                (digests[item.index], UnsafeRawBufferPointer(rebasing: buffer[item.range]))
            }
            let wrong = Set(try session.supply(chunks: chunks))
            var supplied = SuppliedChunks()
            for (item, (digest, chunk)) in zip(answer.items, chunks) {
                // A chunk that came late, when the session is further on already, is refused too, and is no lie.
                if wrong.contains(digest), BLAKE3.hash(chunk) != digest.raw {
                    supplied.corrupt.append(item.index)
                } else {
                    supplied.received.append(item.index)
                    supplied.bytes += chunk.count
                }
            }
            return supplied
        }
    }

    /// Names a source that sent what it cannot have been asked for, or what is not true, and asks it for nothing more.
    func accuse(_ source: PlanSource, _ error: any Error) {
        sources.giveUp(source.name)
        logger.error(
            "a source lies",
            metadata: ["source": "\(source.name)", "set": "\(line.set)", "error": "\(error)"])
        activity.raise(
            Problem(
                code: "wrong-answer", mirror: host, set: line.set,
                message: "\(source.name) sent \(host) a wrong answer for \(line.set): \(error)",
                hint: "fleetctl verify \(source.name)"),
            now: clock.now())
    }

    /// Names a source that sent wrong bytes, in the log and in the next report, and asks it for nothing more.
    func distrust(_ source: String, _ chunks: [ChunkDigest]) {
        sources.giveUp(source)
        logger.error(
            "a source sent wrong bytes",
            metadata: [
                "source": "\(source)", "set": "\(line.set)", "chunks": "\(chunks.count)",
                "chunk": "\(chunks.first.map { "\($0)" } ?? "-")",
            ])
        activity.raise(
            Problem(
                code: "wrong-bytes", mirror: host, set: line.set,
                message: "\(source) sent \(host) wrong bytes for \(chunks.count) chunks of \(line.set)",
                hint: "fleetctl verify \(source)"),
            now: clock.now())
    }
}

/// What came of one request.
struct BatchResult {
    var received: [Int] = []
    var corrupt: [Int] = []
}

/// The queue that the workers of one sync share.
private final class ChunkFetch: Sendable {
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
