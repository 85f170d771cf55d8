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
        /// Where the new blob has it already, by blocks that it shares with the other; nil: it has to be written there.
        var shared: (blob: Int32, offset: UInt64)?
    }

    var blobs: [Blob] = []
    /// Held blobs that this release cuts in another way than the lists known for them.
    var attachments: [(blob: BlobDigest, list: ChunkListDigest, size: UInt64)] = []
    var chunks: [ChunkDigest: Chunk] = [:]
    var places: [Place] = []
    /// What is to be copied from blobs here, in the order of the files that need it; it counts as missing until then.
    var held: [HeldChunk] = []
    /// How many of `held` were copied, or found to be lost.
    var heldDone = 0
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
