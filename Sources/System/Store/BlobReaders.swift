import LinuxIO
import Synchronization

/// Open descriptors of blobs that were read lately, by blob number.
final class BlobReaders: Sendable {
    private struct State {
        var files: [Int64: (file: OpenFile, use: UInt64)] = [:]
        var uses: UInt64 = 0
    }

    /// Enough for the blobs that a few dozen peers read at a time; far below the limit of descriptors.
    private static let limit = 256
    private let state = Mutex(State())

    /// The open file of a blob, if it is kept.
    func file(_ blob: Int64) -> OpenFile? {
        state.withLock { state in
            guard let kept = state.files[blob] else { return nil }
            state.uses += 1
            state.files[blob] = (kept.file, state.uses)
            return kept.file
        }
    }

    /// Keeps an open file; drops the quarter not used for the longest time when there are too many.
    func keep(_ file: OpenFile, _ blob: Int64) {
        state.withLock { state in
            state.uses += 1
            if state.files.count >= Self.limit {
                let uses = state.files.values.map(\.use).sorted()
                let oldest = uses[uses.count / 4]
                state.files = state.files.filter { $0.value.use > oldest }
            }
            state.files[blob] = (file, state.uses)
        }
    }

    /// Forgets a blob, so that its inode is never read again.
    func drop(_ blob: Int64) {
        state.withLock { _ = $0.files.removeValue(forKey: blob) }
    }
}
