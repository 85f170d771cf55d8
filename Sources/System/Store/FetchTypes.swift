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

/// How far a fetch is.
package struct FetchProgress: Hashable, Sendable {
    /// What it does, in a word: `manifest`, `chunk-lists`, `chunks`, `finish`, `ended`.
    package let phase: String
    package let bytesTotal: UInt64
    package let bytesDone: UInt64
    package let chunksMissing: Int
    package let chunksFetched: Int
}
