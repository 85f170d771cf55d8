package import Content
import Hashing
import LinuxIO
import Synchronization

/// Reading what a fetch has received and not committed yet, so that it can be passed on at once.
extension FetchSession {
    /// Reads a chunk that was supplied to this session into `buffer`, which has the chunk's length, and verifies it; false
    /// if it is not here, or cannot be read now because it is being moved. From any thread, also after the session's end.
    /// - Throws: `StoreError` once the session has ended, and `FileError` if it cannot be read.
    package func read(_ digest: ChunkDigest, into buffer: UnsafeMutableRawBufferPointer) throws -> Bool {
        let place = state.withLock { state -> (place: FetchNeeds.Place, blob: FetchNeeds.Blob)? in
            guard state.stage != .ended, let chunk = state.needs.chunks[digest], chunk.isDone,
                Int(chunk.length) == buffer.count
            else { return nil }
            let place = state.needs.places[Int(chunk.firstPlace)]
            return (place, state.needs.blobs[Int(place.blob)])
        }
        guard let (place, blob) = place else { return false }
        if let assembly = assemblies.open(place.blob) {
            guard try assembly.read(into: buffer, at: place.offset) else { return false }
        } else {
            let name = BlobVariant.hex(blob.variant.digest)
            guard let file = try staging.folder.openFileIfPresent(name),
                try file.read(into: buffer, at: place.offset) == buffer.count
            else { return false }
        }
        // What is between memory and disk in this moment reads as something else.
        return BLAKE3.hash(UnsafeRawBufferPointer(buffer)) == digest.raw
    }

    /// The length of a chunk that was supplied to this session; nil if it was not.
    package func length(of digest: ChunkDigest) -> Int? {
        state.withLock { state in
            guard let chunk = state.needs.chunks[digest], chunk.isDone else { return nil }
            return Int(chunk.length)
        }
    }
}
