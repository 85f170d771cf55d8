package import Content

/// What a fetch still has to get.
package struct ChunkNeeds: Hashable, Sendable {
    /// Chunks that no set in this store holds, each once, in the order of the files that need them.
    package let missing: [ChunkReference]
    /// Bytes of `missing`.
    package let missingBytes: UInt64
    /// Bytes of all blobs of this window that are new to the store.
    package let totalBytes: UInt64
    /// Bytes of new blobs that later windows plan, about: a blob of several files may count several times.
    package let laterBytes: UInt64
    /// Chunks of those blobs that blobs here hold: `copyHeld` copies them.
    package let reusedChunks: UInt64
    package let reusedBytes: UInt64
    /// Chunks found right in what an interrupted fetch had staged.
    package let resumedChunks: UInt64
    package let resumedBytes: UInt64
}

/// How far a session is with the bytes of the blobs that the release has and the store had not.
package struct FetchProgress: Hashable, Sendable {
    /// What it does, in a word: `manifest`, `chunk-lists`, `chunks`, `finish`, `ended`.
    package let phase: String
    /// Bytes to put in place, fetched or copied; 0 until the manifest is complete. Later windows are counted about, as
    /// `ChunkNeeds.laterBytes` are, so it may shrink; in the last window it is exact.
    package let bytesTotal: UInt64
    /// Bytes that are in place and verified, with those that an interrupted fetch left; all of them once nothing is to be
    /// fetched nor copied.
    package let bytesDone: UInt64
    /// Chunks of this window that are in no place yet, to be fetched or copied.
    package let chunksMissing: Int
    /// Chunks of this window that were supplied.
    package let chunksFetched: Int

    package init(phase: String, bytesTotal: UInt64, bytesDone: UInt64, chunksMissing: Int, chunksFetched: Int) {
        self.phase = phase
        self.bytesTotal = bytesTotal
        self.bytesDone = bytesDone
        self.chunksMissing = chunksMissing
        self.chunksFetched = chunksFetched
    }
}
