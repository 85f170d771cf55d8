import LinuxIO

/// The log of an index: what was inserted or removed since the newest run was made, in checksummed records.
///
/// Not thread-safe: the index's writer owns it.
struct IndexLog {
    let file: OpenFile
    let number: UInt64
    /// Where the next record goes.
    private(set) var end: UInt64
    /// All before this is durable; 0 if not even the header is known to be.
    private(set) var durableEnd: UInt64
    /// An entry or removal was written since the last good sync.
    private(set) var isDirty: Bool

    private enum Kind: UInt32 {
        case entries = 1
        case removal = 2
        /// Says only how much was durable when it was written.
        case mark = 3

        /// Bytes of payload for one of `count`.
        var unit: Int {
            switch self {
            case .entries: IndexEntry.byteCount
            case .removal: 8
            case .mark: 0
            }
        }
    }

    private init(file: OpenFile, number: UInt64) {
        self.file = file
        self.number = number
        end = UInt64(IndexFormat.logHeaderBytes)
        durableEnd = 0
        isDirty = false
    }

    // MARK: Writing

    /// Makes an empty log. Neither its name nor its header is durable yet.
    static func create(in folder: Folder, number: UInt64) throws -> IndexLog {
        let name = IndexFormat.logName(number)
        try folder.unlinkIfPresent(name)
        let file = try folder.createFile(name, mode: 0o600)
        try withUnsafeTemporaryAllocation(byteCount: IndexFormat.logHeaderBytes, alignment: 8) { header in
            header.initializeMemory(as: UInt8.self, repeating: 0)
            header.put(IndexFormat.logMagic, at: 0)
            header.put(IndexFormat.version, at: 8)
            header.put(number, at: 16)
            IndexChecksum(of: UnsafeRawBufferPointer(rebasing: header[..<32])).write(to: header, at: 32)
            try file.write(UnsafeRawBufferPointer(header), at: 0)
        }
        return IndexLog(file: file, number: number)
    }

    /// Appends a record of entries. `record` has room for a header before the `count` entries.
    mutating func append(entries count: Int, record: UnsafeMutableRawBufferPointer) throws {
        try append(.entries, count, record)
    }

    /// Appends a record of removed blobs.
    mutating func append(removed blobs: ArraySlice<UInt64>) throws {
        let size = IndexFormat.recordHeaderBytes + blobs.count * 8
        let record = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { record.deallocate() }
        for (offset, blob) in blobs.enumerated() {
            record.put(blob, at: IndexFormat.recordHeaderBytes + offset * 8)
        }
        try append(.removal, blobs.count, record)
    }

    /// Makes everything appended durable. If it throws, everything since the last good one has been cut off again, or
    /// could not be: this log must not be used any further.
    mutating func sync() throws {
        do throws(FileError) {
            try file.syncData()
        } catch {
            // The kernel may keep pages that it failed to write and call them clean: whoever opens this log next
            // would find, and acknowledge, what is not on the disk.
            try? file.truncate(to: durableEnd)
            throw error
        }
        durableEnd = end
        isDirty = false
        // The mark is not synced itself. If it is lost, damage to what it vouches for looks like a torn end.
        try withUnsafeTemporaryAllocation(byteCount: IndexFormat.recordHeaderBytes, alignment: 8) { record in
            try append(.mark, 0, record)
        }
    }

    private mutating func append(_ kind: Kind, _ count: Int, _ record: UnsafeMutableRawBufferPointer) throws {
        UnsafeMutableRawBufferPointer(rebasing: record[..<IndexFormat.recordHeaderBytes])
            .initializeMemory(as: UInt8.self, repeating: 0)
        record.put(IndexFormat.recordMagic, at: 0)
        record.put(kind.rawValue, at: 4)
        record.put(number, at: 8)
        record.put(end, at: 16)
        record.put(durableEnd, at: 24)
        record.put(UInt32(count), at: 32)
        let size = IndexFormat.recordHeaderBytes + count * kind.unit
        let whole = UnsafeRawBufferPointer(rebasing: record[..<size])
        IndexLog.checksum(of: whole).write(to: record, at: 48)
        do throws(FileError) {
            try file.write(whole, at: end)
        } catch {
            // A part of the record may be there: the next one must begin where this one did.
            do throws(FileError) { try file.truncate(to: end) } catch { throw ChunkIndexError.failed }
            throw error
        }
        end += UInt64(size)
        if kind != .mark { isDirty = true }
    }

    /// Over the header without its last 16 bytes, and the payload.
    private static func checksum(of record: UnsafeRawBufferPointer) -> IndexChecksum {
        var running = IndexChecksum.Running()
        running.update(UnsafeRawBufferPointer(rebasing: record[..<48]))
        running.update(UnsafeRawBufferPointer(rebasing: record[IndexFormat.recordHeaderBytes...]))
        return running.value
    }

    // MARK: Reading

