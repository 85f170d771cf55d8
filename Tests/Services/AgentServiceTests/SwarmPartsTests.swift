import AgentService
import Content
import Hashing
import STOQ
import Swarm
import Testing

@Suite("Parts of an agent's swarm")
struct SwarmPartsTests {
    private static let entries = (0..<300).map { number in
        ChunkReference(
            digest: ChunkDigest(BLAKE3.hash([UInt8(number & 0xFF), UInt8(number >> 8)])), length: UInt32(1 + number))
    }

    @Test("The end of a log is believed when it leads to the signed root")
    func tail() throws {
        var log = ChunkLog(epoch: 3)
        try log.append(Array(Self.entries[..<128]))
        let state = log
        try log.append(Array(Self.entries[128...]))
        let rest = Array(Self.entries[128...])
        let tail = try ChunkLogTail(state: state, entries: rest, head: log.head)
        #expect(tail.cut.base == 128 && tail.cut.end == 300)
        #expect(tail.entry(200) == Self.entries[200])
        let later = try #require(tail.suffix(from: 256))
        #expect(later.entries == Array(Self.entries[256...]))
        #expect(try ChunkLogTail(state: later.state, entries: later.entries, head: log.head).cut.base == 256)
        #expect(tail.suffix(from: 127) == nil && tail.suffix(from: 301) == nil)

        var wrong = rest
        wrong[7].length += 1
        #expect(throws: ChunkLogError.self) { try ChunkLogTail(state: state, entries: wrong, head: log.head) }
        #expect(throws: ChunkLogError.self) {
            try ChunkLogTail(state: state, entries: Array(rest.dropLast()), head: log.head)
        }
        #expect(throws: ChunkLogError.self) {
            try ChunkLogTail(state: ChunkLog(epoch: 3), entries: rest, head: log.head)
        }
    }

    @Test("What came lately is kept until newer bytes take its place")
    func recent() throws {
        let recents = RecentChunks(byteLimit: 100)
        let digests = (0..<5).map { ChunkDigest(BLAKE3.hash([UInt8($0)])) }
        func copy(_ index: Int, _ count: Int = 20) -> [UInt8]? {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            defer { buffer.deallocate() }
            return recents.copy(digests[index], into: buffer) ? Array(buffer) : nil
        }
        for index in 0..<4 {
            recents.keep(
                [(digests[index], 10..<30)], of: STOQMessage(Array(repeating: UInt8(index), count: 30)))
        }
        // Three messages of 30 bytes have room.
        #expect(copy(0) == nil)
        #expect(copy(1) == Array(repeating: 1, count: 20) && copy(3) == Array(repeating: 3, count: 20))
        #expect(copy(3, 19) == nil && copy(4) == nil)
        #expect(recents.length(of: digests[2]) == 20 && recents.length(of: digests[0]) == nil)
        recents.clear()
        #expect(copy(3) == nil)
    }

    @Test("What is forgotten gives its memory back at once")
    func forgottenMemory() {
        let recents = RecentChunks(byteLimit: 100)
        let digest = ChunkDigest(BLAKE3.hash([1]))
        weak var first: STOQMessage?
        do {
            let message = STOQMessage(Array(repeating: 1, count: 60))
            first = message
            recents.keep([(digest, 0..<60)], of: message)
        }
        #expect(first != nil)
        recents.keep([(ChunkDigest(BLAKE3.hash([2])), 0..<60)], of: STOQMessage(Array(repeating: 2, count: 60)))
        #expect(first == nil)
    }

    @Test("Requests to one source are joined as far as the machine allows, in their order")
    func joining() throws {
        func request(_ id: UInt64, _ source: Int, _ ordinals: [UInt32], joined: Int) -> SwarmMachine.Request {
            SwarmMachine.Request(
                id: id, source: source, ordinals: ordinals, bytes: 100 * ordinals.count, joinedBytes: joined)
        }
        let fast = [
            request(1, 0, [1, 2], joined: 400), request(2, 0, [5], joined: 400), request(4, 0, [7], joined: 400),
        ]
        let batches = RequestBatch.join(
            [
                fast[0], fast[1], request(3, 1, [6], joined: 0), fast[2], request(5, 0, [8], joined: 400),
                request(6, 1, [9], joined: 0),
            ])
        #expect(Set(batches.map { $0.requests.map(\.id) }) == [[1, 2, 4], [3], [5], [6]])
        let joined = try #require(batches.first { $0.requests.count == 3 })
        #expect(joined.ordinals == [1, 2, 5, 7])
        var answer = STOQAnswer.Builder()
        for (index, length) in [(1, 30), (2, 40), (3, 50)] {
            answer.add(index, Array(repeating: 0, count: length)[...])
        }
        let shares = joined.shares(of: try STOQAnswer(answer.take()))
        #expect(shares.map(\.request) == [1, 2, 4] && shares.map(\.bytes) == [30, 40, 50])
    }

    @Test("A batch is cancelled when nobody waits for any of its requests")
    func cancelling() async throws {
        let batch = try #require(
            RequestBatch.join(
                (1...2).map {
                    SwarmMachine.Request(id: $0, source: 0, ordinals: [UInt32($0)], bytes: 1, joinedBytes: 9)
                }
            ).first)
        let (ended, end) = AsyncStream<Bool>.makeStream()
        batch.start {
            try? await Task.sleep(for: .seconds(60))
            end.yield(Task.isCancelled)
            end.finish()
        }
        batch.cancel(1)
        #expect(!batch.isCancelled)
        batch.cancel(2)
        var isCancelled = false
        for await value in ended { isCancelled = value }
        #expect(isCancelled && batch.isCancelled)
    }
}
