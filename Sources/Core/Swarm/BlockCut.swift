/// How the chunk log of a release is cut into blocks: runs of chunks that are asked for, leased and offered together.
///
/// The cut depends on the log alone, so that all hosts agree on it, and does not move when the log grows, save for its
/// last group: it begins anew at every ordinal that is a multiple of ``groupSize``.
package struct BlockCut: Hashable, Sendable {
    /// The most bytes of a block; a larger chunk is a block alone. Small enough that a mirror passes on what it gets
    /// almost at once (simulated: 256 KiB 1.01 of the ideal time, 16 MiB 1.44), large enough for one disk read.
    package static let byteLimit = 256 << 10
    /// Blocks never cross a multiple of this.
    package static let groupSize: UInt32 = 128

    /// The ordinal of the first chunk, a multiple of ``groupSize``.
    package let base: UInt32
    /// The ordinal after the last chunk.
    package let end: UInt32
    /// The first ordinal of every block, ascending.
    private let starts: [UInt32]

    /// The cut of the chunks from ordinal `base` on, which have these lengths.
    package init(base: UInt32, lengths: some Sequence<UInt32>) {
        precondition(base % Self.groupSize == 0, "a cut that begins at \(base)")
        self.base = base
        var starts: [UInt32] = []
        var ordinal = base
        var bytes = 0
        for length in lengths {
            if ordinal % Self.groupSize == 0 || bytes + Int(length) > Self.byteLimit {
                starts.append(ordinal)
                bytes = 0
            }
            bytes += Int(length)
            ordinal += 1
        }
        self.starts = starts
        end = ordinal
    }

    /// The number of blocks.
    package var count: Int { starts.count }

    /// The ordinals of a block.
    package func ordinals(of block: Int) -> Range<UInt32> {
        starts[block]..<(block + 1 < starts.count ? starts[block + 1] : end)
    }

    /// The block with an ordinal; nil if the cut does not have it.
    package func block(of ordinal: UInt32) -> Int? {
        guard ordinal >= base, ordinal < end else { return nil }
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= ordinal { low = middle } else { high = middle }
        }
        return low
    }

    /// The blocks that have an ordinal of `range`.
    package func blocks(touching range: Range<UInt32>) -> Range<Int> {
        let clamped = range.clamped(to: base..<end)
        guard let first = clamped.first, let last = clamped.last, let from = block(of: first), let to = block(of: last)
        else { return 0..<0 }
        return from..<to + 1
    }
}
