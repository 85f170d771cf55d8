import Content
import Exploration
import Hashing
import Testing

import AgentService

@Suite("Chunk queue")
struct ChunkQueueTests {
    private func chunks(_ count: Int, length: UInt32 = 100_000) -> [ChunkReference] {
        (0..<count).map { ChunkReference(digest: ChunkDigest(BLAKE3.hash(Array("\($0)".utf8))), length: length) }
    }

    private func ask(_ queue: inout ChunkQueue, _ source: Int) throws -> ChunkQueue.Batch {
        guard case .ask(let batch) = queue.next(for: source, at: .zero) else { throw Unexpected() }
        return batch
    }

    private struct Unexpected: Error {}

    @Test("A batch holds at most a mebibyte, in the order of the files")
    func batchLimit() throws {
        var queue = ChunkQueue(missing: chunks(25), sources: 1)
        let first = try ask(&queue, 0)
        #expect(first.positions == Array(0..<10))
        // Until it has delivered, a source gets one request.
        #expect(queue.next(for: 0, at: .zero) == .wait(until: nil))
        queue.settle(first, received: first.positions, corrupt: [], at: .zero)
        #expect(try ask(&queue, 0).positions == Array(10..<20))
    }

    @Test("A chunk larger than a batch goes alone")
    func largeChunk() throws {
        var queue = ChunkQueue(missing: chunks(2, length: 2 << 20), sources: 1)
        #expect(try ask(&queue, 0).positions == [0])
    }

    @Test("What one source does not have is asked of another before anything new")
    func absent() throws {
        var queue = ChunkQueue(missing: chunks(15), sources: 2)
        let first = try ask(&queue, 0)
        queue.settle(first, received: Array(first.positions.dropFirst(2)), corrupt: [], at: .zero)
        #expect(try ask(&queue, 1).positions.prefix(2) == [0, 1])
    }

    @Test("A source is never asked twice for what it did not deliver")
    func neverTwice() throws {
        var queue = ChunkQueue(missing: chunks(1), sources: 1)
        let batch = try ask(&queue, 0)
        queue.settle(batch, received: [], corrupt: [], at: .zero)
        #expect(queue.next(for: 0, at: .zero) == .done)
        #expect(queue.isStuck)
        #expect(queue.stuckPosition == 0)
    }

    @Test("A source that sent wrong bytes is asked for nothing any more")
    func corrupt() throws {
        var queue = ChunkQueue(missing: chunks(30), sources: 2)
        let batch = try ask(&queue, 0)
        queue.settle(batch, received: Array(batch.positions.dropLast()), corrupt: [9], at: .zero)
        #expect(queue.next(for: 0, at: .zero) == .done)
        #expect(try ask(&queue, 1).positions.first == 9)
    }

    @Test("A request that failed as a whole may be tried again at the same source")
    func giveBack() throws {
        var queue = ChunkQueue(missing: chunks(5), sources: 1)
        let batch = try ask(&queue, 0)
        #expect(queue.next(for: 0, at: .zero) == .wait(until: nil))
        queue.giveBack(batch, received: [0])
        #expect(try ask(&queue, 0).positions == [1, 2, 3, 4])
    }

    @Test("What a silent source was asked for goes to another one when nothing else is left")
    func silent() throws {
        var queue = ChunkQueue(missing: chunks(15), sources: 2)
        let silent = try ask(&queue, 0)
        let good = try ask(&queue, 1)
        queue.settle(good, received: good.positions, corrupt: [], at: .milliseconds(10))
        // Four times what a batch took is less than the least patience.
        #expect(queue.next(for: 1, at: .milliseconds(20)) == .wait(until: .milliseconds(250)))
        guard case .ask(let again) = queue.next(for: 1, at: .milliseconds(250)) else { throw Unexpected() }
        #expect(again.positions == silent.positions)
        queue.settle(again, received: again.positions, corrupt: [], at: .milliseconds(260))
        #expect(queue.isComplete)
        // The silent one wakes up: nothing of it counts again.
        queue.settle(silent, received: silent.positions, corrupt: [], at: .seconds(20))
        #expect(queue.isComplete && !queue.isStuck)
    }

    @Test("Through every interleaving of failing, lying, silent and slow sources all chunks arrive or are named")
    func explored() {
        for kinds in [
            [ChunkModel.Source.honest, .lying], [.honest, .silent], [.honest, .honest, .failing],
            [.lacking, .lacking],
        ] {
            let found = Exploration(ChunkModel(sources: kinds))
            print("chunks from \(kinds.map(\.rawValue)): \(found.stateCount) states, \(found.stepCount) steps")
            #expect(found.failure == nil, "\(kinds): \(found.failure.map { "\($0)" } ?? "")")
        }
    }

