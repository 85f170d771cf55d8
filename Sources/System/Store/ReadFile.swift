import Content
import Hashing
import LinuxIO

/// A source file after it was read: its digests, and its bytes staged if the store did not hold them.
struct ReadFile {
    let item: SourceItem
    /// As they were before and after it was read.
    let attributes: FileAttributes
    let blob: BlobDigest
    /// More than one, or none.
    let chunks: [ChunkReference]
    let list: (digest: ChunkListDigest, bytes: [UInt8])?
    let further: [Digest]
    let staged: StagedBlob?
    /// After it was linked; the source file's inode is in the store.
    let linked: FileAttributes?
    /// Bytes that could be neither shared nor linked.
    let copiedBytes: UInt64
    /// When it was looked at last, in seconds since 1970.
    let readAt: Int64

    /// All its chunks: itself if it is one.
    var allChunks: [ChunkReference] {
        if !chunks.isEmpty || attributes.size == 0 { return chunks }
        return [ChunkReference(digest: ChunkDigest(blob.raw), length: UInt32(clamping: attributes.size))]
    }
}