    /// Opens a log, hands every whole record in order to one of the closures, and cuts off a torn end.
    ///
    /// Throws `needsRebuild` if something is missing or damaged that a later record says was durable.
    static func open(
        in folder: Folder, number: UInt64, entries: (Int, UnsafeRawPointer) throws -> Void,
        removed: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> IndexLog {
        let name = IndexFormat.logName(number)
        guard let file = try folder.openFileIfPresent(name, writable: true) else {
            throw ChunkIndexError.needsRebuild(file: name, reason: "the log is missing")
        }
        let size = try file.attributes().size
        guard try hasHeader(file, name, number) else {
            // Never synced since it was made: then there is no record that says otherwise.
            try refuseIfDurable(file, name, number, from: 0, size: size)
            return try create(in: folder, number: number)
        }
        // Two of the longest records, so that a whole one always fits behind the rest of the last.
        let longest = IndexFormat.recordHeaderBytes + IndexFormat.recordEntryLimit * IndexEntry.byteCount
        let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * longest, alignment: 8)
        defer { window.deallocate() }
        var log = IndexLog(file: file, number: number)
        var dataEnd: UInt64 = 0
        while true {
            let filled = try file.read(into: window, at: log.end)
            var rest = UnsafeRawBufferPointer(rebasing: window[..<filled])
            while let record = log.record(rest) {
                switch record.kind {
                case .entries:
                    if let base = record.payload.baseAddress { try entries(record.count, base) }
                case .removal: try removed(record.payload)
                case .mark: break
                }
                log.durableEnd = max(log.durableEnd, record.durableEnd)
                let length = IndexFormat.recordHeaderBytes + record.payload.count
                log.end += UInt64(length)
                if record.kind != .mark { dataEnd = log.end }
                rest = UnsafeRawBufferPointer(rebasing: rest[length...])
            }
            // Less than one longest record was looked at and is none: the rest is torn or damaged.
            if rest.count >= longest || rest.count == filled || filled < window.count { break }
        }
        if log.end < size {
            try refuseIfDurable(file, name, number, from: log.end, size: size)
            try file.truncate(to: log.end)
        }
        log.isDirty = dataEnd > log.durableEnd
        return log
    }

    private static func hasHeader(_ file: OpenFile, _ name: String, _ number: UInt64) throws -> Bool {
        let bytes = try file.read(IndexFormat.logHeaderBytes, at: 0)
        guard bytes.count == IndexFormat.logHeaderBytes else { return false }
        return try bytes.withUnsafeBytes { header in
            guard header.number(at: 0, as: UInt64.self) == IndexFormat.logMagic,
                IndexChecksum(of: UnsafeRawBufferPointer(rebasing: header[..<32])) == IndexChecksum(header, at: 32)
            else { return false }
            let version = header.number(at: 8, as: UInt32.self)
            guard version == IndexFormat.version else {
                throw ChunkIndexError.newerFormat(file: name, version: version, supported: IndexFormat.version)
            }
            return header.number(at: 16, as: UInt64.self) == number
        }
    }

    private struct Record {
        let kind: Kind
        let count: Int
        let durableEnd: UInt64
        let payload: UnsafeRawBufferPointer
    }

    /// The whole and sound record at the start of `bytes`, which lie at `end`; nil if there is none.
    private func record(_ bytes: UnsafeRawBufferPointer) -> Record? {
        IndexLog.record(bytes, number: number, position: end)
    }

    private static func record(_ bytes: UnsafeRawBufferPointer, number: UInt64, position: UInt64) -> Record? {
        let header = IndexFormat.recordHeaderBytes
        guard bytes.count >= header, bytes.number(at: 0, as: UInt32.self) == IndexFormat.recordMagic,
            let kind = Kind(rawValue: bytes.number(at: 4, as: UInt32.self)),
            bytes.number(at: 8, as: UInt64.self) == number, bytes.number(at: 16, as: UInt64.self) == position
        else { return nil }
        let count = Int(bytes.number(at: 32, as: UInt32.self))
        guard count <= IndexFormat.recordEntryLimit, (kind == .mark) == (count == 0) else { return nil }
        let size = header + count * kind.unit
        guard bytes.count >= size else { return nil }
        let whole = UnsafeRawBufferPointer(rebasing: bytes[..<size])
        guard checksum(of: whole) == IndexChecksum(bytes, at: 48) else { return nil }
        return Record(
            kind: kind, count: count, durableEnd: bytes.number(at: 24, as: UInt64.self),
            payload: UnsafeRawBufferPointer(rebasing: whole[header...]))
    }

    /// Looks behind the first bad record for a sound one that says that more was durable than was found.
    private static func refuseIfDurable(
        _ file: OpenFile, _ name: String, _ number: UInt64, from start: UInt64, size: UInt64
    ) throws {
        let bytes = try file.read(Int(clamping: min(size - start, IndexFormat.logByteLimit * 2)), at: start)
        try bytes.withUnsafeBytes { bytes in
            // Records begin at multiples of 8: header and every unit of payload are such.
            var offset = 0
            while bytes.count - offset >= IndexFormat.recordHeaderBytes {
                defer { offset += 8 }
                guard bytes.number(at: offset, as: UInt32.self) == IndexFormat.recordMagic else { continue }
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                if let later = record(rest, number: number, position: start + UInt64(offset)),
                    later.durableEnd > start
                {
                    throw ChunkIndexError.needsRebuild(file: name, reason: "the log is damaged at byte \(start)")
                }
            }
        }
    }
}
