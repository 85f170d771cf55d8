package import Content
import LinuxIO
import Synchronization

/// A chunk index on disk: an append-only log with a table in memory, and sorted runs that are merged four to one.
/// docs/formats/chunk-index.md says how the files look and why.
///
/// - `insert` and `remove` write the log; every `Settings.tableLimit` entries they also write a run, and merge older
///   ones into it: with a sync of the run, the state file and the folder, and in time that grows with what is merged.
/// - `find` reads half a kilobyte from one run for a digest that is there, and, but for one in 200 filters asked,
///   nothing for one that is not. It does not wait for a run being written.
/// - Opening costs two small reads a run and one pass over the log, which never holds much more than `tableLimit`
///   entries.
///
/// One object at a time may have a folder open: the store's lock sees to that.
package final class DiskChunkIndex: ChunkIndex {
    /// What may be chosen.
    package struct Settings: Hashable, Sendable {
        /// Entries in the log and in memory before they become a run. 131,072 take 8 MiB of memory and a
        /// twentieth of a second to read when the index is opened after a crash.
        package var tableLimit: Int
        /// Runs are mapped instead of read: six times as fast from the page cache, but what was touched counts as
        /// memory of the process, and a disk error ends it (`FileMapping`).
        package var mapsRuns: Bool

        package init(tableLimit: Int = 131_072, mapsRuns: Bool = false) {
            precondition(tableLimit > 0 && tableLimit <= 1 << 30, "a table of \(tableLimit) entries")
            self.tableLimit = tableLimit
            self.mapsRuns = mapsRuns
        }
    }

    /// What belongs to whoever changes the index; changed only while its lock is held, for the whole of a change.
    struct Writer {
        var log: IndexLog
        var nextNumber: UInt64
        /// Why nothing may be changed any more.
        var stopped: ChunkIndexError?
    }

    /// What look-ups see. Changed only by who holds the writer, under this lock too.
    struct View {
        var table = EntryTable()
        /// Newest first.
        var runs: [IndexRun]
        var removed: Set<UInt64>
    }

    let folder: Folder
    let settings: Settings
    let writer: Mutex<Writer>
    let view: Mutex<View>

    /// Runs of one level that are merged into one of the next.
    static let fanIn = 4
    /// Fewer digests are not worth a thread of their own: about a millisecond of look-ups.
    private static let findShare = 1024
    /// Digests that a thread looks up at once: bounds the memory of one `find`.
    private static let findLimit = 1 << 20

    init(folder: Folder, settings: Settings, writer: sending Writer, view: sending View) {
        self.folder = folder
        self.settings = settings
        self.writer = Mutex(writer)
        self.view = Mutex(view)
    }

    // MARK: Changing

    package func insert(_ entries: [ChunkIndexEntry]) throws {
        try writer.withLock { writer in
            if let stopped = writer.stopped { throw stopped }
            try check(entries)
            let room = min(entries.count, IndexFormat.recordEntryLimit)
            let record = UnsafeMutableRawBufferPointer.allocate(
                byteCount: IndexFormat.recordHeaderBytes + room * IndexEntry.byteCount, alignment: 64)
            defer { record.deallocate() }
            guard let base = record.baseAddress else { return }
            let payload = base + IndexFormat.recordHeaderBytes
            var start = 0
            while start < entries.count {
                let count = min(room, entries.count - start)
                for index in 0..<count {
                    IndexEntry.write(entries[start + index], to: payload + index * IndexEntry.byteCount)
                }
                try stopping(&writer) { writer in try writer.log.append(entries: count, record: record) }
                let held = view.withLock { view in
                    view.table.put(count, at: payload)
                    return view.table.count
                }
                if held >= settings.tableLimit || writer.log.end > IndexFormat.logByteLimit {
                    try stopping(&writer) { writer in try spill(&writer) }
                }
                start += count
            }
        }
    }

    package func remove(blobs: [UInt64]) throws {
        try writer.withLock { writer in
            if let stopped = writer.stopped { throw stopped }
            var start = 0
            while start < blobs.count {
                let part = blobs[start..<min(start + IndexFormat.recordEntryLimit, blobs.count)]
                try stopping(&writer) { writer in try writer.log.append(removed: part) }
                let held = view.withLock { view in
                    view.removed.formUnion(part)
                    return view.removed.count
                }
                if held > IndexFormat.removedLimit || writer.log.end > IndexFormat.logByteLimit {
                    try stopping(&writer) { writer in try spill(&writer) }
                }
                start += part.count
            }
        }
    }

    package func sync() throws {
        try writer.withLock { writer in
            if let stopped = writer.stopped { throw stopped }
            guard writer.log.isDirty else { return }
            do {
                try writer.log.sync()
            } catch {
                writer.stopped = .failed
                throw error
            }
        }
    }

    /// `isLive` is asked once for every entry, in the order of the digests; it must not call this index.
    /// - Throws: `ChunkIndexError` if a file of the index is damaged, `FileError` of the disk; and what the closures
    ///   throw.
    package func compact(isLive: (UInt64) throws -> Bool) throws {
        try writer.withLock { writer in
            if let stopped = writer.stopped { throw stopped }
            try stopping(&writer) { writer in try rewrite(&writer, isLive: isLive) }
        }
    }

    private func check(_ entries: [ChunkIndexEntry]) throws {
        let removed = view.withLock { $0.removed }
        for entry in entries {
            guard entry.location.isWithinLimits else { throw ChunkIndexError.beyondLimits(entry.location) }
            if !removed.isEmpty && removed.contains(entry.location.blobNumber) {
                throw ChunkIndexError.removedBlob(entry.location.blobNumber)
            }
        }
    }

    /// Runs `body`; an error of the index itself, unlike one of the disk that left all as it was, stops all changes.
    private func stopping(_ writer: inout Writer, _ body: (inout Writer) throws -> Void) throws {
        do {
            try body(&writer)
        } catch let error as ChunkIndexError {
            writer.stopped = error
            throw error
        }
    }

    // MARK: Looking up

    package func find(_ digests: [ChunkDigest]) throws -> [ChunkLocation?] {
        var locations = [ChunkLocation?](repeating: nil, count: digests.count)
        try locations.withUnsafeMutableBufferPointer { buffer in
            // Shared without checks: each thread writes to its own part.
            nonisolated(unsafe) let places = buffer
            try Shares.run(digests.count, atLeast: Self.findShare) { part in
                for start in stride(from: part.lowerBound, to: part.upperBound, by: Self.findLimit) {
                    try find(digests[start..<min(part.upperBound, start + Self.findLimit)], places)
                }
            }
        }
        return locations
    }

    /// Looks up a part of the digests, and writes what it finds to the same indices of `places`.
    private func find(
        _ digests: ArraySlice<ChunkDigest>, _ places: UnsafeMutableBufferPointer<ChunkLocation?>
    ) throws {
        let search = IndexSearch(digests)
        let (runs, removed) = view.withLock { view in
            search.look(in: view.table)
            return (view.runs, view.removed)
        }
        for run in runs where !search.pending.isEmpty { try run.find(search) }
        search.write(to: places, at: digests.startIndex, without: removed)
    }

    package var count: Int {
        view.withLock { view in view.runs.reduce(view.table.count) { $0 + Int(clamping: $1.count) } }
    }

    /// Reads every run and compares all that can be compared; throws `needsRebuild` with the first damage found.
    /// Waits for nobody and lets nobody wait.
    package func verify() throws {
        let runs = view.withLock { $0.runs }
        for run in runs { try run.verify() }
    }
}
