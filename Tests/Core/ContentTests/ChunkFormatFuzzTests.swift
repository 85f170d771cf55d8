import Content
import Glibc
import Testing
import TestSupport

/// Draws edits of bytes: SplitMix64, so that a seed is a whole run.
struct ByteEdits {
    let seed: UInt64
    private var random: SplitMix64

    /// `FLEET_SEED` from the environment, else the same run every time.
    init() {
        seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_121
        random = SplitMix64(seed: seed)
    }

    mutating func next() -> UInt64 {
        random.next()
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }

    /// `bytes` with up to four places overwritten, dropped, doubled or filled with extreme values.
    mutating func edit(_ bytes: [UInt8]) -> [UInt8] {
        var copy = bytes
        for _ in 0...below(4) {
            let start = below(copy.count)
            let end = min(copy.count, start + 1 + below(12))
            switch below(5) {
            case 0 where start < end: copy[start] = UInt8(truncatingIfNeeded: next())
            case 1: copy.removeSubrange(start..<end)
            case 2: copy.insert(contentsOf: copy[start..<end], at: start)
            case 3: copy.replaceSubrange(start..<end, with: [UInt8](repeating: 0xFF, count: end - start))
            default: copy.insert(contentsOf: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], at: start)
            }
        }
        return copy
    }
}

@Suite struct ChunkFormatFuzzTests {
    private static let rounds = 20_000

    @Test func `no bytes make a decoder trap, and what decodes encodes to the same bytes`() throws {
        var edits = ByteEdits()
        let references = try ChunkLogTests.entries(0..<5)
        var history = ChunkLogHistory(epoch: 1)
        try history.append(try ChunkLogTests.entries(0..<13))
        let list = try ChunkList(references).encode()
        let state = history.log.encode()
        let inclusion = try history.inclusionProof(ordinal: 4, size: 13).encode()
        let consistency = try history.consistencyProof(from: 5, to: 13).encode()
        let items = [ReleaseExtension(id: 3, isCritical: false, bytes: [1, 2, 3])]
        let document = try ReleaseDocument.sample(note: "n\u{F6}te", extensions: items).encode()
        for round in 0..<Self.rounds {
            var bytes = edits.edit(list)
            #expect(
                (try? ChunkList(decoding: bytes)).map { $0.encode() == bytes } ?? true, "seed \(edits.seed) \(round)")
            bytes = edits.edit(state)
            #expect(
                (try? ChunkLog(decoding: bytes)).map { $0.encode() == bytes } ?? true, "seed \(edits.seed) \(round)")
            bytes = edits.edit(inclusion)
            if let proof = try? ChunkLogInclusionProof(decoding: bytes) {
                #expect(proof.encode() == bytes, "seed \(edits.seed) \(round)")
                let isUnchanged = bytes == inclusion
                #expect(((try? proof.verify(references[4], in: history.log.head)) != nil) == isUnchanged)
            }
            bytes = edits.edit(consistency)
            if let proof = try? ChunkLogConsistencyProof(decoding: bytes) {
                #expect(proof.encode() == bytes, "seed \(edits.seed) \(round)")
                let isUnchanged = bytes == consistency
                let earlier = try history.log(at: 5).head
                #expect(((try? proof.verify(from: earlier, to: history.log.head)) != nil) == isUnchanged)
            }
            bytes = edits.edit(document)
            #expect(
                (try? ReleaseDocument(decoding: bytes)).map { $0.encode() == bytes } ?? true,
                "seed \(edits.seed) \(round)")
        }
    }
}
