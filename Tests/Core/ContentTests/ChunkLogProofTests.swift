import Content
import Hashing
import Testing

@Suite struct ChunkLogProofTests {
    private static let limit = 300
    private let entries: [ChunkReference]
    private let history: ChunkLogHistory
    private let heads: [ChunkLogHead]

    init() throws {
        entries = try ChunkLogTests.entries(0..<Self.limit)
        var history = ChunkLogHistory(epoch: 2)
        var heads = [history.log.head]
        for entry in entries {
            try history.append([entry])
            heads.append(history.log.head)
        }
        self.history = history
        self.heads = heads
    }

    /// Every change of one digest, one digest more, one fewer, two swapped: as bytes, since proofs cannot be edited.
    private func tampered(_ proof: [UInt8], digests: Int) -> [[UInt8]] {
        let start = proof.count - digests * 32
        var all: [[UInt8]] = []
        for index in 0..<digests {
            var copy = proof
            copy[start + index * 32 + index % 32] ^= 1 << UInt8(index % 8)
            all.append(copy)
            var shorter = proof
            shorter.removeSubrange((start + index * 32)..<(start + index * 32 + 32))
            shorter[start - 1] -= 1
            all.append(shorter)
            if index > 0 {
                var swapped = proof
                for offset in 0..<32 { swapped.swapAt(start + index * 32 + offset, start + index * 32 - 32 + offset) }
                all.append(swapped)
            }
        }
        var longer = proof + [UInt8](repeating: 1, count: 32)
        longer[start - 1] += 1
        all.append(longer)
        return all
    }

    @Test func `every entry of every size is proven, and no other entry, place, size or root`() throws {
        for size in 1...Self.limit {
            for ordinal in 0..<size {
                let proof = try history.inclusionProof(ordinal: UInt64(ordinal), size: UInt64(size))
                try proof.verify(entries[ordinal], in: heads[size])
                // All pairs are proven; the tampering below costs more, so it takes the borders and a sample.
                guard size < 34 || ordinal == 0 || ordinal == size - 1 || (ordinal + size) % 29 == 0 else { continue }
                let other = entries[(ordinal + 1) % Self.limit]
                #expect(throws: ChunkLogError.self) { try proof.verify(other, in: heads[size]) }
                var longer = entries[ordinal]
                longer.length += 1
                #expect(throws: ChunkLogError.self) { try proof.verify(longer, in: heads[size]) }
                #expect(throws: ChunkLogError.self) { try proof.verify(entries[ordinal], in: heads[size - 1]) }
                let relabelled = ChunkLogHead(epoch: 2, size: UInt64(size), root: heads[size - 1].root)
                #expect(throws: ChunkLogError.self) { try proof.verify(entries[ordinal], in: relabelled) }
                for bytes in tampered(proof.encode(), digests: proof.siblings.count) {
                    guard let changed = try? ChunkLogInclusionProof(decoding: bytes) else { continue }
                    #expect(throws: ChunkLogError.self) { try changed.verify(entries[ordinal], in: heads[size]) }
                }
            }
        }
    }

    @Test func `a proof for one place says nothing about another`() throws {
        for size in [2, 3, 5, 8, 13, 64, 100] {
            for ordinal in 0..<size {
                let bytes = try history.inclusionProof(ordinal: UInt64(ordinal), size: UInt64(size)).encode()
                for other in 0..<size where other != ordinal {
                    var moved = bytes
                    moved[1] = UInt8(other)
                    let proof = try ChunkLogInclusionProof(decoding: moved)
                    #expect(throws: ChunkLogError.self) { try proof.verify(entries[ordinal], in: heads[size]) }
                    #expect(throws: ChunkLogError.self) { try proof.verify(entries[other], in: heads[size]) }
                }
            }
        }
    }

    @Test func `every size is proven to continue every smaller one, and no changed proof or head`() throws {
        for later in 0...Self.limit {
            for earlier in 0...later {
                let proof = try history.consistencyProof(from: UInt64(earlier), to: UInt64(later))
                try proof.verify(from: heads[earlier], to: heads[later])
                guard later < 34 || earlier == 0 || earlier >= later - 1 || (earlier + later) % 29 == 0 else {
                    continue
                }
                for bytes in tampered(proof.encode(), digests: proof.digests.count) {
                    guard let changed = try? ChunkLogConsistencyProof(decoding: bytes) else { continue }
                    #expect(throws: ChunkLogError.self) { try changed.verify(from: heads[earlier], to: heads[later]) }
                }
                let forged = LogEntryDigest(try sampleDigest(0xEE))
                let otherEarlier = ChunkLogHead(epoch: 2, size: UInt64(earlier), root: forged)
                let otherLater = ChunkLogHead(epoch: 2, size: UInt64(later), root: forged)
                #expect(throws: ChunkLogError.self) { try proof.verify(from: otherEarlier, to: heads[later]) }
                // From nothing every log continues; the proof then says nothing about the later root.
                if earlier > 0 {
                    #expect(throws: ChunkLogError.self) { try proof.verify(from: heads[earlier], to: otherLater) }
                }
            }
        }
    }

