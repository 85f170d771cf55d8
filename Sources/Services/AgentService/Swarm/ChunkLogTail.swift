package import Content
package import Swarm

/// The end of the chunk log of a release, verified against its signed head: what a swarm speaks of.
package struct ChunkLogTail: Sendable {
    /// The state of the log before the first entry.
    package let state: ChunkLog
    /// The entries from there to the end.
    package let entries: [ChunkReference]
    /// How the entries are cut into blocks.
    package let cut: BlockCut

    /// - Parameters:
    ///   - state: of the log before the first entry, a multiple of `BlockCut.groupSize` long.
    ///   - head: what the release says.
    /// - Throws: `ChunkLogError` if it is not the end of that log.
    package init(state: ChunkLog, entries: [ChunkReference], head: ChunkLogHead) throws {
        var log = state
        try log.append(entries)
        guard log.epoch == head.epoch else { throw ChunkLogError.otherEpoch(expected: head.epoch, found: log.epoch) }
        guard log.size == head.size else { throw ChunkLogError.badSizes(from: log.size, to: head.size) }
        guard log.root == head.root else { throw ChunkLogError.otherRoot(expected: head.root, found: log.root) }
        self.state = state
        self.entries = entries
        cut = BlockCut(base: UInt32(state.size), lengths: entries.lazy.map(\.length))
    }

    /// Where a tail begins for who has all of the first `complete` entries.
    static func base(complete: UInt64) -> UInt64 { complete - complete % UInt64(BlockCut.groupSize) }

    /// The entry with an ordinal of the cut.
    package func entry(_ ordinal: UInt32) -> ChunkReference { entries[Int(ordinal - cut.base)] }

    /// The same from a later entry on; nil if it begins later itself.
    package func suffix(from size: UInt64) -> (state: ChunkLog, entries: [ChunkReference])? {
        guard size >= state.size, size <= state.size + UInt64(entries.count) else { return nil }
        let count = Int(size - state.size)
        var log = state
        guard (try? log.append(Array(entries[..<count]))) != nil else { return nil }
        return (log, Array(entries[count...]))
    }
}
