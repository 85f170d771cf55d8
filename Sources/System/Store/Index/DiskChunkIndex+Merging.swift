import LinuxIO
import Synchronization

extension DiskChunkIndex {
    /// Makes a run of the table, together with the runs of each level that is full, and begins a new log.
    ///
    /// An error of the disk leaves the index as it was, and the next insert tries again; a `ChunkIndexError` means
    /// that this is not so.
    func spill(_ writer: inout Writer) throws {
        let (table, runs, removed) = view.withLock { ($0.table, $0.runs, $0.removed) }
        var merged = 0
        var level: UInt32 = 0
        var total = UInt64(table.count)
        if removed.count > IndexFormat.removedLimit {
            // Too many removed blobs to remember: only a rewrite of everything forgets them.
            try rewrite(&writer) { _ in true }
            return
        }
        while true {
            let full = runs[merged...].prefix { $0.level == level }
            let sum = full.reduce(total) { $0 + $1.count }
            guard full.count >= Self.fanIn - 1, sum <= IndexFormat.runEntryLimit else { break }
            merged += full.count
            total = sum
            level += 1
        }
        try replace(&writer, newest: merged, level: level, limit: total) { _ in true }
    }

    /// Makes one run of everything that is neither removed nor denied by `isLive`.
    func rewrite(_ writer: inout Writer, isLive: (UInt64) throws -> Bool) throws {
        let (table, runs) = view.withLock { ($0.table, $0.runs) }
        let total = runs.reduce(UInt64(table.count)) { $0 + $1.count }
        var level: UInt32 = 0
        var size = UInt64(settings.tableLimit)
        while size < total {
            size *= UInt64(Self.fanIn)
            level += 1
        }
        // A level above all that are there, so that the order of levels stays that of age.
        level = max(level, runs.last?.level ?? 0)
        try replace(&writer, newest: runs.count, level: level, limit: total, isLive: isLive)
    }

    /// Replaces the table and the `newest` newest runs by one run, and the log by an empty one. Only a rewrite of all
    /// runs may drop entries, so only then may `isLive` deny any.
    private func replace(
        _ writer: inout Writer, newest: Int, level: UInt32, limit: UInt64, isLive: (UInt64) throws -> Bool
    ) throws {
        let (table, runs, removed) = view.withLock { ($0.table, $0.runs, $0.removed) }
        let (runNumber, logNumber) = (writer.nextNumber, writer.nextNumber + 1)
        // What lies in a removed blob hides older entries with the same key: it can go only with the oldest run.
        let isWhole = newest == runs.count
        let dropped = isWhole ? removed : []
        let kept = Array(runs[newest...])
        var state = IndexState(
            logNumber: logNumber, nextNumber: writer.nextNumber + 2, runs: kept.map(\.number),
            removed: isWhole ? [] : removed.sorted())
        let log: IndexLog
        let run: IndexRun?
        do {
            run = try write(
                runNumber, level, limit,
                try [EntryCursor(sorted: table)] + runs[..<newest].map(EntryCursor.init),
                dropped: dropped, isLive: isLive)
            log = try IndexLog.create(in: folder, number: logNumber)
            if let run { state.runs.insert(run.number, at: 0) }
            try state.write(in: folder)
        } catch {
            // The state before still holds, or nobody knows: then the next open tells, and must find all files.
            if error as? ChunkIndexError != .failed {
                _ = try? folder.unlinkIfPresent(IndexFormat.runName(runNumber))
                _ = try? folder.unlinkIfPresent(IndexFormat.logName(logNumber))
            }
            throw error
        }
        let old = writer.log.number
        writer.log = log
        writer.nextNumber = state.nextNumber
        view.withLock { view in
            view.table = EntryTable()
            view.runs = (run.map { [$0] } ?? []) + kept
            view.removed = Set(state.removed)
        }
        // Look-ups that began before still read the old runs through their descriptors. What stays here because a
        // removal failed is removed at the next open.
        _ = try? folder.unlinkIfPresent(IndexFormat.logName(old))
        for run in runs[..<newest] { _ = try? folder.unlinkIfPresent(run.name) }
    }

    /// Writes the run of what the cursors have, the newest of them first; nil if nothing is left.
    private func write(
        _ number: UInt64, _ level: UInt32, _ limit: UInt64, _ cursors: [EntryCursor], dropped: Set<UInt64>,
        isLive: (UInt64) throws -> Bool
    ) throws -> IndexRun? {
        var output = try IndexRunWriter(in: folder, number: number, level: level, limit: limit)
        defer { output.close() }
        let mayDrop = !dropped.isEmpty
        try EntryCursor.merge(cursors) { entry in
            if mayDrop && dropped.contains(entry.blobNumber) { return }
            if try isLive(entry.blobNumber) { try output.append(entry) }
        }
        guard output.count > 0 else {
            try folder.unlinkIfPresent(IndexFormat.runName(number))
            return nil
        }
        return try output.finish(mapped: settings.mapsRuns)
    }
}
