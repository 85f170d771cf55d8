/// All entries of one epoch of a chunk log, with the digests of every complete subtree: what the origin keeps, and
/// what a mirror fetches to know the ordinals of chunks it has never needed.
///
/// About 104 bytes of memory an entry. The file form is the entries alone, 36 bytes each, so that the entry with
/// ordinal `n` lies at byte `36 n`: a history can be appended to, and fetched in pieces.
package struct ChunkLogHistory: Sendable {
    /// The bytes of one entry in the file form.
    package static let entryByteCount = 36

    /// The entries, by ordinal.
    package private(set) var entries: [ChunkReference]
    /// The state over all ``entries``.
    package private(set) var log: ChunkLog
    /// The digests of complete subtrees: level, then index.
    private var levels: [[LogEntryDigest]]

    /// An epoch without entries.
    package init(epoch: UInt32) {
        entries = []
        log = ChunkLog(epoch: epoch)
        levels = []
    }

    /// Appends entries, in order; all or nothing. Throws ``ChunkLogError``.
    package mutating func append(_ newEntries: [ChunkReference]) throws {
        var added = levels
        levels = []
        do {
            try log.append(newEntries) { position, digest in
                if position.level == added.count {
                    added.append([])
                }
                added[position.level].append(digest)
            }
        } catch {
            levels = added
            throw error
        }
        levels = added
        entries += newEntries
    }

    /// The digest of a complete subtree; nil beyond the end. Serves as a ``ChunkLogSource``.
    package func subtree(_ position: ChunkLogPosition) -> LogEntryDigest? {
        guard levels.indices.contains(position.level), position.index < UInt64(levels[position.level].count) else {
            return nil
        }
        return levels[position.level][Int(position.index)]
    }

    /// The state when the epoch had `size` entries. Throws ``ChunkLogError`` beyond the end.
    package func log(at size: UInt64) throws -> ChunkLog {
        try ChunkLogTree.log(epoch: log.epoch, size: size, source: subtree)
    }

    /// Proves an entry against the head of the first `size` entries. Throws ``ChunkLogError``.
    package func inclusionProof(ordinal: UInt64, size: UInt64) throws -> ChunkLogInclusionProof {
        try ChunkLogTree.inclusionProof(ordinal: ordinal, size: size, source: subtree)
    }

    /// Proves that the epoch only grew between two sizes. Throws ``ChunkLogError``.
    package func consistencyProof(from earlier: UInt64, to later: UInt64) throws -> ChunkLogConsistencyProof {
        try ChunkLogTree.consistencyProof(from: earlier, to: later, source: subtree)
    }

    /// Entries in the file form, without any header.
    package static func encode(_ entries: some Collection<ChunkReference>) -> [UInt8] {
        var writer = ByteWriter(capacity: entries.count * entryByteCount)
        for entry in entries {
            writer.digest(entry.digest.raw)
            writer.u32(entry.length)
        }
        return writer.bytes
    }

    /// Reads entries from the file form, whole ones only. Throws ``ChunkLogError``.
    package static func decode(_ bytes: [UInt8]) throws(ChunkLogError) -> [ChunkReference] {
        guard bytes.count % entryByteCount == 0 else {
            throw .malformed("\(bytes.count) bytes are no multiple of \(entryByteCount)")
        }
        do {
            var reader = ByteReader(bytes)
            var entries: [ChunkReference] = []
            entries.reserveCapacity(bytes.count / entryByteCount)
            while !reader.isAtEnd {
                let entry = ChunkReference(digest: ChunkDigest(try reader.digest()), length: try reader.u32())
                guard entry.length >= 1, entry.length <= ChunkReference.maximumLength else {
                    throw ChunkLogError.badLength(UInt64(entry.length))
                }
                entries.append(entry)
            }
            return entries
        } catch let error as ChunkLogError {
            throw error
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// Reads a whole history in the file form and checks it against a signed head: every size between can then be
    /// proven. Throws ``ChunkLogError``.
    package init(decoding bytes: [UInt8], head: ChunkLogHead) throws {
        self.init(epoch: head.epoch)
        try append(try Self.decode(bytes))
        guard log.size == head.size else { throw ChunkLogError.badSizes(from: log.size, to: head.size) }
        guard log.root == head.root else { throw ChunkLogError.otherRoot(expected: head.root, found: log.root) }
    }
}
