import Content
import Hashing
import Testing
import TestSupport

@Suite struct ChunkLogTests {
    private static let limit = 300

    static func entry(_ index: Int) throws -> ChunkReference {
        ChunkReference(digest: ChunkDigest(try sampleDigest(index)), length: UInt32(index + 1))
    }

    static func entries(_ range: Range<Int>) throws -> [ChunkReference] {
        try range.map { try entry($0) }
    }

    /// RFC 6962 section 2.1 word for word.
    private struct Definition {
        private let leafContext = BLAKE3Context("mirrorfleet v1 chunk log entry")
        private let nodeContext = BLAKE3Context("mirrorfleet v1 chunk log node")
        let leaves: [BLAKE3Digest]

        init(_ entries: [ChunkReference]) {
            let context = leafContext
            leaves = entries.map { entry in
                let length = (0..<4).map { UInt8(truncatingIfNeeded: entry.length >> UInt32(8 * $0)) }
                return context.hash(entry.digest.raw.bytes + length)
            }
        }

        func root(_ range: Range<Int>) -> BLAKE3Digest {
            if range.isEmpty { return nodeContext.hash([UInt8]()) }
            if range.count == 1 { return leaves[range.lowerBound] }
            var width = 1
            while width * 2 < range.count { width *= 2 }
            let middle = range.lowerBound + width
            return nodeContext.hash(root(range.lowerBound..<middle).bytes + root(middle..<range.upperBound).bytes)
        }
    }

    @Test func `roots of all sizes are those of the definition, however the entries were appended`() throws {
        let entries = try Self.entries(0..<Self.limit)
        let definition = Definition(entries)
        var oneByOne = ChunkLog(epoch: 3)
        var uneven = ChunkLog(epoch: 3)
        #expect(oneByOne.root.raw == definition.root(0..<0))
        var next = 1
        var step = 1
        for size in 1...Self.limit {
            try oneByOne.append([entries[size - 1]])
            let root = definition.root(0..<size)
            #expect(oneByOne.root.raw == root)
            #expect(oneByOne.size == UInt64(size))
            #expect(oneByOne.peaks.count == size.nonzeroBitCount)
            var whole = ChunkLog(epoch: 3)
            try whole.append(Array(entries[..<size]))
            #expect(whole == oneByOne)
            if size == next {
                try uneven.append(Array(entries[Int(uneven.size)..<size]))
                #expect(uneven == oneByOne)
                step = step % 7 + 1
                next += step
            }
            #expect(try ChunkLog(decoding: oneByOne.encode()) == oneByOne)
        }
    }

    @Test func `appending nothing changes nothing`() throws {
        var log = ChunkLog(epoch: 1)
        try log.append([])
        #expect(log == ChunkLog(epoch: 1))
        try log.append(try Self.entries(0..<5))
        let before = log
        try log.append([])
        #expect(log == before)
    }

    @Test func `an append tells of each completed subtree exactly once, in order`() throws {
        let entries = try Self.entries(0..<Self.limit)
        let definition = Definition(entries)
        var seen: [ChunkLogPosition: LogEntryDigest] = [:]
        var log = ChunkLog(epoch: 1)
        for part in [0..<1, 1..<4, 4..<11, 11..<12, 12..<200, 200..<300] {
            var last = ChunkLogPosition(level: 0, index: 0)
            try log.append(Array(entries[part])) { position, digest in
                #expect(seen.updateValue(digest, forKey: position) == nil)
                #expect((last.level, last.index) <= (position.level, position.index))
                last = position
            }
        }
        var expected = 0
        for level in 0..<9 {
            for index in 0..<(Self.limit >> level) {
                expected += 1
                let digest = seen[ChunkLogPosition(level: level, index: UInt64(index))]
                #expect(digest?.raw == definition.root((index << level)..<((index + 1) << level)))
            }
        }
        #expect(seen.count == expected)
    }

