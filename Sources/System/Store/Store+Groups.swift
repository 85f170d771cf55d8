import Content
import Database
import LinuxIO
import Retention
import Synchronization

/// A blob that is finished in a staging folder: right bytes, right time and mode, not yet durable.
struct StagedBlob {
    let variant: BlobVariant
    let size: UInt64
    /// The list of its chunks, if there is more than one.
    let list: ChunkListDigest?
    /// The chunks of the list; empty for a blob of one chunk.
    let chunks: [ChunkReference]
    /// Its name in the staging folder; nil: the digits of its digest. Thousands of these wait for a group to be full.
    var givenName: [UInt8]?

    /// Its name in the staging folder.
    var stagedName: [UInt8] { givenName ?? BlobVariant.hex(variant.digest) }
}

extension Store {
    /// How many bytes of blobs may be missing from the durable chunk index after a crash: they are entered again from
    /// their chunk lists when the store opens.
    private static let indexSyncBytes: UInt64 = 1 << 30

    /// Moves a group of staged blobs to their final names, makes them durable with one syncfs, and records them.
    ///
    /// All or nothing as far as rows go. After an error none of the group may be used: a failed sync says that bytes are
    /// lost, and not which; the files are removed.
    /// - Parameter rows: what else belongs in the same transaction, as chunk lists.
    func commit(
        _ group: [StagedBlob], of set: String, from staging: StagingFolder, rows: (Session) throws -> Void = { _ in }
    ) throws {
        try groupLock.withLock { state in
            var fresh: [StagedBlob] = []
            var entries: [ChunkIndexEntry] = []
            var untouched: Set<Int> = []
            var isDurable = false
            do {
                for step in CommitOrder.group {
                    if let phase = step.phase { note(phase, set) }
                    switch step {
                    case .noteNames:
                        fresh = try newVariants(group, staging)
                        untouched = try state.blobFolders.untouched(fresh.lazy.map(\.variant), blobs)
                        if !fresh.isEmpty { try staging.writeJournal(fresh.map(\.variant)) }
                    case .moveBlobs:
                        try move(fresh, staging)
                        try state.blobFolders.note(untouched, blobs)
                    case .syncBlobs:
                        try staging.durability.syncFileSystem()
                        isDurable = true
                    case .recordBlobs: entries = try record(fresh, &state, rows)
                    case .forgetNames: try staging.clearJournal()
                    case .tellIndex: try tellIndex(entries, fresh.reduce(0) { $0 + $1.size }, &state)
                    default: preconditionFailure("\(step) is a step of a release")
                    }
                }
            } catch {
                if !isDurable {
                    for blob in fresh { _ = try? blobs.folder(blob.variant.digest).unlinkIfPresent(blob.variant.name) }
                }
                throw error
            }
        }
    }

    private func tellIndex(_ entries: [ChunkIndexEntry], _ bytes: UInt64, _ state: inout GroupState) throws {
        try index.insert(entries)
        state.bytesSinceIndexSync += bytes
        if state.bytesSinceIndexSync >= Self.indexSyncBytes { try syncIndex(&state) }
    }

    /// The blobs of a group that the store does not have yet; the staged files of the others are removed.
    private func newVariants(_ group: [StagedBlob], _ staging: StagingFolder) throws -> [StagedBlob] {
        var fresh: [StagedBlob] = []
        fresh.reserveCapacity(group.count)
        try database.read { session in
            for blob in group {
                // A row whose file is gone (somebody removed it) is no reason to drop the new one.
                if try session.holds(blob.variant), try blobs.fault(blob.variant, size: blob.size) == nil {
                    try staging.folder.unlinkIfPresent(blob.stagedName)
                } else {
                    fresh.append(blob)
                }
            }
        }
        return fresh
    }

    private func move(_ fresh: [StagedBlob], _ staging: StagingFolder) throws {
        for blob in fresh {
            // Replacing is right: under the group lock a file of that name has no good row, so nothing refers to it.
            try staging.folder.rename(blob.stagedName, in: blobs.folder(blob.variant.digest), to: blob.variant.name)
        }
    }

    private func record(
        _ fresh: [StagedBlob], _ state: inout GroupState, _ rows: (Session) throws -> Void
    ) throws -> [ChunkIndexEntry] {
        var entries: [ChunkIndexEntry] = []
        let (indexedBlob, indexedAttachment) = (state.indexedBlob, state.indexedAttachment)
        var told = state.toldBlob
        try database.withTransaction { session in
            try rows(session)
            for blob in fresh {
                let (number, isNew) = try session.record(blob.variant, size: blob.size, list: blob.list)
                guard isNew else { continue }
                told = max(told, number)
                appendLocations(&entries, blob.variant.digest, blob.size, blob.chunks, number)
            }
            try session.setMark("indexed-blob", indexedBlob)
            try session.setMark("indexed-attachment", indexedAttachment)
        }
        state.toldBlob = told
        return entries
    }

