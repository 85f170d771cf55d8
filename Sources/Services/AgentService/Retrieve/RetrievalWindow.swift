import Content
import Hashing
import STOQ
import Synchronization

/// A blob that is put together, and the entries that show it.
struct RetrievedBlob: Sendable {
    let blob: BlobDigest
    let size: UInt64
    /// nil: it is one chunk, or empty.
    let list: ChunkListDigest?
    var entries: [ManifestEntry]

    /// The blobs of files, each once, in the order of their first paths. Throws ``RetrievalError/badManifest(_:)``.
    static func all(of files: [ManifestEntry]) throws -> [RetrievedBlob] {
        var places: [BlobDigest: Int] = [:]
        var blobs: [RetrievedBlob] = []
        for entry in files {
            guard let blob = entry.blob else { continue }
            if let at = places[blob] {
                blobs[at].entries.append(entry)
                continue
            }
            guard entry.chunkList != nil || entry.size <= UInt64(ChunkReference.maximumLength) else {
                throw RetrievalError.badManifest("\(entry.path) has \(entry.size) bytes and no chunk list")
            }
            places[blob] = blobs.count
            blobs.append(RetrievedBlob(blob: blob, size: entry.size, list: entry.chunkList, entries: [entry]))
        }
        return blobs
    }
}

/// Some blobs that are fetched together: bounds what is kept in memory, and how long files wait for their place.
final class RetrievalWindow: Sendable {
    /// Blobs of a window.
    private static let blobLimit = 4_096
    /// Bytes of a window; a larger blob is alone.
    private static let byteLimit: UInt64 = 256 << 20

    private struct Place {
        let blob: BlobDigest
        let size: UInt64
        let offset: UInt64
    }

    /// Chunks that are not staged, each once, in the order of the blobs.
    let missing: [ChunkReference]
    /// Bytes that were staged before.
    let resumedBytes: UInt64
    private let places: [ChunkDigest: [Place]]
    private let folder: RetrievalFolder

    /// The blobs of a set in windows, in their order.
    static func split(_ blobs: [RetrievedBlob]) -> [[RetrievedBlob]] {
        var windows: [[RetrievedBlob]] = []
        var bytes: UInt64 = 0
        for blob in blobs {
            if windows.isEmpty || windows[windows.count - 1].count >= blobLimit || bytes + blob.size > byteLimit {
                windows.append([])
                bytes = 0
            }
            windows[windows.count - 1].append(blob)
            bytes += blob.size
        }
        return windows
    }

    /// Finds out what is staged of `blobs`, whose lists are given by their digests. Blocks. Throws `FileError`.
    init(_ blobs: [RetrievedBlob], lists: [ChunkListDigest: ChunkList], in folder: RetrievalFolder) throws {
        var missing: [ChunkReference] = []
        var places: [ChunkDigest: [Place]] = [:]
        var resumed: UInt64 = 0
        for blob in blobs {
            let chunks = Self.chunks(of: blob, lists)
            let isStaged = try folder.staged(blob.blob, size: blob.size, chunks)
            var offset: UInt64 = 0
            for (chunk, isThere) in zip(chunks, isStaged) {
                defer { offset += UInt64(chunk.length) }
                if isThere {
                    resumed += UInt64(chunk.length)
                    continue
                }
                if places[chunk.digest] == nil { missing.append(chunk) }
                places[chunk.digest, default: []].append(Place(blob: blob.blob, size: blob.size, offset: offset))
            }
        }
        self.missing = missing
        self.places = places
        self.folder = folder
        resumedBytes = resumed
    }

    private static func chunks(of blob: RetrievedBlob, _ lists: [ChunkListDigest: ChunkList]) -> [ChunkReference] {
        if let list = blob.list { return lists[list]?.chunks ?? [] }
        return blob.size == 0 ? [] : [ChunkReference(digest: ChunkDigest(blob.blob.raw), length: UInt32(blob.size))]
    }

    /// Verifies and writes the chunks of one answer to a request for `digests`. Blocks. Throws `FileError`.
    func supply(_ answer: STOQAnswer, _ digests: [ChunkDigest]) throws -> SuppliedChunks {
        try answer.message.withUnsafeBytes { buffer in
            let parts = answer.items.map { UnsafeRawBufferPointer(rebasing: buffer[$0.range]) }
            var supplied = SuppliedChunks()
            for ((item, part), digest) in zip(zip(answer.items, parts), BLAKE3.hashMany(parts)) {
                guard digest == digests[item.index].raw else {
                    supplied.corrupt.append(item.index)
                    continue
                }
                for place in places[digests[item.index]] ?? [] {
                    try folder.write(part, of: place.blob, size: place.size, at: place.offset)
                    supplied.bytes += part.count
                }
                supplied.received.append(item.index)
            }
            return supplied
        }
    }
}
