import Content

/// What one pass over a manifest plans: a bounded number of blobs, and where the next pass begins.
struct WindowPlan {
    /// Entries that are looked up together.
    private static let batchCount = 1_024

    let limit: Int
    /// Whether entries beyond the window are looked at too, to know how much there is in all.
    let countsLater: Bool
    var batch: [ManifestEntry] = []
    var needs = FetchNeeds()
    var neededLists: [(digest: ChunkListDigest, size: UInt64)] = []
    var seenBlobs: Set<BlobDigest> = []
    var seenLists: Set<ChunkListDigest> = []
    /// The first path beyond the window; nil while it is not full.
    private(set) var nextPath: RelativePath?
    var laterBytes: UInt64 = 0

    init(limit: Int, countsLater: Bool) {
        self.limit = limit
        self.countsLater = countsLater
    }

    /// Puts an entry into the batch, and has a full one settled; false if no more are wanted.
    ///
    /// Blobs that are held count for the limit too, through what is remembered of them: a window is full when either is
    /// at its limit.
    mutating func take(_ entry: ManifestEntry, settle: (inout Self) throws -> Void) throws -> Bool {
        guard entry.type == .file else { return true }
        if nextPath == nil, needs.blobs.count >= limit || seenBlobs.count >= 4 * limit {
            try settle(&self)
            nextPath = entry.path
            // They are of the window, and not needed any more.
            seenBlobs = []
            seenLists = []
        }
        if nextPath != nil, !countsLater { return false }
        batch.append(entry)
        if batch.count == min(Self.batchCount, limit) { try settle(&self) }
        return true
    }
}
