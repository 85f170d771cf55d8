/// Proves that an entry is in a chunk log of a given size.
package struct ChunkLogInclusionProof: Hashable, Sendable {
    /// The position of the entry in the log, counted from 0.
    package let ordinal: UInt64
    /// The number of entries of the log that the proof is for.
    package let size: UInt64
    /// The roots of the neighbouring subtrees, from the entry upwards.
    package let siblings: [LogEntryDigest]

    init(ordinal: UInt64, size: UInt64, siblings: [LogEntryDigest]) {
        self.ordinal = ordinal
        self.size = size
        self.siblings = siblings
    }

    /// Throws ``ChunkLogError`` unless `entry` is at ``ordinal`` in the log that `head` names.
    package func verify(_ entry: ChunkReference, in head: ChunkLogHead) throws(ChunkLogError) {
        guard size == head.size else { throw .badSizes(from: size, to: head.size) }
        guard ordinal < size else { throw .noSuchEntry(ordinal: ordinal, size: size) }
        guard entry.length >= 1, entry.length <= ChunkReference.maximumLength else {
            throw .badLength(UInt64(entry.length))
        }
        // Which side the sibling is on, from the root downwards; the proof lists siblings upwards.
        var siblingIsRight: [Bool] = []
        var range = 0..<size
        while range.upperBound - range.lowerBound > 1 {
            let middle = ChunkLogTree.split(range)
            siblingIsRight.append(ordinal < middle)
            range = ordinal < middle ? range.lowerBound..<middle : middle..<range.upperBound
        }
        guard siblings.count == siblingIsRight.count else {
            throw .wrongProofLength(expected: siblingIsRight.count, found: siblings.count)
        }
        var digest = ChunkLogHash.leaves([entry])[0]
        for (sibling, isRight) in zip(siblings, siblingIsRight.reversed()) {
            digest = isRight ? ChunkLogHash.node(digest, sibling) : ChunkLogHash.node(sibling, digest)
        }
        guard digest == head.root else { throw .otherRoot(expected: head.root, found: digest) }
    }

    /// The canonical bytes: version, ordinal, size, number of siblings, siblings.
    package func encode() -> [UInt8] {
        ChunkLogProofCodec.encode(ordinal, size, siblings)
    }

    /// Reads ``encode()``'s bytes; any other bytes are refused. Throws ``ChunkLogError``.
    package init(decoding bytes: [UInt8]) throws(ChunkLogError) {
        (ordinal, size, siblings) = try ChunkLogProofCodec.decode(bytes)
        guard ordinal < size else { throw .noSuchEntry(ordinal: ordinal, size: size) }
    }
}

/// Proves that a chunk log only grew: that its first ``from`` entries are those it had before.
package struct ChunkLogConsistencyProof: Hashable, Sendable {
    /// The number of entries of the earlier log.
    package let from: UInt64
    /// The number of entries of the later log.
    package let to: UInt64
    /// Roots of subtrees, in the order of RFC 6962 section 2.1.2. Empty if ``from`` is 0 or equals ``to``.
    package let digests: [LogEntryDigest]

    init(from: UInt64, to: UInt64, digests: [LogEntryDigest]) {
        self.from = from
        self.to = to
        self.digests = digests
    }

    /// Throws ``ChunkLogError`` unless the log of `earlier` is the beginning of the log of `later`.
    package func verify(from earlier: ChunkLogHead, to later: ChunkLogHead) throws(ChunkLogError) {
        guard earlier.epoch == later.epoch else { throw .otherEpoch(expected: earlier.epoch, found: later.epoch) }
        guard from == earlier.size, to == later.size, from <= to else {
            throw .badSizes(from: earlier.size, to: later.size)
        }
        guard from > 0, from < to else {
            guard digests.isEmpty else { throw .wrongProofLength(expected: 0, found: digests.count) }
            let expected = from == 0 ? ChunkLogHash.emptyRoot : later.root
            guard earlier.root == expected else { throw .otherRoot(expected: expected, found: earlier.root) }
            return
        }
        // Down from the new root towards the old end: which side was taken away at each step.
        var takenIsRight: [Bool] = []
        var range = 0..<to
        while from != range.upperBound {
            let middle = ChunkLogTree.split(range)
            takenIsRight.append(from <= middle)
            range = from <= middle ? range.lowerBound..<middle : middle..<range.upperBound
        }
        // The old tree is itself a subtree of the new one: its root is the start, and not in the proof.
        let isWhole = range.lowerBound == 0
        let expectedCount = takenIsRight.count + (isWhole ? 0 : 1)
        guard digests.count == expectedCount else {
            throw .wrongProofLength(expected: expectedCount, found: digests.count)
        }
        var oldRoot = isWhole ? earlier.root : digests[0]
        var newRoot = oldRoot
        for (digest, isRight) in zip(digests.dropFirst(isWhole ? 0 : 1), takenIsRight.reversed()) {
            if isRight {
                newRoot = ChunkLogHash.node(newRoot, digest)
            } else {
                oldRoot = ChunkLogHash.node(digest, oldRoot)
                newRoot = ChunkLogHash.node(digest, newRoot)
            }
        }
        guard oldRoot == earlier.root else { throw .otherRoot(expected: earlier.root, found: oldRoot) }
        guard newRoot == later.root else { throw .otherRoot(expected: later.root, found: newRoot) }
    }

    /// The canonical bytes: version, both sizes, number of digests, digests.
    package func encode() -> [UInt8] {
        ChunkLogProofCodec.encode(from, to, digests)
    }

    /// Reads ``encode()``'s bytes; any other bytes are refused. Throws ``ChunkLogError``.
    package init(decoding bytes: [UInt8]) throws(ChunkLogError) {
        (from, to, digests) = try ChunkLogProofCodec.decode(bytes)
        guard from <= to else { throw .badSizes(from: from, to: to) }
    }
}

/// The form that both proofs share on the wire.
private enum ChunkLogProofCodec {
    /// A consistency proof has at most one digest for each of 41 levels, and one more.
    static let maximumDigestCount: UInt64 = 42

    static func encode(_ first: UInt64, _ second: UInt64, _ digests: [LogEntryDigest]) -> [UInt8] {
        var writer = ByteWriter(capacity: 24 + digests.count * 32)
        writer.u8(ChunkLog.formatVersion)
        writer.varint(first)
        writer.varint(second)
        writer.varint(UInt64(digests.count))
        for digest in digests {
            writer.digest(digest.raw)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(ChunkLogError) -> (UInt64, UInt64, [LogEntryDigest]) {
        do {
            var reader = ByteReader(bytes)
            let version = try reader.u8()
            guard version == ChunkLog.formatVersion else { throw ChunkLogError.unknownVersion(version) }
            let first = try reader.varint(max: ChunkLogHead.maximumSize)
            let second = try reader.varint(max: ChunkLogHead.maximumSize)
            let count = try reader.varint(max: maximumDigestCount)
            var digests: [LogEntryDigest] = []
            for _ in 0..<count {
                digests.append(LogEntryDigest(try reader.digest()))
            }
            try reader.expectEnd()
            return (first, second, digests)
        } catch let error as ChunkLogError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }
}
