/// Why a state, an append or a proof of a chunk log was refused, with the values.
package enum ChunkLogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes were written by a later version of the format.
    case unknownVersion(UInt8)
    /// The log would have more entries than ``ChunkLogHead/maximumSize``.
    case tooLong(UInt64)
    /// A chunk with no byte, or more than a chunk can have.
    case badLength(UInt64)
    /// The bytes end too early, go on too long, or are not in canonical form.
    case malformed(String)
    /// An ordinal that the log of this size does not have.
    case noSuchEntry(ordinal: UInt64, size: UInt64)
    /// The sizes of a consistency proof are not ascending, or beyond what is held.
    case badSizes(from: UInt64, to: UInt64)
    /// The heads are of different epochs: nothing can be proven across them.
    case otherEpoch(expected: UInt32, found: UInt32)
    /// The source does not hold this subtree.
    case missingSubtree(ChunkLogPosition)
    /// The proof has more or fewer digests than its sizes call for.
    case wrongProofLength(expected: Int, found: Int)
    /// The proof leads to another root than the head names.
    case otherRoot(expected: LogEntryDigest, found: LogEntryDigest)

    package var description: String {
        switch self {
        case .unknownVersion(let version):
            "chunk log has format version \(version), this program reads \(ChunkLog.formatVersion): update it"
        case .tooLong(let size):
            "chunk log of \(size) entries is over the limit of \(ChunkLogHead.maximumSize): start a new epoch"
        case .badLength(let length):
            "chunk log entry has length \(length), not 1...\(ChunkReference.maximumLength)"
        case .malformed(let what):
            "chunk log is malformed: \(what)"
        case .noSuchEntry(let ordinal, let size):
            "chunk log has \(size) entries, none with ordinal \(ordinal)"
        case .badSizes(let from, let to):
            "chunk log cannot be compared at sizes \(from) and \(to)"
        case .otherEpoch(let expected, let found):
            "chunk log is of epoch \(found), not \(expected)"
        case .missingSubtree(let position):
            "chunk log: the digest at level \(position.level), index \(position.index) is not held"
        case .wrongProofLength(let expected, let found):
            "chunk log proof has \(found) digests, its sizes call for \(expected)"
        case .otherRoot(let expected, let found):
            "chunk log proof leads to root \(found), the head says \(expected)"
        }
    }
}

/// Where a complete subtree of a chunk log lies: it covers the entries `index << level ..< (index + 1) << level`.
package struct ChunkLogPosition: Hashable, Sendable {
    /// 0 for an entry, 1 for two entries, and so on; at most 40.
    package var level: Int
    /// Counted from the left on its level.
    package var index: UInt64

    /// A position as given.
    package init(level: Int, index: UInt64) {
        self.level = level
        self.index = index
    }
}

/// The state of a set's append-only chunk log: enough to append to it and to know its root, and nothing more.
///
/// The tree is that of RFC 6962 section 2.1, with BLAKE3 contexts in the place of the prefix bytes; the state is the
/// list of its maximal complete subtrees ("compact range"), at most 41 digests however long the log.
/// docs/formats/chunk-log.md states the construction.
package struct ChunkLog: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most bytes of a state.
    package static let byteLimit = 16 + 41 * 32

    /// Which log: epochs begin at 1 and each starts an empty one.
    package let epoch: UInt32
    /// The number of entries.
    package private(set) var size: UInt64
    /// Roots of the maximal complete subtrees, the widest (leftmost) first: one for each bit that is set in ``size``.
    package private(set) var peaks: [LogEntryDigest]

    /// An empty log.
    package init(epoch: UInt32) {
        self.epoch = epoch
        self.size = 0
        self.peaks = []
    }

    /// A state whose peaks the caller took from complete subtrees of a log of that size.
    init(epoch: UInt32, size: UInt64, peaks: [LogEntryDigest]) {
        self.epoch = epoch
        self.size = size
        self.peaks = peaks
    }

    /// The epoch, size and root as a release document names them.
    package var head: ChunkLogHead { ChunkLogHead(epoch: epoch, size: size, root: root) }

    /// The RFC 6962 root over all entries. Costs at most 40 hashes.
    package var root: LogEntryDigest { ChunkLogHash.root(ofPeaks: peaks) }

    /// Appends entries, in order; one batch of hashes for each level. All or nothing.
    ///
    /// `record` is told every subtree that this append completes (entries included), so that a store can keep them for
    /// proofs; level by level, ascending on each level.
    /// - Throws: `ChunkLogError` if the log would be too long; and what `record` throws.
    package mutating func append(
        _ entries: [ChunkReference], record: (ChunkLogPosition, LogEntryDigest) throws -> Void = { _, _ in }
    ) throws {
        let (newSize, overflow) = size.addingReportingOverflow(UInt64(entries.count))
        guard !overflow, newSize <= ChunkLogHead.maximumSize else { throw ChunkLogError.tooLong(newSize) }
        for entry in entries where entry.length < 1 || entry.length > ChunkReference.maximumLength {
            throw ChunkLogError.badLength(UInt64(entry.length))
        }
        guard !entries.isEmpty else { return }

        var completed = ChunkLogHash.leaves(entries)
        var remaining = peaks
        var newPeaks: [LogEntryDigest] = []  // narrowest first
        var level = 0
        var first = size
        while level == 0 || !completed.isEmpty || !remaining.isEmpty {
            for (offset, digest) in completed.enumerated() {
                try record(ChunkLogPosition(level: level, index: first + UInt64(offset)), digest)
            }
            // A subtree of this level that was still waiting for its sibling pairs with the first new one.
            if first & 1 == 1, let waiting = remaining.popLast() {
                completed.insert(waiting, at: 0)
                first -= 1
            }
            if completed.count & 1 == 1, let waiting = completed.popLast() {
                newPeaks.append(waiting)
            }
            completed = ChunkLogHash.parents(of: completed)
            first >>= 1
            level += 1
        }
        size = newSize
        peaks = newPeaks.reversed()
    }

    /// Whether a release may start a new epoch: when less than half of the log's chunks are still in use.
    package func mayStartNewEpoch(liveEntries: UInt64) -> Bool {
        liveEntries < size / 2 + size % 2 && epoch < .max
    }

    /// The bytes of the state: version, epoch, size, peaks.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + peaks.count * 32)
        writer.u8(Self.formatVersion)
        writer.u32(epoch)
        writer.varint(size)
        for peak in peaks {
            writer.digest(peak.raw)
        }
        return writer.bytes
    }

    /// Reads ``encode()``'s bytes; any other bytes are refused. Throws ``ChunkLogError``.
    /// A state is as trustworthy as where it was kept: compare ``head`` with a signed one.
    package init(decoding bytes: [UInt8]) throws(ChunkLogError) {
        do {
            var reader = ByteReader(bytes)
            let version = try reader.u8()
            guard version == Self.formatVersion else { throw ChunkLogError.unknownVersion(version) }
            epoch = try reader.u32()
            size = try reader.varint(max: .max)
            guard size <= ChunkLogHead.maximumSize else { throw ChunkLogError.tooLong(size) }
            peaks = []
            for _ in 0..<size.nonzeroBitCount {
                peaks.append(LogEntryDigest(try reader.digest()))
            }
            try reader.expectEnd()
        } catch let error as ChunkLogError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }
}