    @Test func `an entry that breaks a limit leaves the log as it was`() throws {
        var log = ChunkLog(epoch: 1)
        try log.append(try Self.entries(0..<3))
        let before = log
        let digest = ChunkDigest(try sampleDigest(1))
        #expect(throws: ChunkLogError.badLength(0)) {
            try log.append([try Self.entry(3), ChunkReference(digest: digest, length: 0)])
        }
        #expect(throws: ChunkLogError.badLength(1 << 20 + 1)) {
            try log.append([ChunkReference(digest: digest, length: 1 << 20 + 1)])
        }
        #expect(log == before)
        var full = try ChunkLog(decoding: Self.state(size: ChunkLogHead.maximumSize, peaks: 1))
        #expect(throws: ChunkLogError.tooLong(ChunkLogHead.maximumSize + 1)) { try full.append([try Self.entry(1)]) }
    }

    private static func state(size: UInt64, peaks: Int) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.u32(1)
        writer.varint(size)
        for _ in 0..<peaks { writer.digest(try sampleDigest(9)) }
        return writer.bytes
    }

    @Test func `a state with too few or too many peaks, or beyond the limit, is refused`() throws {
        #expect(throws: ChunkLogError.self) { try ChunkLog(decoding: Self.state(size: 3, peaks: 1)) }
        #expect(throws: ChunkLogError.self) { try ChunkLog(decoding: Self.state(size: 3, peaks: 3)) }
        #expect(throws: ChunkLogError.tooLong(1 << 40 + 1)) {
            try ChunkLog(decoding: Self.state(size: 1 << 40 + 1, peaks: 2))
        }
        #expect(throws: ChunkLogError.unknownVersion(0)) { try ChunkLog(decoding: [0]) }
        var log = ChunkLog(epoch: 1)
        try log.append(try Self.entries(0..<13))
        for damage in damaged(log.encode()) {
            guard let other = try? ChunkLog(decoding: damage) else { continue }
            #expect(other.head != log.head)
        }
    }

    @Test func `frozen vectors of an independent implementation are met`() throws {
        let fixture = try FormatFixture("chunk-log.txt")
        var history = ChunkLogHistory(epoch: 7)
        try history.append(try Self.entries(0..<21))
        for index: UInt64 in [0, 5] {
            let leaf = try #require(history.subtree(ChunkLogPosition(level: 0, index: index)))
            #expect(leaf.description == (try fixture.text("leaf.\(index)")))
        }
        for size: UInt64 in [0, 1, 2, 3, 4, 5, 7, 8, 13, 21] {
            #expect(try history.log(at: size).root.description == (try fixture.text("root.\(size)")))
        }
        for size: UInt64 in [0, 1, 13, 21] {
            #expect(try history.log(at: size).encode() == (try fixture.bytes("state.\(size)")))
        }
        for (ordinal, size) in [(0, 1), (0, 13), (12, 13), (20, 21), (6, 21)] as [(UInt64, UInt64)] {
            let proof = try history.inclusionProof(ordinal: ordinal, size: size)
            #expect(proof.encode() == (try fixture.bytes("inclusion.\(ordinal).\(size)")))
            #expect(try ChunkLogInclusionProof(decoding: proof.encode()) == proof)
        }
        for (from, to) in [(8, 13), (13, 21), (6, 8), (20, 21), (1, 2)] as [(UInt64, UInt64)] {
            let proof = try history.consistencyProof(from: from, to: to)
            #expect(proof.encode() == (try fixture.bytes("consistency.\(from).\(to)")))
            #expect(try ChunkLogConsistencyProof(decoding: proof.encode()) == proof)
        }
    }

    @Test func `a head can be followed by a longer one, the same one, or the next epoch only`() throws {
        func head(_ epoch: UInt32, _ size: UInt64, _ root: Int) throws -> ChunkLogHead {
            ChunkLogHead(epoch: epoch, size: size, root: LogEntryDigest(try sampleDigest(root)))
        }
        let held = try head(4, 10, 1)
        #expect(held.canFollow(held))
        #expect(try head(4, 11, 2).canFollow(held))
        #expect(try head(5, 0, 2).canFollow(held))
        #expect(try !head(4, 10, 2).canFollow(held))
        #expect(try !head(4, 9, 1).canFollow(held))
        #expect(try !head(6, 20, 1).canFollow(held))
        #expect(try !head(3, 20, 1).canFollow(held))
        #expect(try !head(0, 20, 1).canFollow(try head(.max, 10, 1)))
    }

    @Test func `a new epoch may start when less than half of the log is live`() throws {
        var log = ChunkLog(epoch: 1)
        #expect(!log.mayStartNewEpoch(liveEntries: 0))
        try log.append(try Self.entries(0..<9))
        #expect(log.mayStartNewEpoch(liveEntries: 4))
        #expect(!log.mayStartNewEpoch(liveEntries: 5))
        try log.append([try Self.entry(9)])
        #expect(log.mayStartNewEpoch(liveEntries: 4))
        #expect(!log.mayStartNewEpoch(liveEntries: 5))
    }
}
