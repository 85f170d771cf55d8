import Content

/// The blobs that a fetch makes, and where each missing chunk goes.
///
/// Kept in flat arrays: a first sync has an entry here for every file.
struct FetchNeeds {
    struct Blob {
        let variant: BlobVariant
        let size: UInt64
        let list: ChunkListDigest?
        /// Chunk places that are not written yet.
        var openPlaces: Int32 = 0
    }

    struct Chunk {
        let length: UInt32
        /// Written to all its places.
        var isDone = false
        /// The first of its places in `places`.
        var firstPlace: Int32
    }

    struct Place {
        let blob: Int32
        let offset: UInt64
        /// The next place of the same chunk, or -1.
        let next: Int32
    }

    /// A needed chunk that lies in a blob here.
    struct HeldChunk {
        let reference: ChunkReference
        let location: ChunkLocation
        /// The run whose whole pieces it lies in, by its index in `runs`; -1: it is copied by itself.
        var run: Int32 = -1
    }

    /// Chunks that are held one after the other, and wanted in the same order: they fill whole pieces of the new blob.
    struct HeldRun {
        /// The new blob, by its index, and where the run begins in it.
        let blob: Int32
        let offset: UInt64
        /// Its first chunk in the blob that holds it.
        let source: ChunkLocation
        /// The file of the new blob has the bytes of the pieces already, by blocks that it shares with the other.
        let isShared: Bool
    }

    var blobs: [Blob] = []
    /// Held blobs that this release cuts in another way than the lists known for them.
    var attachments: [(blob: BlobDigest, list: ChunkListDigest, size: UInt64)] = []
    var chunks: [ChunkDigest: Chunk] = [:]
    var places: [Place] = []
    /// What is to be copied from blobs here, in the order of the files that need it; it counts as missing until then.
    var held: [HeldChunk] = []
    var runs: [HeldRun] = []
    /// How many of `held` were copied, or found to be lost.
    var heldDone = 0
    /// Chunks that were taken over, and found to be wrong once their blob was whole.
    var lost: [ChunkReference] = []
    var totalBytes: UInt64 = 0
    var doneBytes: UInt64 = 0
    var missingCount = 0
    var fetchedCount = 0

    /// Adds a place where `chunk` is needed; whether it is the chunk's first.
    mutating func add(_ chunk: ChunkReference, blob: Int32, offset: UInt64) -> Bool {
        let index = Int32(places.count)
        blobs[Int(blob)].openPlaces += 1
        if let known = chunks[chunk.digest] {
            places.append(Place(blob: blob, offset: offset, next: known.firstPlace))
            chunks[chunk.digest]?.firstPlace = index
            return false
        }
        places.append(Place(blob: blob, offset: offset, next: -1))
        chunks[chunk.digest] = Chunk(length: chunk.length, firstPlace: index)
        missingCount += 1
        return true
    }

    /// Chunks to copy from `begin` on: about `limit` bytes, and at least one if there is one.
    func heldSlice(from begin: Int, atMost limit: Int) -> ArraySlice<HeldChunk> {
        var (end, bytes) = (begin, 0)
        while end < held.count, end == begin || bytes < limit {
            bytes += Int(held[end].reference.length)
            end += 1
        }
        return held[begin..<end]
    }

    /// All places of a chunk.
    func places(of chunk: Chunk) -> [Place] {
        var found: [Place] = []
        var next = chunk.firstPlace
        while next >= 0 {
            found.append(places[Int(next)])
            next = places[Int(next)].next
        }
        return found
    }
}
