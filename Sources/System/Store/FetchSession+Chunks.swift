package import Content
import Database
import Hashing
import LinuxIO
import Synchronization
import Trust

extension FetchSession {
    /// Finds out which chunks have to come from elsewhere: what an interrupted fetch staged is hashed again, and chunks
    /// that any blob here holds are lined up for `copyHeld`.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func prepareChunks() throws -> ChunkNeeds {
        try state.withLock { state in
            try expect(state, .chunkLists, "chunks")
            guard state.neededLists.isEmpty else { throw StoreError.tooEarly(set: name, step: "chunks") }
            state.stage = .preparing
        }
        store.note(.fetchPrepare, name)
        do {
            try storeLists()
            try attachLists()
            let needs = try prepare()
            store.note(.fetchChunks, name)
            return needs
        } catch {
            // The stage is a dead end now: the caller begins again, and finds what was staged.
            suspend()
            throw error
        }
    }

    private func storeLists() throws {
        let lists = state.withLock { $0.lists }
        guard lists.count > 0 else { return }
        try store.database.withTransaction { session in
            for digest in lists.digests {
                guard let bytes = try lists.value(digest),
                    ChunkList.digest(of: bytes) == ChunkListDigest(digest)
                else { continue }
                try session.run(
                    "INSERT OR REPLACE INTO chunk_list (digest, bytes) VALUES (?, ?)",
                    [.digest(digest), .blob(bytes)])
            }
        }
    }

    /// The chunks of a blob that has `list`, or is one chunk itself.
    func chunks(_ blob: BlobDigest, _ list: ChunkListDigest?, size: UInt64) throws -> [ChunkReference] {
        guard let list else {
            guard size > 0 else { return [] }
            return [ChunkReference(digest: ChunkDigest(blob.raw), length: UInt32(clamping: size))]
        }
        guard let bytes = try store.chunkList(list) else {
            throw StoreError.notFound("chunk list \(list)")
        }
        do {
            return try ChunkList(verifying: bytes, digest: list, blobSize: size).chunks
        } catch {
            throw StoreError.wrongChunkList(list, reason: "\(error)")
        }
    }

    /// Compares the new lists of held blobs with their bytes, and makes their chunks known.
    private func attachLists() throws {
        let attachments = state.withLock { $0.needs.attachments }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        for (blob, list, size) in attachments {
            let chunks = try chunks(blob, list, size: size)
            guard let (_, file) = try store.openAnyVariant(of: blob) else { continue }
            var offset: UInt64 = 0
            var isRight = true
            for chunk in chunks where isRight {
                isRight = try holds(chunk, file, offset, buffer)
                offset += UInt64(chunk.length)
            }
            // A blob that has rotted is found by the closure or by `verify`; its chunks are not offered.
            guard isRight, let bytes = try store.chunkList(list) else { continue }
            try store.attach(list, chunks, to: blob, bytes: bytes)
        }
    }

    /// Whether a file has a chunk's bytes at `offset`; they are in `buffer` then.
    func holds(
        _ chunk: ChunkReference, _ file: OpenFile, _ offset: UInt64, _ buffer: UnsafeMutableRawBufferPointer
    ) throws -> Bool {
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(chunk.length)])
        guard try file.read(into: part, at: offset) == part.count else { return false }
        return BLAKE3.hash(UnsafeRawBufferPointer(part)) == chunk.digest.raw
    }

    // MARK: Preparing

    /// What the passes over the needed blobs have found.
    private struct Tally {
        var missing: [ChunkReference] = []
        var resumedChunks: UInt64 = 0
        var resumedBytes: UInt64 = 0
    }

    private func prepare() throws -> ChunkNeeds {
        var needs = state.withLock { state -> FetchNeeds in
            let needs = state.needs
            state.needs = FetchNeeds()
            return needs
        }
        let staged = try stagedParts(needs)
        try expectRoom(needs, staged)
        var tally = Tally()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        for index in needs.blobs.indices {
            try prepare(index, &needs, staged, &tally, buffer)
        }
        try planRuns(&needs, staged)
        let held = needs.held
        let order = tally.missing
        let result = ChunkNeeds(
            missing: order, missingBytes: order.reduce(0) { $0 + UInt64($1.length) }, totalBytes: needs.totalBytes,
            laterBytes: state.withLock { $0.laterBytes }, reusedChunks: UInt64(held.count),
            reusedBytes: held.reduce(0) { $0 + UInt64($1.reference.length) }, resumedChunks: tally.resumedChunks,
            resumedBytes: tally.resumedBytes)
        let prepared = needs
        state.withLock { state in
            state.needs = prepared
            state.stage = .chunks
        }
        for index in prepared.blobs.indices where prepared.blobs[index].openPlaces == 0 {
            try complete(Int32(index), wasStaged: true)
        }
        try commitIfDue()
        return result
    }

    /// The staged parts that belong to needed blobs; all others are removed, they are of a release given up.
    private func stagedParts(_ needs: FetchNeeds) throws -> Set<BlobDigest> {
        var sizes: [BlobDigest: UInt64] = [:]
        var staged: Set<BlobDigest> = []
        let kept = [StoreLayout.journal, StoreLayout.stagedNodes, StoreLayout.stagedLists].map { Array($0.utf8) }
        let listing = try staging.folder.listing()
        if listing.count > kept.count {
            for blob in needs.blobs { sizes[blob.variant.digest] = blob.size }
        }
        for index in 0..<listing.count {
            let name = listing.name(at: index)
            if kept.contains(name) { continue }
            if let digest = BlobDigest(hex: String(decoding: name, as: UTF8.self)), let size = sizes[digest],
                try staging.folder.stat(name)?.size == size
            {
                staged.insert(digest)
            } else {
                try staging.folder.removeTree(name)
            }
        }
        return staged
    }

    /// Room for every blob that is not staged yet, and for the tree: its files are links, its directories are not.
    private func expectRoom(_ needs: FetchNeeds, _ staged: Set<BlobDigest>) throws {
        var (bytes, inodes): (UInt64, UInt64) = (0, 0)
        for blob in needs.blobs where !staged.contains(blob.variant.digest) {
            bytes = bytes.addingReportingOverflow(blob.size).partialValue
            inodes += 1
        }
        let manifest = release.document.manifest
        inodes += manifest.entries - min(manifest.entries, manifest.files)
        try store.expectRoom(bytes: bytes, inodes: inodes, for: name)
    }

    /// Finds the chunks of one needed blob that are here, and notes the others as missing.
    private func prepare(
        _ index: Int, _ needs: inout FetchNeeds, _ staged: Set<BlobDigest>, _ tally: inout Tally,
        _ buffer: UnsafeMutableRawBufferPointer
    ) throws {
        let blob = needs.blobs[index]
        let chunks = try chunks(blob.variant.digest, blob.list, size: blob.size)
        var present = [Bool](repeating: false, count: chunks.count)
        if staged.contains(blob.variant.digest) {
            assemblies.scatter(Int32(index))
            let part = try staging.folder.openFile(BlobVariant.hex(blob.variant.digest))
            var offset: UInt64 = 0
            for (at, chunk) in chunks.enumerated() {
                if try holds(chunk, part, offset, buffer) {
                    present[at] = true
                    tally.resumedChunks += 1
                    tally.resumedBytes += UInt64(chunk.length)
                }
                offset += UInt64(chunk.length)
            }
        }
        let locations = try store.locate(chunks.map(\.digest))
        var offset: UInt64 = 0
        for (at, chunk) in chunks.enumerated() {
            defer { offset += UInt64(chunk.length) }
            if present[at] {
                needs.doneBytes += UInt64(chunk.length)
                continue
            }
            guard needs.add(chunk, blob: Int32(index), offset: offset) else { continue }
            if let location = locations[at], location.length == chunk.length {
                needs.held.append(FetchNeeds.HeldChunk(reference: chunk, location: location))
            } else {
                tally.missing.append(chunk)
            }
        }
        // An empty blob, and one whose every chunk is here, is completed by the caller: its file must be there.
        if chunks.isEmpty { _ = try part(blob) }
    }

    // MARK: Copying

    /// Copies chunks that lie in blobs here to where the new blobs want them: about `limit` bytes, and at least one chunk.
    /// They are hashed on the way, so that rot does not spread: each by itself, or with the blob that they become a part of.
    ///
    /// For one thread at a time, while others supply what is missing. What was wrong may be known only once all else has
    /// come: it is called again then.
    /// - Returns: those that are not here after all, or not right: they have to come from elsewhere, too. nil when there
    ///   is nothing left to copy or to tell.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func copyHeld(atMost limit: Int) throws -> [ChunkReference]? {
        let (held, next) = try state.withLock { state in
            try expect(state, .chunks, "copies")
            let held = state.needs.heldSlice(from: state.needs.heldDone, atMost: limit)
            return (held, state.needs.heldSlice(from: held.endIndex, atMost: limit))
        }
        readAhead(next)
        let room = max(held.reduce(0) { $0 + Int($1.reference.length) }, BLAKE3.Pieces.pieceByteCount)
        var lost = held.isEmpty ? [] : try copyMemory.withBytes(room) { try copy(held, through: $0) }
        state.withLock { state in
            state.needs.heldDone += held.count
            lost += state.needs.lost
            state.needs.lost = []
        }
        return held.isEmpty && lost.isEmpty ? nil : lost
    }

    /// Copies these, through memory that has room for all of them; those that are not here after all, or not right.
    private func copy(
        _ held: ArraySlice<FetchNeeds.HeldChunk>, through memory: UnsafeMutableRawBufferPointer
    ) throws -> [ChunkReference] {
        var (single, lost): ([FetchNeeds.HeldChunk], [ChunkReference]) = ([], [])
        for chunk in held {
            let isTaken: Bool
            do {
                isTaken = try takeOver(chunk, through: memory)
            } catch is StoreError {
                lost.append(chunk.reference)
                continue
            }
            guard isTaken else {
                single.append(chunk)
                continue
            }
            let (digest, length) = (chunk.reference.digest, Int(chunk.reference.length))
            _ = try turns.withTurn(digest) { try settle(digest, length, isFetched: false) { _ in } }
        }
        var copies: [(ChunkReference, UnsafeRawBufferPointer)] = []
        var offset = 0
        for chunk in single {
            let part = UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + Int(chunk.reference.length)])
            offset += part.count
            do {
                try store.read(chunk.location, into: part)
                copies.append((chunk.reference, UnsafeRawBufferPointer(part)))
            } catch is StoreError {
                lost.append(chunk.reference)
            }
        }
        let refused = Set(try take(copies.map { ($0.0.digest, $0.1) }, isFetched: false))
        return lost + copies.map(\.0).filter { refused.contains($0.digest) }
    }

    // MARK: Supplying

    /// The staging file of a blob, made with its full size if it is not there.
    func part(_ blob: FetchNeeds.Blob) throws -> OpenFile {
        let name = BlobVariant.hex(blob.variant.digest)
        if let file = try staging.folder.openFileIfPresent(name, writable: true) { return file }
        do {
            let file = try staging.folder.createFile(name, mode: blob.variant.mode)
            try file.allocate(blob.size)
            return file
        } catch {
            guard error.isAlreadyThere else { throw error }
            // Another thread was faster, for another chunk of it.
            return try staging.folder.openFile(name, writable: true)
        }
    }

    /// Where to write the chunks of a blob.
    func target(_ index: Int32, _ blob: FetchNeeds.Blob) throws -> BlobTarget {
        guard blob.list != nil else { return .file(try part(blob)) }
        let name = BlobVariant.hex(blob.variant.digest)
        return try assemblies.target(index, size: blob.size, at: name, in: staging.folder) { try part(blob) }
    }

    /// Takes chunks, several at once best: they are hashed side by side, and written to where they belong.
    ///
    /// May be called from several threads at once, also with the same chunks: whoever is second waits for the first, so
    /// that a chunk that was taken is written when this returns, whichever thread did it.
    /// - Returns: the digests whose bytes were wrong, or that nobody asked for. Of those nothing is kept.
    /// - Throws: `StoreError` once the session has ended, or when it is not its turn; `FileError`, `DatabaseError` of
    ///   the disk.
    package func supply(chunks: [(ChunkDigest, UnsafeRawBufferPointer)]) throws -> [ChunkDigest] {
        try take(chunks, isFetched: true)
    }

    private func take(
        _ chunks: [(ChunkDigest, UnsafeRawBufferPointer)], isFetched: Bool
    ) throws -> [ChunkDigest] {
        let actual = BLAKE3.hashMany(chunks.map(\.1))
        var refused: [ChunkDigest] = []
        for (index, (digest, bytes)) in chunks.enumerated() {
            guard actual[index] == digest.raw else {
                refused.append(digest)
                continue
            }
            guard try turns.withTurn(digest, { try write(digest, bytes, isFetched) }) else {
                refused.append(digest)
                continue
            }
        }
        try commitIfDue()
        return refused
    }

    /// What to do with a chunk that was supplied.
    private enum Claim {
        case unknown, done
        case write([(place: FetchNeeds.Place, blob: FetchNeeds.Blob)])
    }

    /// Writes a verified chunk to all its places, and completes the blobs that have all their chunks now; false if it is
    /// not needed by anything. The caller has the chunk's turn.
    private func write(_ digest: ChunkDigest, _ bytes: UnsafeRawBufferPointer, _ isFetched: Bool) throws -> Bool {
        try settle(digest, bytes.count, isFetched: isFetched) { places in
            for (place, blob) in places {
                if blob.list == nil {
                    try writeWhole(blob, bytes)
                } else {
                    try target(place.blob, blob).write(bytes, at: place.offset, isFetched: isFetched)
                }
            }
        }
    }

    /// Has `put` bring a chunk of `length` bytes to all its places, and completes the blobs that have all their chunks now;
    /// false if it is not needed by anything. The caller has the chunk's turn.
    private func settle(
        _ digest: ChunkDigest, _ length: Int, isFetched: Bool,
        _ put: ([(place: FetchNeeds.Place, blob: FetchNeeds.Blob)]) throws -> Void
    ) throws -> Bool {
        let claim = try state.withLock { state -> Claim in
            try expect(state, .chunks, "chunks")
            guard let chunk = state.needs.chunks[digest], Int(chunk.length) == length else { return .unknown }
            guard !chunk.isDone else { return .done }
            return .write(state.needs.places(of: chunk).map { ($0, state.needs.blobs[Int($0.blob)]) })
        }
        guard case .write(let places) = claim else {
            if case .done = claim { return true }
            return false
        }
        try put(places)
        let finished = state.withLock { state -> [Int32] in
            // The session may have been abandoned meanwhile.
            guard state.needs.chunks[digest] != nil else { return [] }
            state.needs.chunks[digest]?.isDone = true
            if isFetched { state.needs.fetchedCount += 1 }
            var finished: [Int32] = []
            for (place, _) in places {
                state.needs.doneBytes += UInt64(length)
                state.bytesSinceSync += UInt64(length)
                state.needs.blobs[Int(place.blob)].openPlaces -= 1
                if state.needs.blobs[Int(place.blob)].openPlaces == 0 { finished.append(place.blob) }
            }
            return finished
        }
        for blob in finished { try complete(blob) }
        // Only now: when none is missing every blob is complete.
        state.withLock { state in
            if state.needs.chunks[digest] != nil { state.needs.missingCount -= 1 }
        }
        return true
    }

    /// Writes a blob of one chunk, finished, in as few calls as there can be: most files are such ones.
    private func writeWhole(_ blob: FetchNeeds.Blob, _ bytes: UnsafeRawBufferPointer) throws {
        let name = BlobVariant.hex(blob.variant.digest)
        let file: OpenFile
        do {
            file = try staging.folder.createFile(name, mode: blob.variant.mode)
        } catch {
            guard error.isAlreadyThere else { throw error }
            // What an interrupted fetch left under the name was not right, or the chunk would not be missing.
            try staging.folder.unlinkIfPresent(name)
            file = try staging.folder.createFile(name, mode: blob.variant.mode)
        }
        try file.write(bytes, at: 0)
        try file.setModified(FileTime(seconds: blob.variant.modified))
    }

    /// Checks a blob whose every chunk is written as a whole, gives it its attributes, and lines it up for the group.
    /// - Parameter wasStaged: the file of a blob of one chunk was not made by `writeWhole`.
    private func complete(_ index: Int32, wasStaged: Bool = false) throws {
        let blob = state.withLock { state -> FetchNeeds.Blob? in
            state.stage == .chunks ? state.needs.blobs[Int(index)] : nil
        }
        guard let blob else { throw StoreError.sessionEnded(set: name) }
        var references: [ChunkReference] = []
        if blob.list != nil || wasStaged {
            let assembly = assemblies.take(index)
            let file = try assembly?.file.plain ?? part(blob)
            guard try assembly?.digest() ?? file.blake3() == blob.variant.digest.raw else {
                if let assembly, assembly.isUnverified, try reopen(index, blob, file) { return }
                throw StoreError.wrongBlob(blob.variant.digest, path: try path(of: blob.variant.digest))
            }
            references = blob.list == nil ? [] : try chunks(blob.variant.digest, blob.list, size: blob.size)
            try file.setMode(blob.variant.mode)
            try file.setModified(FileTime(seconds: blob.variant.modified))
        }
        let staged = StagedBlob(
            variant: blob.variant, size: blob.size, list: blob.list, chunks: references)
        state.withLock { $0.finished.append(staged) }
    }

    /// The first path of the release that shows a blob: for messages.
    private func path(of blob: BlobDigest) throws -> RelativePath {
        var found: RelativePath?
        try ManifestTree.forEachEntry(root: root, source: { try self.store.node($0) }) { entry in
            if entry.blob == blob { found = entry.path }
            return found == nil
        }
        guard let found else { throw StoreError.notFound("a path of blob \(blob)") }
        return found
    }

    private func commitIfDue() throws {
        let isDue = state.withLock { state -> Bool in
            guard state.bytesSinceSync >= StoreLayout.fetchGroupBytes || state.finished.count >= StoreLayout.groupBlobs
            else { return false }
            // Claimed here, so that one thread of several does it.
            state.bytesSinceSync = 0
            return true
        }
        if isDue { try commitGroup(isLast: false) }
    }
}
