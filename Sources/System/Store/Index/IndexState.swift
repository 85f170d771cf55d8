import LinuxIO

/// What an index consists of: which log, which runs, which blobs were removed. The file `state` is replaced as a whole.
struct IndexState: Hashable, Sendable {
    var logNumber: UInt64
    /// No file has this number or a greater one.
    var nextNumber: UInt64
    /// Newest first.
    var runs: [UInt64]
    /// Ascending: removed, and perhaps still named by entries in the runs.
    var removed: [UInt64]

    private static let headerBytes = 48

    /// Replaces the state file, and makes it and every name in the folder durable. Atomic.
    /// - Returns: false if the state was not replaced, so that the one before still holds; an error that leaves that
    ///   open is thrown as `ChunkIndexError.failed`.
    func write(in folder: Folder) throws {
        var bytes = [UInt8](repeating: 0, count: Self.headerBytes + 8 * (runs.count + removed.count) + 16)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.put(IndexFormat.stateMagic, at: 0)
            buffer.put(IndexFormat.version, at: 8)
            buffer.put(UInt32(runs.count), at: 12)
            buffer.put(UInt64(removed.count), at: 16)
            buffer.put(logNumber, at: 24)
            buffer.put(nextNumber, at: 32)
            for (offset, number) in (runs + removed).enumerated() {
                buffer.put(number, at: Self.headerBytes + 8 * offset)
            }
            let end = buffer.count - IndexChecksum.byteCount
            IndexChecksum(of: UnsafeRawBufferPointer(rebasing: buffer[..<end])).write(to: buffer, at: end)
        }
        try folder.unlinkIfPresent(IndexFormat.newStateName)
        let file = try folder.createFile(IndexFormat.newStateName, mode: 0o600)
        try file.write(bytes, at: 0)
        try file.syncData()
        do throws(FileError) {
            try folder.rename(IndexFormat.newStateName, to: IndexFormat.stateName)
            try folder.sync()
        } catch {
            // Whether the disk has the old state or the new one is not known any more.
            throw ChunkIndexError.failed
        }
    }

    /// The state in this folder; nil if there is none.
    static func read(in folder: Folder) throws -> IndexState? {
        guard let file = try folder.openFileIfPresent(IndexFormat.stateName) else { return nil }
        let bytes = try file.readAll(limit: IndexFormat.stateByteLimit)
        return try bytes.withUnsafeBytes { try IndexState(decoding: $0) }
    }

    private init(decoding bytes: UnsafeRawBufferPointer) throws {
        func damaged(_ reason: String) -> ChunkIndexError {
            .needsRebuild(file: IndexFormat.stateName, reason: reason)
        }
        let end = bytes.count - IndexChecksum.byteCount
        guard end >= Self.headerBytes, bytes.number(at: 0, as: UInt64.self) == IndexFormat.stateMagic else {
            throw damaged("it is another file")
        }
        let checksum = IndexChecksum(of: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard checksum == IndexChecksum(bytes, at: end) else { throw damaged("it is damaged") }
        let version = bytes.number(at: 8, as: UInt32.self)
        guard version <= IndexFormat.version else {
            throw ChunkIndexError.newerFormat(
                file: IndexFormat.stateName, version: version, supported: IndexFormat.version)
        }
        let runCount = UInt64(bytes.number(at: 12, as: UInt32.self))
        let removedCount = bytes.number(at: 16, as: UInt64.self)
        guard runCount <= UInt64(IndexFormat.runLimit), removedCount <= UInt64(end / 8),
            UInt64(end - Self.headerBytes) == 8 * (runCount + removedCount)
        else { throw damaged("its length does not fit its counts") }
        logNumber = bytes.number(at: 24, as: UInt64.self)
        nextNumber = bytes.number(at: 32, as: UInt64.self)
        let numbers = (0..<Int(runCount + removedCount)).map {
            bytes.number(at: Self.headerBytes + 8 * $0, as: UInt64.self)
        }
        runs = Array(numbers[..<Int(runCount)])
        removed = Array(numbers[Int(runCount)...])
        guard logNumber < nextNumber, runs.allSatisfy({ [nextNumber] in $0 < nextNumber }) else {
            throw damaged("it names a file that cannot be")
        }
    }

    init(logNumber: UInt64, nextNumber: UInt64, runs: [UInt64], removed: [UInt64]) {
        self.logNumber = logNumber
        self.nextNumber = nextNumber
        self.runs = runs
        self.removed = removed
    }
}
