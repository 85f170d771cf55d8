package import Content

/// Where a chunk's bytes lie on this host: a part of one blob.
package struct ChunkLocation: Hashable, Sendable {
    /// The number of the blob in the store's table of blobs. A number is never used for another blob later.
    package let blobNumber: UInt64
    /// Bytes from the start of the blob.
    package let offset: UInt64
    /// Bytes.
    package let length: UInt32

    package init(blobNumber: UInt64, offset: UInt64, length: UInt32) {
        self.blobNumber = blobNumber
        self.offset = offset
        self.length = length
    }

    /// Numbers of blobs are below this: 2^40, a thousand new blobs every second for 34 years.
    package static let blobNumberLimit: UInt64 = 1 << 40
    /// Offsets are below this: 2^48, 256 TiB, above what the file systems that we know hold in one file.
    package static let offsetLimit: UInt64 = 1 << 48
    /// Lengths are below this: 2^24, 16 times the longest chunk of any profile.
    package static let lengthLimit: UInt32 = 1 << 24

    /// Every field is below its limit.
    package var isWithinLimits: Bool {
        blobNumber < Self.blobNumberLimit && offset < Self.offsetLimit && length < Self.lengthLimit
    }
}

/// A chunk and where it lies.
package struct ChunkIndexEntry: Hashable, Sendable {
    package let digest: ChunkDigest
    package let location: ChunkLocation

    package init(_ digest: ChunkDigest, _ location: ChunkLocation) {
        self.digest = digest
        self.location = location
    }
}

/// The store's lookup from a chunk to its location, one per digest.
///
/// 1. The **last insert of a digest wins**: a chunk that was fetched again, or whose blob is about to go, is given its
///    new place by inserting it again.
/// 2. `remove(blobs:)` takes away every digest whose location *now* lies in one of those blobs. An earlier location in
///    another blob does not come back: who removes a blob first inserts again what other blobs also hold.
/// 3. Nothing is durable before `sync()`. What was inserted after the last `sync()` may be found or not found after a
///    crash, each entry by itself; it is never found at a wrong location.
/// 4. The index is a cache of what the chunk lists say: it may be thrown away and made again from them.
/// 5. Every call blocks, and may come from any thread. A `find` that begins after an `insert` or `remove` returned
///    sees it.
///
/// Implementations: `MemoryChunkIndex`, `DiskChunkIndex`; one suite of tests holds for both.
package protocol ChunkIndex: AnyObject, Sendable {
    /// Adds the entries, the later of two with one digest winning. Large batches are cheaper than small ones.
    ///
    /// Throws `ChunkIndexError.beyondLimits` or `.removedBlob` before anything of the batch is added, and what the
    /// disk says.
    func insert(_ entries: [ChunkIndexEntry]) throws

    /// The location of each digest, nil where there is none, in the order asked. Any number may be asked at once.
    func find(_ digests: [ChunkDigest]) throws -> [ChunkLocation?]

    /// Takes away all that lies in these blobs; their numbers are refused by `insert` from then on.
    func remove(blobs: [UInt64]) throws

    /// Makes all inserts and removals that returned before durable, with one fdatasync at most and none if there are
    /// none. **If it throws, none of them is**: the index must be opened anew, and made again if that says so.
    func sync() throws

    /// Rewrites the index without what was removed, what was replaced, and what lies in a blob that `isLive` denies.
    /// Durable when it returns. Atomic: a crash leaves the index as it was before or after.
    func compact(isLive: (_ blobNumber: UInt64) throws -> Bool) throws

    /// How many digests there are: exact after `compact`, else an upper bound that also counts what was removed or
    /// replaced and not yet dropped.
    var count: Int { get }
}

/// What is wrong with a chunk index, or with what it was given.
package enum ChunkIndexError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A location that no index holds (`ChunkLocation.isWithinLimits`).
    case beyondLimits(ChunkLocation)
    /// An insert into a blob that was removed: numbers of blobs are never used again.
    case removedBlob(UInt64)
    /// The files of the index are damaged or incomplete: it must be made again from the chunk lists.
    case needsRebuild(file: String, reason: String)
    /// A newer program wrote the index.
    case newerFormat(file: String, version: UInt32, supported: UInt32)
    /// A write or sync failed earlier; what came after the last good `sync()` is lost. Open the index anew.
    case failed

    package var description: String {
        switch self {
        case .beyondLimits(let location):
            "chunk location beyond the limits of the index: blob \(location.blobNumber), offset \(location.offset),"
                + " length \(location.length)"
        case .removedBlob(let number): "blob \(number) was removed from the chunk index and cannot come back"
        case .needsRebuild(let file, let reason):
            "chunk index \(file): \(reason); it has to be made again from the chunk lists"
        case .newerFormat(let file, let version, let supported):
            "chunk index \(file) has format \(version), this program knows formats up to \(supported): use a newer"
                + " program"
        case .failed: "the chunk index stopped after a failed write; open it again"
        }
    }
}
