package import LinuxIO

extension DiskChunkIndex {
    /// Opens the index in `folder`, or makes an empty one if there is none. Files there that are not of the index are
    /// left alone; what a crash left of it is removed, and a torn end of its log is cut off.
    ///
    /// Throws `ChunkIndexError.needsRebuild` if a file is missing or damaged: then call `rebuild`; `.newerFormat`
    /// leaves everything as it is.
    package convenience init(folder: Folder, settings: Settings = Settings()) throws {
        if try folder.stat(IndexFormat.rebuildingName) != nil {
            throw ChunkIndexError.needsRebuild(
                file: IndexFormat.rebuildingName, reason: "making it again was interrupted")
        }
        try self.init(whole: folder, settings: settings)
    }

    private convenience init(whole folder: Folder, settings: Settings) throws {
        let state = try IndexState.read(in: folder) ?? DiskChunkIndex.create(in: folder)
        let runs = try state.runs.map { try IndexRun(in: folder, number: $0, mapped: settings.mapsRuns) }
        let table = EntryTable()
        var removed = Set(state.removed)
        let log = try IndexLog.open(in: folder, number: state.logNumber) { count, entries in
            table.put(count, at: entries)
        } removed: { blobs in
            for offset in stride(from: 0, to: blobs.count, by: 8) {
                removed.insert(blobs.number(at: offset, as: UInt64.self))
            }
        }
        try DiskChunkIndex.clear(folder, keeping: [state.logNumber] + state.runs)
        self.init(
            folder: folder, settings: settings,
            writer: Writer(log: log, nextNumber: state.nextNumber, stopped: nil),
            view: View(table: table, runs: runs, removed: removed))
    }

    /// Makes the index again from everything it shall hold, whatever is there now.
    ///
    /// Durable when it returns. If it is interrupted, the next open says `needsRebuild`.
    /// - Parameter nextBatch: gives the entries bit by bit, nil at the end.
    /// - Throws: `ChunkIndexError` if a file of the index is damaged, `FileError` of the disk; and what the closures
    ///   throw.
    package static func rebuild(
        in folder: Folder, settings: Settings = Settings(), nextBatch: () throws -> [ChunkIndexEntry]?
    ) throws -> DiskChunkIndex {
        _ = try folder.openOrCreateFile(IndexFormat.rebuildingName, mode: 0o600)
        try folder.sync()
        try folder.unlinkIfPresent(IndexFormat.stateName)
        try clear(folder, keeping: [])
        let index = try DiskChunkIndex(whole: folder, settings: settings)
        while let batch = try nextBatch() { try index.insert(batch) }
        try index.sync()
        try folder.unlinkIfPresent(IndexFormat.rebuildingName)
        try folder.sync()
        return index
    }

    /// `rebuild` from a sequence, which is taken in batches.
    /// - Throws: `ChunkIndexError` if a file of the index is damaged, `FileError` of the disk.
    package static func rebuild(
        in folder: Folder, settings: Settings = Settings(), from entries: some Sequence<ChunkIndexEntry>
    ) throws -> DiskChunkIndex {
        var iterator = entries.makeIterator()
        return try rebuild(in: folder, settings: settings) {
            var batch: [ChunkIndexEntry] = []
            while batch.count < IndexFormat.recordEntryLimit, let entry = iterator.next() { batch.append(entry) }
            return batch.isEmpty ? nil : batch
        }
    }

    /// The state of an empty index, made durable.
    private static func create(in folder: Folder) throws -> IndexState {
        // The state file is the first thing that is made durable, so runs or a used log without one have lost it.
        for entry in try folder.list() where IndexFormat.number(in: entry.name) != nil {
            let size = try folder.stat(entry.name)?.size ?? 0
            if entry.name.starts(with: "run-".utf8) || size > UInt64(IndexFormat.logHeaderBytes) {
                throw ChunkIndexError.needsRebuild(file: IndexFormat.stateName, reason: "the state file is missing")
            }
        }
        let log = try IndexLog.create(in: folder, number: 0)
        let state = IndexState(logNumber: log.number, nextNumber: 1, runs: [], removed: [])
        try state.write(in: folder)
        return state
    }

    /// Removes logs and runs that are not among `numbers`, and a new state that never became the state.
    private static func clear(_ folder: Folder, keeping numbers: [UInt64]) throws {
        try folder.unlinkIfPresent(IndexFormat.newStateName)
        for entry in try folder.list() {
            guard let number = IndexFormat.number(in: entry.name), !numbers.contains(number) else { continue }
            try folder.unlinkIfPresent(entry.name)
        }
    }
}
