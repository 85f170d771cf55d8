/// Gives the digest of a complete subtree of a chunk log; nil when it is not held. A source may lie: proofs made from
/// wrong digests do not verify.
package typealias ChunkLogSource = (ChunkLogPosition) throws -> LogEntryDigest?

/// Roots and proofs of a chunk log out of the digests of its complete subtrees.
package enum ChunkLogTree {
    /// The state of the first `size` entries. Throws ``ChunkLogError`` and what the source throws.
    package static func log(epoch: UInt32, size: UInt64, source: ChunkLogSource) throws -> ChunkLog {
        guard size <= ChunkLogHead.maximumSize else { throw ChunkLogError.tooLong(size) }
        return ChunkLog(epoch: epoch, size: size, peaks: try peaks(0..<size, source: source))
    }

    /// Proves that the entry with `ordinal` is in the first `size` entries.
    /// Throws ``ChunkLogError`` and what the source throws.
    package static func inclusionProof(
        ordinal: UInt64, size: UInt64, source: ChunkLogSource
    ) throws -> ChunkLogInclusionProof {
        guard size <= ChunkLogHead.maximumSize else { throw ChunkLogError.tooLong(size) }
        guard ordinal < size else { throw ChunkLogError.noSuchEntry(ordinal: ordinal, size: size) }
        var range = 0..<size
        var siblings: [LogEntryDigest] = []
        while range.upperBound - range.lowerBound > 1 {
            let middle = split(range)
            if ordinal < middle {
                siblings.append(try root(middle..<range.upperBound, source: source))
                range = range.lowerBound..<middle
            } else {
                siblings.append(try root(range.lowerBound..<middle, source: source))
                range = middle..<range.upperBound
            }
        }
        return ChunkLogInclusionProof(ordinal: ordinal, size: size, siblings: siblings.reversed())
    }

    /// Proves that the first `earlier` entries of a log are the beginning of its first `later` entries.
    /// Throws ``ChunkLogError`` and what the source throws.
    package static func consistencyProof(
        from earlier: UInt64, to later: UInt64, source: ChunkLogSource
    ) throws -> ChunkLogConsistencyProof {
        guard later <= ChunkLogHead.maximumSize else { throw ChunkLogError.tooLong(later) }
        guard earlier <= later else { throw ChunkLogError.badSizes(from: earlier, to: later) }
        guard earlier > 0, earlier < later else {
            return ChunkLogConsistencyProof(from: earlier, to: later, digests: [])
        }
        // RFC 6962 SUBPROOF: go down towards the old end; `isWhole` as long as the old tree is the subtree itself.
        var range = 0..<later
        var isWhole = true
        var digests: [LogEntryDigest] = []
        while earlier != range.upperBound {
            let middle = split(range)
            if earlier <= middle {
                digests.append(try root(middle..<range.upperBound, source: source))
                range = range.lowerBound..<middle
            } else {
                digests.append(try root(range.lowerBound..<middle, source: source))
                range = middle..<range.upperBound
                isWhole = false
            }
        }
        if !isWhole {
            digests.append(try root(range, source: source))
        }
        return ChunkLogConsistencyProof(from: earlier, to: later, digests: digests.reversed())
    }

    /// Where RFC 6962 splits: after the largest power of two that is less than the number of entries.
    static func split(_ range: Range<UInt64>) -> UInt64 {
        let count = range.upperBound - range.lowerBound
        return range.lowerBound + (1 << UInt64(63 - (count - 1).leadingZeroBitCount))
    }

    private static func root(_ range: Range<UInt64>, source: ChunkLogSource) throws -> LogEntryDigest {
        ChunkLogHash.root(ofPeaks: try peaks(range, source: source))
    }

    /// The maximal complete subtrees of a range that starts where RFC 6962 would split, the widest first.
    private static func peaks(_ range: Range<UInt64>, source: ChunkLogSource) throws -> [LogEntryDigest] {
        var digests: [LogEntryDigest] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let level = 63 - (range.upperBound - start).leadingZeroBitCount
            let position = ChunkLogPosition(level: level, index: start >> UInt64(level))
            guard let digest = try source(position) else { throw ChunkLogError.missingSubtree(position) }
            digests.append(digest)
            start += 1 << UInt64(level)
        }
        return digests
    }
}
