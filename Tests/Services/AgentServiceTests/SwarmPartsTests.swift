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
}
