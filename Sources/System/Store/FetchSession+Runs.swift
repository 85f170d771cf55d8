import Content
import Hashing
import LinuxIO
import Synchronization

/// Taking over what a held blob has of a new one in long runs: a new image of 5 GB that differs in a few places is read and
/// hashed once, by whole pieces of the blob, and where the file system can share blocks (XFS, btrfs) only the places are
/// written.
///
/// Blocks are shared before they are read, and read from the new file: what is hashed is what is kept, whatever happens
/// to the file that they come from. The chunks of the pieces are not compared: if the digest of the blob is not what it
/// has to be, all its chunks are, and the wrong ones come from elsewhere.
extension FetchSession {
    /// What file systems share whole blocks of; of those with larger ones nothing is shared here.
    private static let blockByteCount: UInt64 = 4_096
    private static let pieceByteCount = UInt64(BLAKE3.Pieces.pieceByteCount)
    /// Shorter runs have no whole piece, or hardly more.
    private static let leastByteCount = 2 * pieceByteCount

    /// Chunks that are held one after the other, and wanted in the same order.
    private struct Run {
        let blob: Int32
        var members: [(held: Int, offset: UInt64)]
        let location: ChunkLocation
        var end: UInt64
        var sourceEnd: UInt64

        var offset: UInt64 { members[0].offset }
    }

    // MARK: Before chunks are copied

    /// Finds the runs of held chunks, lets new blobs share what they can of them, and notes which pieces will be taken over.
    ///
    /// A held blob that is gone is passed over: its chunks are found to be lost when they are copied.
    /// - Throws: `FileError` of the disk.
    func planRuns(_ needs: inout FetchNeeds, _ staged: Set<BlobDigest>) throws {
        var canShare = true
        for run in runs(of: needs) {
            let blob = needs.blobs[Int(run.blob)]
            // What an earlier session has written is hashed by now: it stays.
            guard !staged.contains(blob.variant.digest), let (pieces, whole) = wholePieces(run, needs) else { continue }
            var isShared = false
            if canShare, run.location.offset % Self.blockByteCount == run.offset % Self.blockByteCount {
                do {
                    let begin = UInt64(pieces.lowerBound) * Self.pieceByteCount
                    isShared = try part(blob).reflink(
                        from: try store.file(of: run.location),
                        sourceOffset: run.location.offset + (begin - run.offset),
                        count: UInt64(pieces.count) * Self.pieceByteCount, at: begin)
                    // Here nothing can be shared: there is no use in asking for the others.
                    canShare = isShared
                } catch is StoreError {
                    continue
                }
            }
            for held in whole { needs.held[held].run = Int32(needs.runs.count) }
            needs.runs.append(
                FetchNeeds.HeldRun(blob: run.blob, offset: run.offset, source: run.location, isShared: isShared))
            assemblies.expectTaken(run.blob, pieces)
        }
    }

    /// The pieces that a run fills, and its chunks that lie whole in them, as indices in `held`; nil if there are none.
    private func wholePieces(_ run: Run, _ needs: FetchNeeds) -> (pieces: Range<Int>, whole: [Int])? {
        let size = Self.pieceByteCount
        let (begin, end) = ((run.offset + size - 1) / size * size, run.end / size * size)
        let whole = run.members.filter { held, offset in
            offset >= begin && offset + UInt64(needs.held[held].reference.length) <= end
        }
        guard let first = whole.first, let last = whole.last else { return nil }
        // A piece without any of them would be taken over by nobody.
        let lastEnd = last.offset + UInt64(needs.held[last.held].reference.length)
        return (Int(first.offset / size)..<Int((lastEnd - 1) / size) + 1, whole.map(\.held))
    }

