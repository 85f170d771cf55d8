import Content
import Dispatch
import Glibc
import Hashing
import LinuxIO
import Synchronization

/// One file of `blobs`, read again.
struct RebuiltBlob {
    let variant: BlobVariant
    let size: UInt64
    let inode: UInt64
    /// For each profile asked for, in that order: the list of its chunks, nil if it is one chunk.
    let lists: [ChunkList?]
    let further: [Digest]
    /// What the file is instead of what its name says; nil if it is that.
    let fault: String?
}

/// Reads files of `blobs` again: hashes them, cuts them by every profile in use, takes further digests.
struct BlobReading {
    let blobs: BlobFiles
    let cutters: [FastCDC]
    let algorithms: [HashAlgorithm]

    /// Reads them with as many threads as there are processors; in the order given.
    func readAll(_ variants: [BlobVariant]) throws -> [RebuiltBlob] {
        let results = Mutex<[RebuiltBlob?]>(Array(repeating: nil, count: variants.count))
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: variants.count) { index in
            guard failure.withLock({ $0 == nil }) else { return }
            do {
                let blob = try read(variants[index])
                results.withLock { $0[index] = blob }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return results.withLock { $0 }.compactMap { $0 }
    }

    /// Reads one; nil if its file is gone.
    private func read(_ variant: BlobVariant) throws -> RebuiltBlob? {
        guard let file = try blobs.open(variant) else { return nil }
        let found = try file.attributes()
        var (blob, lists, further): (BlobDigest?, [ChunkList?], [Digest]) = (nil, [], [])
        do {
            guard found.type == .regular else { throw FileError("read", file.shownName, errno: EINVAL) }
            (blob, lists, further) =
                found.size <= UInt64(SourceReader.wholeLimit)
                ? try readWhole(file, Int(found.size)) : try readLong(file, found.size)
        } catch let error as FileError {
            // A disk that cannot read a block: as bad as wrong bytes.
            return RebuiltBlob(
                variant: variant, size: found.size, inode: found.inode, lists: [], further: [],
                fault: "cannot be read (\(error.errnoName))")
        }
        // Time and mode follow from the name, and no reader has relied on others.
        if blob == variant.digest {
            if found.permissions != variant.mode { try file.setMode(variant.mode) }
            if found.modified != FileTime(seconds: variant.modified) {
                try file.setModified(FileTime(seconds: variant.modified))
            }
        }
        return RebuiltBlob(
            variant: variant, size: found.size, inode: found.inode, lists: lists, further: further,
            fault: blob == variant.digest ? nil : "has other bytes")
    }

    private func readWhole(_ file: OpenFile, _ size: Int) throws -> (BlobDigest?, [ChunkList?], [Digest]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size + 1, alignment: 4096)
        defer { buffer.deallocate() }
        guard try file.read(into: buffer, at: 0) == size else { return (nil, [], []) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<size])
        return (
            BlobDigest(BLAKE3.hash(bytes)), try cutters.map { try list($0.chunks(bytes)) },
            algorithms.map { Digest.hash($0, bytes) }
        )
    }

    private func readLong(_ file: OpenFile, _ size: UInt64) throws -> (BlobDigest?, [ChunkList?], [Digest]) {
        var (blob, lists, further): (BlobDigest?, [ChunkList?], [Digest]) = (nil, [], [])
        for (index, cutter) in cutters.enumerated() {
            let pass = LongPass(
                file: file, size: size, target: nil, cutter: cutter, digests: index == 0 ? algorithms : [])
            guard let result = try pass.run({ _ in }) else { return (nil, [], []) }
            blob = result.blob
            lists.append(try list(result.chunks.count > 1 ? result.chunks : []))
            if index == 0 { further = result.further }
        }
        return (blob, lists, further)
    }

    private func list(_ chunks: [ChunkReference]) throws -> ChunkList? {
        chunks.isEmpty ? nil : try ChunkList(chunks)
    }
}