    /// The index entries of a blob: its chunks, or itself when it is one chunk.
    func appendLocations(
        _ entries: inout [ChunkIndexEntry], _ digest: BlobDigest, _ size: UInt64,
        _ chunks: [ChunkReference], _ number: Int64
    ) {
        if chunks.isEmpty {
            guard size > 0, let length = UInt32(exactly: size) else { return }
            let location = ChunkLocation(blobNumber: UInt64(number), offset: 0, length: length)
            entries.append(ChunkIndexEntry(ChunkDigest(digest.raw), location))
            return
        }
        var offset: UInt64 = 0
        for chunk in chunks {
            let location = ChunkLocation(blobNumber: UInt64(number), offset: offset, length: chunk.length)
            entries.append(ChunkIndexEntry(chunk.digest, location))
            offset += UInt64(chunk.length)
        }
    }

    /// Makes the chunk index durable; the next group's transaction, or `recordMarks`, says so.
    func syncIndex(_ state: inout GroupState) throws {
        try index.sync()
        state.indexedBlob = state.toldBlob
        state.indexedAttachment = state.toldAttachment
        state.bytesSinceIndexSync = 0
    }

    /// Makes the chunk index durable and gives the marks to write into the transaction that ends a session.
    func settledIndexMarks() throws -> (blob: Int64, attachment: Int64) {
        try groupLock.withLock { state in
            try syncIndex(&state)
            return (state.indexedBlob, state.indexedAttachment)
        }
    }

    /// Records a further chunk list of a held blob (a set with another chunk profile cuts it elsewhere), and enters its
    /// chunks into the index. The caller has compared every chunk with the blob's bytes.
    func attach(_ list: ChunkListDigest, _ chunks: [ChunkReference], to digest: BlobDigest, bytes: [UInt8]) throws {
        try groupLock.withLock { state in
            var told = state.toldAttachment
            let record = try database.withTransaction { session -> BlobRecord? in
                try session.insert(.chunkList, list.raw, bytes)
                guard let record = try session.blob(digest) else { return nil }
                if record.list == list { return record }
                let added = try session.run(
                    "INSERT OR IGNORE INTO attachment (blob, list) VALUES (?, ?)",
                    [.integer(record.number), .digest(list.raw)])
                if added > 0 { told = max(told, session.lastInsertedRow) }
                return record
            }
            guard let record else { return }
            var entries: [ChunkIndexEntry] = []
            appendLocations(&entries, digest, record.size, chunks, record.number)
            try index.insert(entries)
            state.toldAttachment = told
        }
    }

    /// Takes one inode out of the store's books; the chunk index stops offering a blob that has no other.
    /// The file itself is the caller's to move away.
    func forget(_ variants: [BlobVariant], damaging sets: [Int64] = []) throws {
        try gate.machine.withLock { machine in
            // What a running collection has found may be about to go.
            machine.disturb()
            try forgetAlone(variants, damaging: sets)
        }
    }

    private func forgetAlone(_ variants: [BlobVariant], damaging sets: [Int64]) throws {
        try groupLock.withLock { _ in
            var lost: Set<ChunkDigest> = []
            let gone = try database.withTransaction { session -> [Int64] in
                for set in sets { try session.setDamaged(set, true) }
                return try variants.compactMap { variant in
                    let chunks = try session.chunksOfAllLists(variant.digest)
                    guard let number = try session.forget(variant) else { return nil }
                    lost.formUnion(chunks)
                    try session.removeSources(of: variant.digest)
                    return number
                }
            }
            // Also when other inodes are left: the descriptor may be of the bad one.
            for variant in variants {
                if let record = try database.read({ try $0.blob(variant.digest) }) { readers.drop(record.number) }
            }
            guard !gone.isEmpty else { return }
            for number in gone { readers.drop(number) }
            try index.remove(blobs: gone.map { UInt64($0) })
            try enterOtherPlaces(of: lost)
            try index.sync()
        }
    }

    /// The index knows one place for each chunk: those that it lost with their blob may also lie in another. Looks at
    /// every chunk list, which is as rare as damage.
    private func enterOtherPlaces(of lost: Set<ChunkDigest>) throws {
        guard !lost.isEmpty else { return }
        try database.read { session in
            var entries: [ChunkIndexEntry] = []
            for chunk in lost.sorted() {
                guard let record = try session.blob(BlobDigest(chunk.raw)) else { continue }
                appendLocations(&entries, BlobDigest(chunk.raw), record.size, [], record.number)
            }
            try session.query(
                """
                SELECT blob.number, blob.digest, blob.size, chunk_list.bytes FROM blob
                JOIN chunk_list ON chunk_list.digest = blob.list
                """
            ) { row in
                let chunks = try ChunkList(decoding: row.blob(3)).chunks
                guard chunks.contains(where: { lost.contains($0.digest) }) else { return }
                appendLocations(
                    &entries, BlobDigest(try row.digest(1, "blob")), try row.unsigned(2), chunks, try row.integer(0))
            }
            try index.insert(entries)
        }
    }
}

extension Session {
    /// Every chunk that the store may offer from a blob.
    func chunksOfAllLists(_ digest: BlobDigest) throws -> [ChunkDigest] {
        guard let record = try blob(digest) else { return [] }
        var chunks = [ChunkDigest(digest.raw)]
        let lists = try rows(
            "SELECT list FROM blob WHERE number = ?1 AND list NOT NULL UNION SELECT list FROM attachment WHERE blob = ?1",
            [.integer(record.number)]
        ) { try $0.digest(0, "blob") }
        for list in lists {
            guard let bytes = try value(.chunkList, list) else { continue }
            chunks += try ChunkList(decoding: bytes).chunks.map(\.digest)
        }
        return chunks
    }
}
