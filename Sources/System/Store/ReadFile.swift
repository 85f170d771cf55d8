import Content
import Hashing
import LinuxIO

/// A source file after it was read: what was found in it, and its bytes staged if the store did not hold them.
struct ReadFile {
    let item: SourceItem
    let content: SourceContent
    let staged: StagedBlob?
    /// After it was linked; the source file's inode is in the store.
    let linked: FileAttributes?
    /// Bytes that could be neither shared nor linked.
    let copiedBytes: UInt64
    /// When it was looked at last, in seconds since 1970.
    let readAt: Int64

    /// All its chunks: itself if it is one.
    var allChunks: [ChunkReference] {
        let size = content.attributes.size
        if !content.chunks.isEmpty || size == 0 { return content.chunks }
        return [ChunkReference(digest: ChunkDigest(content.blob.raw), length: UInt32(clamping: size))]
    }
}