    /// The runs that are long enough, of chunks with one place each: bytes that are wanted in several places are read once,
    /// and would be hashed in one of them only.
    private func runs(of needs: FetchNeeds) -> [Run] {
        var runs: [Run] = []
        var open: Run?
        func close() {
            if let run = open, run.end - run.offset >= Self.leastByteCount { runs.append(run) }
            open = nil
        }
        for (index, held) in needs.held.enumerated() {
            guard let chunk = needs.chunks[held.reference.digest] else { continue }
            let places = needs.places(of: chunk)
            guard places.count == 1, needs.blobs[Int(places[0].blob)].list != nil else {
                close()
                continue
            }
            let length = UInt64(held.reference.length)
            if let run = open, run.blob == places[0].blob, run.end == places[0].offset,
                run.location.blobNumber == held.location.blobNumber, run.sourceEnd == held.location.offset
            {
                open?.members.append((index, places[0].offset))
                open?.end += length
                open?.sourceEnd += length
            } else {
                close()
                open = Run(
                    blob: places[0].blob, members: [(index, places[0].offset)], location: held.location,
                    end: places[0].offset + length, sourceEnd: held.location.offset + length)
            }
        }
        close()
        return runs
    }

    // MARK: Copying

    /// Takes over the pieces that a held chunk of a run lies in, through memory that has room for one.
    /// - Returns: false if the chunk has to be copied by itself.
    /// - Throws: `StoreError` if it is not there any more, `FileError` of the disk.
    func takeOver(_ chunk: FetchNeeds.HeldChunk, through memory: UnsafeMutableRawBufferPointer) throws -> Bool {
        guard chunk.run >= 0 else { return false }
        let (run, blob) = try state.withLock { state in
            try expect(state, .chunks, "copies")
            let run = state.needs.runs[Int(chunk.run)]
            return (run, state.needs.blobs[Int(run.blob)])
        }
        guard case .assembly(let assembly) = try target(run.blob, blob) else { return false }
        let source = run.isShared ? nil : try store.file(of: run.source)
        let begin = run.offset + (chunk.location.offset - run.source.offset)
        let end = begin + UInt64(chunk.reference.length)
        var isTaken = true
        for piece in Int(begin / Self.pieceByteCount)...Int((end - 1) / Self.pieceByteCount) {
            let offset = UInt64(piece) * Self.pieceByteCount
            let place = source.map { (file: $0, offset: run.source.offset + (offset - run.offset)) }
            if try !assembly.takeOver(piece, from: place, through: memory) { isTaken = false }
        }
        return isTaken
    }

    /// Has the disk read these while others are hashed: each is read by a call of its own, for which the kernel looks
    /// ahead by little.
    func readAhead(_ chunks: ArraySlice<FetchNeeds.HeldChunk>) {
        let runs = state.withLock { $0.needs.runs }
        for chunk in chunks where chunk.run < 0 || !runs[Int(chunk.run)].isShared {
            // What cannot be opened is found when it is read.
            (try? store.file(of: chunk.location))?.advise(
                .willNeed, offset: chunk.location.offset, count: UInt64(chunk.reference.length))
        }
    }

    // MARK: When the digest of a blob is wrong

    /// Finds the chunks that are wrong in a blob whose pieces were taken over without comparing them, and asks for them again;
    /// what else is in its file stays. False if none is, or if that cannot be the reason.
    func reopen(_ index: Int32, _ blob: FetchNeeds.Blob, _ file: OpenFile) throws -> Bool {
        assemblies.scatter(index)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: DirectFile.alignment)
        defer { buffer.deallocate() }
        var wrong: [ChunkReference] = []
        var offset: UInt64 = 0
        for chunk in try chunks(blob.variant.digest, blob.list, size: blob.size) {
            if try !holds(chunk, file, offset, buffer) { wrong.append(chunk) }
            offset += UInt64(chunk.length)
        }
        return state.withLock { state in
            let isOnce = wrong.allSatisfy { chunk in
                state.needs.chunks[chunk.digest].map { $0.isDone && state.needs.places(of: $0).count == 1 } ?? false
            }
            guard isOnce, !wrong.isEmpty else { return false }
            for chunk in wrong {
                state.needs.chunks[chunk.digest]?.isDone = false
                state.needs.missingCount += 1
                state.needs.blobs[Int(index)].openPlaces += 1
                state.needs.doneBytes -= UInt64(chunk.length)
            }
            state.needs.lost += wrong
            return true
        }
    }
}
