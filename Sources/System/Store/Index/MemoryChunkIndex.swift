package import Content
import Synchronization

/// A chunk index in memory: the model of what every chunk index does, and an index for tests and for stores that are
/// thrown away. Nothing of it is ever durable.
package final class MemoryChunkIndex: ChunkIndex {
    private struct State {
        var locations: [ChunkDigest: ChunkLocation] = [:]
        var removed: Set<UInt64> = []
    }

    private let state = Mutex(State())

    package init() {}

    package func insert(_ entries: [ChunkIndexEntry]) throws {
        try state.withLock { state in
            for entry in entries {
                guard entry.location.isWithinLimits else { throw ChunkIndexError.beyondLimits(entry.location) }
                if state.removed.contains(entry.location.blobNumber) {
                    throw ChunkIndexError.removedBlob(entry.location.blobNumber)
                }
            }
            for entry in entries { state.locations[entry.digest] = entry.location }
        }
    }

    package func find(_ digests: [ChunkDigest]) throws -> [ChunkLocation?] {
        state.withLock { state in digests.map { state.locations[$0] } }
    }

    package func remove(blobs: [UInt64]) throws {
        state.withLock { state in
            state.removed.formUnion(blobs)
            state.locations = state.locations.filter { !state.removed.contains($0.value.blobNumber) }
        }
    }

    package func sync() throws {}

    package func compact(isLive: (UInt64) throws -> Bool) throws {
        // Asked outside the lock: it is the caller's code, and may take long.
        let held = state.withLock { Set($0.locations.values.map(\.blobNumber)) }
        var dead: Set<UInt64> = []
        for number in held.sorted() where try !isLive(number) { dead.insert(number) }
        state.withLock { state in
            state.locations = state.locations.filter { !dead.contains($0.value.blobNumber) }
            state.removed = []
        }
    }

    package var count: Int { state.withLock { $0.locations.count } }
}
