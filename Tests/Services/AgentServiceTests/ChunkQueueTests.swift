import Content
import Hashing
import Testing

import AgentService

@Suite("Chunk queue")
struct ChunkQueueTests {
    private func chunks(_ count: Int, length: UInt32 = 100_000) -> [ChunkReference] {
        (0..<count).map { ChunkReference(digest: ChunkDigest(BLAKE3.hash(Array("\($0)".utf8))), length: length) }
    }

    private func ask(_ queue: inout ChunkQueue, _ source: Int) throws -> ChunkQueue.Batch {
        guard case .ask(let batch) = queue.next(for: source) else { throw Unexpected() }
        return batch
    }

    private struct Unexpected: Error {}

    @Test("A batch holds at most a mebibyte, in the order of the files")
    func batchLimit() throws {
        var queue = ChunkQueue(missing: chunks(25), sources: 1)
        #expect(try ask(&queue, 0).positions == Array(0..<10))
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
        queue.settle(first, received: Array(first.positions.dropFirst(2)), corrupt: [])
        #expect(try ask(&queue, 1).positions.prefix(2) == [0, 1])
    }

    @Test("A source is never asked twice for what it did not deliver")
    func neverTwice() throws {
        var queue = ChunkQueue(missing: chunks(1), sources: 1)
        let batch = try ask(&queue, 0)
        queue.settle(batch, received: [], corrupt: [])
        #expect(queue.next(for: 0) == .done)
        #expect(queue.isStuck)
        #expect(queue.stuckPosition == 0)
    }

    @Test("A source that sent wrong bytes is asked for nothing any more")
    func corrupt() throws {
        var queue = ChunkQueue(missing: chunks(30), sources: 2)
        let batch = try ask(&queue, 0)
        queue.settle(batch, received: Array(batch.positions.dropLast()), corrupt: [9])
        #expect(queue.next(for: 0) == .done)
        #expect(try ask(&queue, 1).positions.first == 9)
    }

    @Test("A request that failed as a whole may be tried again at the same source")
    func giveBack() throws {
        var queue = ChunkQueue(missing: chunks(5), sources: 1)
        let batch = try ask(&queue, 0)
        #expect(queue.next(for: 0) == .wait)
        queue.giveBack(batch, received: [0])
        #expect(try ask(&queue, 0).positions == [1, 2, 3, 4])
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
            var received: [Int] = []
            var steps = 0
            while !queue.isComplete, !queue.isStuck {
                steps += 1
                try #require(steps < 100_000, "seed \(seed) does not end")
                if Bool.random(using: &generator), case .ask(let batch) = queue.next(for: steps % sources) {
                    open.append(batch)
                } else if let index = open.indices.randomElement(using: &generator) {
                    let batch = open.remove(at: index)
                    let good = batch.positions.filter { _ in Int.random(in: 0..<10, using: &generator) > 0 }
                    received += good
                    if Bool.random(using: &generator) {
                        queue.giveBack(batch, received: good)
                    } else {
                        queue.settle(batch, received: good, corrupt: [])
                    }
                }
            }
            #expect(Set(received).count == received.count, "seed \(seed): a chunk was received twice")
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
