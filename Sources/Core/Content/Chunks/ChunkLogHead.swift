/// What a release document says of its set's chunk log: which log, how long, and its Merkle root.
package struct ChunkLogHead: Hashable, Sendable {
    /// The most entries of one epoch, 2^40: 256 PiB of unique chunks at 256 KiB. Keeps every proof under 42 digests.
    package static let maximumSize: UInt64 = 1 << 40

    /// Which log: a new epoch starts an empty one.
    package let epoch: UInt32
    /// The number of entries.
    package let size: UInt64
    /// The root over the first ``size`` entries.
    package let root: LogEntryDigest

    /// A head as given; nothing is checked but by whoever verifies a proof or a document.
    package init(epoch: UInt32, size: UInt64, root: LogEntryDigest) {
        self.epoch = epoch
        self.size = size
        self.root = root
    }

    /// Whether a log that was at `earlier` can be here without having been rewritten, as far as the heads alone tell:
    /// the same epoch and not shorter (equally long: the same root), or the next epoch.
    /// The full answer needs a ``ChunkLogConsistencyProof``.
    package func canFollow(_ earlier: ChunkLogHead) -> Bool {
        if epoch == earlier.epoch {
            return size > earlier.size || (size == earlier.size && root == earlier.root)
        }
        return earlier.epoch < .max && epoch == earlier.epoch + 1
    }
}
