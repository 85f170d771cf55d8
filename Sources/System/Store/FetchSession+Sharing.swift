import Content
import Hashing
import LinuxIO
import Synchronization

/// Sharing blocks between a new blob and those that are held, where the file system can (XFS, btrfs): a new image of 5 GB
/// that differs in a few places is read and hashed, and only the places are written.
///
/// Shared blocks are taken over before they are read, and read from the new file: what is hashed is what is kept, whatever
/// happens to the file that they come from.
extension FetchSession {
    /// What file systems share whole blocks of; of those with larger ones nothing is shared here.
    private static let blockByteCount: UInt64 = 4_096
    /// Below it a call for the range costs more than it saves.
    private static let leastByteCount = 2 * UInt64(BLAKE3.Pieces.pieceByteCount)

    /// Chunks that are held one after the other, and wanted in the same order.
    private struct Run {
        let blob: Int32
        var members: [(held: Int, offset: UInt64)]
        let location: ChunkLocation
        var end: UInt64
        var sourceEnd: UInt64

        var offset: UInt64 { members[0].offset }
    }

    /// Lets new blobs share what they can; notes where chunks lie in them then, and which pieces need not be written.
    ///
    /// A held blob that is gone is passed over: its chunks are found to be lost when they are copied.
    /// - Throws: `FileError` of the disk.
    func shareHeld(_ needs: inout FetchNeeds, _ staged: Set<BlobDigest>) throws {
        for run in runs(of: needs) {
            let blob = needs.blobs[Int(run.blob)]
            // What an earlier session has written is hashed by now: it stays.
            guard !staged.contains(blob.variant.digest) else { continue }
            let begin = (run.offset + Self.blockByteCount - 1) / Self.blockByteCount * Self.blockByteCount
            let end = run.end / Self.blockByteCount * Self.blockByteCount
            do {
                let source = try store.file(of: run.location)
                let isShared = try part(blob).reflink(
                    from: source, sourceOffset: run.location.offset + (begin - run.offset), count: end - begin,
                    at: begin)
                // Here nothing can be shared: there is no use in asking for the others.
                guard isShared else { return }
            } catch is StoreError {
                continue
            }
            note(run, begin..<end, &needs)
        }
    }

    /// Takes note of the chunks that lie whole in a range that is shared, and of the pieces that these make up.
    private func note(_ run: Run, _ range: Range<UInt64>, _ needs: inout FetchNeeds) {
        let size = UInt64(BLAKE3.Pieces.pieceByteCount)
        var (begin, end) = (range.upperBound, range.lowerBound)
        for (held, offset) in run.members {
            let upper = offset + UInt64(needs.held[held].reference.length)
            guard offset >= range.lowerBound, upper <= range.upperBound else { continue }
            needs.held[held].shared = (run.blob, offset)
            (begin, end) = (min(begin, offset), max(end, upper))
        }
        let pieces = ((begin + size - 1) / size, end / size)
        guard pieces.0 < pieces.1 else { return }
        assemblies.share(run.blob, pieces: Int(pieces.0)..<Int(pieces.1))
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
            guard places.count == 1, needs.blobs[Int(places[0].blob)].list != nil,
                held.location.offset % Self.blockByteCount == places[0].offset % Self.blockByteCount
            else {
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

    /// Reads a held chunk into `part`, which has its length: from the new blob if that shares it.
    ///
    /// Throws `StoreError` if it is not there any more, `FileError` if it cannot be read.
    func read(_ chunk: FetchNeeds.HeldChunk, into part: UnsafeMutableRawBufferPointer) throws {
        guard let (index, offset) = chunk.shared else { return try store.read(chunk.location, into: part) }
        guard try sharing(index).read(into: part, at: offset) == part.count else {
            throw StoreError.notFound("a chunk at \(offset) of the new blob \(index)")
        }
    }

    /// Has the disk read these while others are hashed: each is read by a call of its own, for which the kernel looks
    /// ahead by little.
    func readAhead(_ chunks: ArraySlice<FetchNeeds.HeldChunk>) {
        for chunk in chunks {
            // What cannot be opened is found when it is read.
            if let (index, offset) = chunk.shared {
                (try? sharing(index))?.advise(.willNeed, offset: offset, count: UInt64(chunk.reference.length))
            } else {
                (try? store.file(of: chunk.location))?.advise(
                    .willNeed, offset: chunk.location.offset, count: UInt64(chunk.reference.length))
            }
        }
    }

    /// The file of a new blob that shares blocks with others.
    private func sharing(_ index: Int32) throws -> OpenFile {
        if let file = assemblies.open(index)?.file.plain { return file }
        let blob = state.withLock { $0.stage == .chunks ? $0.needs.blobs[Int(index)] : nil }
        guard let blob else { throw StoreError.sessionEnded(set: name) }
        return try part(blob)
    }

    /// A chunk has other bytes in the new blob than it should: it is written there once it came.
    func unshare(_ chunk: FetchNeeds.HeldChunk) {
        guard let (index, offset) = chunk.shared else { return }
        assemblies.unshare(index, offset..<offset + UInt64(chunk.reference.length))
    }
}