    @Test("However sources fail, every chunk is received once or the queue says which cannot be had")
    func random() throws {
        for seed in UInt64(1)...200 {
            var generator = SplitMix(state: seed)
            let total = Int.random(in: 0...400, using: &generator)
            let sources = Int.random(in: 1...5, using: &generator)
            var queue = ChunkQueue(
                missing: chunks(total, length: UInt32.random(in: 1...300_000, using: &generator)), sources: sources)
            var open: [ChunkQueue.Batch] = []
            var received: Set<Int> = []
            var steps = 0
            while !queue.isComplete, !queue.isStuck {
                steps += 1
                try #require(steps < 100_000, "seed \(seed) does not end")
                if Bool.random(using: &generator),
                    case .ask(let batch) = queue.next(for: steps % sources, at: .milliseconds(steps))
                {
                    open.append(batch)
                } else if let index = open.indices.randomElement(using: &generator) {
                    let batch = open.remove(at: index)
                    let good = batch.positions.filter { _ in Int.random(in: 0..<10, using: &generator) > 0 }
                    received.formUnion(good)
                    if Bool.random(using: &generator) {
                        queue.giveBack(batch, received: good)
                    } else {
                        queue.settle(batch, received: good, corrupt: [], at: .zero)
                    }
                }
            }
            if queue.isComplete { #expect(received.count == total, "seed \(seed)") }
        }
    }
}

/// Deterministic random numbers: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// A few chunks, each a batch of its own, and sources that do what they are.
private struct ChunkModel: ExploredModel {
    enum Source: String {
        case honest
        /// Sends wrong bytes.
        case lying
        /// Never answers; the request never ends either.
        case silent
        /// Fails as a whole, once; then it is given up.
        case failing
        /// Has only the first chunk.
        case lacking
    }

    let sources: [Source]

    struct State: Hashable {
        var queue: ChunkQueue
        var open: [ChunkQueue.Batch] = []
        var stored: Set<Int> = []
        var isDropped: Set<Int> = []
    }

    enum Step: CustomStringConvertible {
        /// With patience at its end or not.
        case ask(Int, isLate: Bool)
        case answer(Int)

        var description: String {
            switch self {
            case .ask(let source, let isLate): "source \(source) is free\(isLate ? ", late" : "")"
            case .answer(let index): "request \(index) ends"
            }
        }
    }

    var start: State {
        let missing = (0..<3).map {
            ChunkReference(digest: ChunkDigest(BLAKE3.hash([UInt8($0)])), length: UInt32(ChunkQueue.batchByteLimit))
        }
        return State(queue: ChunkQueue(missing: missing, sources: sources.count))
    }

    func steps(in state: State) -> [Step] {
        guard !state.queue.isComplete else { return [] }
        var steps: [Step] = []
        for source in sources.indices {
            for isLate in [false, true] {
                var queue = state.queue
                if case .ask = queue.next(for: source, at: isLate ? .seconds(60) : .zero) {
                    steps.append(.ask(source, isLate: isLate))
                    // Patience comes to its end only where there is nothing else to ask for.
                    break
                }
            }
        }
        for (index, batch) in state.open.enumerated() where sources[batch.source] != .silent {
            steps.append(.answer(index))
        }
        return steps
    }

    func after(_ step: Step, in state: State) -> State {
        var state = state
        switch step {
        case .ask(let source, let isLate):
            guard case .ask(let batch) = state.queue.next(for: source, at: isLate ? .seconds(60) : .zero) else {
                return state
            }
            // When it was asked makes no difference here, and would make states many.
            state.open.append(batch)
        case .answer(let index):
            let batch = state.open.remove(at: index)
            switch sources[batch.source] {
            case .honest:
                state.queue.settle(batch, received: batch.positions, corrupt: [], at: batch.askedAt)
                state.stored.formUnion(batch.positions)
            case .lying: state.queue.settle(batch, received: [], corrupt: batch.positions, at: batch.askedAt)
            case .lacking:
                let had = batch.positions.filter { $0 == 0 }
                state.queue.settle(batch, received: had, corrupt: [], at: batch.askedAt)
                state.stored.formUnion(had)
            case .failing:
                state.queue.giveBack(batch)
                state.queue.drop(source: batch.source)
            case .silent: break
            }
        }
        return state
    }

    func brokenPromise(in state: State) -> String? {
        if state.queue.isComplete, state.stored.count < 3 { return "it is complete with \(state.stored.count) chunks" }
        if state.stored.count == 3, !state.queue.isComplete { return "everything is stored, and it does not say so" }
        let isHelpless = sources.allSatisfy { $0 == .lacking }
        if state.queue.isStuck, !isHelpless { return "it is stuck although an honest source is there" }
        return nil
    }

    func isSettled(_ state: State) -> Bool { state.queue.isComplete || state.queue.isStuck }
}