    @Test func `a rewritten log does not continue the one before`() throws {
        var rewritten = entries
        rewritten[5].length = 77
        var other = ChunkLogHistory(epoch: 2)
        try other.append(Array(rewritten[..<40]))
        for size: UInt64 in 6...40 {
            let proof = try other.consistencyProof(from: size, to: 40)
            #expect(throws: ChunkLogError.self) { try proof.verify(from: heads[Int(size)], to: other.log.head) }
        }
    }

    @Test func `nothing is proven across epochs or backwards`() throws {
        let proof = try history.consistencyProof(from: 4, to: 9)
        let nextEpoch = ChunkLogHead(epoch: 3, size: 9, root: heads[9].root)
        #expect(throws: ChunkLogError.otherEpoch(expected: 2, found: 3)) {
            try proof.verify(from: heads[4], to: nextEpoch)
        }
        #expect(throws: ChunkLogError.badSizes(from: 9, to: 4)) { try history.consistencyProof(from: 9, to: 4) }
        #expect(throws: ChunkLogError.self) { try proof.verify(from: heads[9], to: heads[4]) }
        #expect(throws: ChunkLogError.noSuchEntry(ordinal: 9, size: 9)) {
            try history.inclusionProof(ordinal: 9, size: 9)
        }
        #expect(throws: ChunkLogError.noSuchEntry(ordinal: 0, size: 0)) {
            try history.inclusionProof(ordinal: 0, size: 0)
        }
    }

    @Test func `a source that does not hold a subtree is named by its place`() throws {
        let missing = ChunkLogPosition(level: 2, index: 1)
        #expect(throws: ChunkLogError.missingSubtree(missing)) {
            try ChunkLogTree.inclusionProof(ordinal: 0, size: 8) { $0 == missing ? nil : history.subtree($0) }
        }
        #expect(throws: ChunkLogError.self) { try history.log(at: 301) }
    }

    @Test func `damaged proofs are refused with an error and never trap`() throws {
        let inclusion = try history.inclusionProof(ordinal: 7, size: 13)
        for bytes in damaged(inclusion.encode()) {
            guard let other = try? ChunkLogInclusionProof(decoding: bytes) else { continue }
            #expect(throws: ChunkLogError.self) { try other.verify(entries[7], in: heads[13]) }
        }
        let consistency = try history.consistencyProof(from: 7, to: 13)
        for bytes in damaged(consistency.encode()) {
            guard let other = try? ChunkLogConsistencyProof(decoding: bytes) else { continue }
            #expect(throws: ChunkLogError.self) { try other.verify(from: heads[7], to: heads[13]) }
        }
        var endless = ByteWriter()
        endless.u8(1)
        endless.varint(1)
        endless.varint(2)
        endless.varint(.max)
        #expect(throws: ChunkLogError.self) { try ChunkLogConsistencyProof(decoding: endless.bytes) }
    }

    @Test func `a history reads back from its file form and is checked against the signed head`() throws {
        let bytes = ChunkLogHistory.encode(entries[..<100])
        #expect(bytes.count == 3_600)
        let read = try ChunkLogHistory(decoding: bytes, head: heads[100])
        #expect(read.entries == Array(entries[..<100]))
        #expect(read.log == (try history.log(at: 100)))
        #expect(ChunkLogHistory.encode([entries[41]]) == Array(bytes[(41 * 36)..<(42 * 36)]))
        #expect(throws: ChunkLogError.badSizes(from: 100, to: 101)) {
            try ChunkLogHistory(decoding: bytes, head: heads[101])
        }
        var changed = bytes
        changed[999] ^= 1
        #expect(throws: ChunkLogError.self) { try ChunkLogHistory(decoding: changed, head: heads[100]) }
        #expect(throws: ChunkLogError.self) { try ChunkLogHistory.decode(Array(bytes.dropLast())) }
        #expect(throws: ChunkLogError.badLength(0)) {
            try ChunkLogHistory.decode([UInt8](repeating: 0, count: 36))
        }
    }

    @Test func `an append that breaks a limit leaves a history as it was`() throws {
        var copy = history
        #expect(throws: ChunkLogError.badLength(0)) {
            try copy.append([ChunkReference(digest: entries[0].digest, length: 0)])
        }
        try copy.append([entries[0]])
        #expect(copy.log.size == 301)
        try copy.inclusionProof(ordinal: 300, size: 301).verify(entries[0], in: copy.log.head)
    }
}
