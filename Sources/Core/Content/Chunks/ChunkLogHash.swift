import Hashing

/// The hash functions of the chunk log's tree: leaves, inner nodes and the empty tree, each under a context of its own,
/// so that no leaf can be taken for a node.
enum ChunkLogHash {
    private static let leafContext = BLAKE3Context("mirrorfleet v1 chunk log entry")
    private static let nodeContext = BLAKE3Context("mirrorfleet v1 chunk log node")
    private static let leafByteCount = 36
    private static let nodeByteCount = 64
    /// How many buffers are hashed in one batch: enough for every lane, little enough to stay in the cache.
    private static let batchCount = 1024

    /// The root of a log without entries: the node hash of nothing.
    static let emptyRoot = LogEntryDigest(nodeContext.hash([UInt8]()))

    /// The digests of entries: each over 32 bytes of chunk digest and 4 of length, little-endian.
    static func leaves(_ entries: [ChunkReference]) -> [LogEntryDigest] {
        hashRecords(count: entries.count, byteCount: leafByteCount, context: leafContext) { index, record in
            entries[index].digest.raw.write(to: record)
            record.storeBytes(of: entries[index].length.littleEndian, toByteOffset: 32, as: UInt32.self)
        }
    }

    /// The digests over each pair of neighbours; `children` is even in number.
    static func parents(of children: [LogEntryDigest]) -> [LogEntryDigest] {
        hashRecords(count: children.count / 2, byteCount: nodeByteCount, context: nodeContext) { index, record in
            children[index * 2].raw.write(to: record)
            children[index * 2 + 1].raw.write(to: record + 32)
        }
    }

    /// The digest over two subtrees.
    static func node(_ left: LogEntryDigest, _ right: LogEntryDigest) -> LogEntryDigest {
        withUnsafeTemporaryAllocation(byteCount: nodeByteCount, alignment: 16) { record in
            left.raw.withUnsafeBytes { record.copyMemory(from: $0) }
            right.raw.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: record[32...]).copyMemory(from: $0) }
            return LogEntryDigest(nodeContext.hash(UnsafeRawBufferPointer(record)))
        }
    }

    /// The root over complete subtrees, the widest first: folded from the right, as RFC 6962 splits.
    static func root(ofPeaks peaks: [LogEntryDigest]) -> LogEntryDigest {
        guard var root = peaks.last else { return emptyRoot }
        for peak in peaks.dropLast().reversed() {
            root = node(peak, root)
        }
        return root
    }

    private static func hashRecords(
        count: Int, byteCount: Int, context: BLAKE3Context, fill: (Int, UnsafeMutableRawPointer) -> Void
    ) -> [LogEntryDigest] {
        var digests: [LogEntryDigest] = []
        digests.reserveCapacity(count)
        let records = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(count, batchCount)) * byteCount, alignment: 16)
        defer { records.deallocate() }
        guard let base = records.baseAddress else { return digests }
        var buffers: [UnsafeRawBufferPointer] = []
        var start = 0
        while start < count {
            let end = min(count, start + batchCount)
            buffers.removeAll(keepingCapacity: true)
            for index in start..<end {
                let record = base + (index - start) * byteCount
                fill(index, record)
                buffers.append(UnsafeRawBufferPointer(start: record, count: byteCount))
            }
            for digest in context.hashMany(buffers) {
                digests.append(LogEntryDigest(digest))
            }
            start = end
        }
        return digests
    }
}
