import LinuxIO
import Synchronization

/// Where the chunks of a blob are written.
enum BlobTarget {
    /// Put together in memory, hashed, and written past the page cache.
    case assembly(BlobAssembly)
    /// Straight into the file, which is hashed at the end.
    case file(OpenFile)

    /// Takes bytes that belong at `offset`, of a held blob or fetched. Nothing is durable before a sync.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isFetched: Bool) throws {
        switch self {
        case .assembly(let assembly): try assembly.write(bytes, at: offset, isFetched: isFetched)
        case .file(let file): try file.write(bytes, at: offset)
        }
    }
}

/// The blobs of a fetch that are being put together, by their index in `FetchNeeds`.
///
/// Only so many at a time, as each has two descriptors; others are written straight into their files.
final class BlobAssemblies: Sendable {
    /// Descriptors stay far below the usual limit of 1,024, memory below 64 MiB.
    private static let openLimit = 64
    private static let bufferLimit = 64

    private struct State {
        var open: [Int32: BlobAssembly] = [:]
        /// Pieces that are to be taken over, until the assembly of their blob is made.
        var taken: [Int32: Set<Int>] = [:]
        /// Blobs of which bytes are in the file that no assembly has seen.
        var scattered: Set<Int32> = []
        var isEnded = false
    }

    private let buffers = PieceBuffers(limit: bufferLimit)
    private let state = Mutex(State())

    /// Where to write chunks of the blob with index `blob`, which has `size` bytes; `make` makes its file, at `name` in
    /// `folder`, or opens it if it is there.
    func target(
        _ blob: Int32, size: UInt64, at name: [UInt8], in folder: Folder, _ make: () throws -> OpenFile
    ) throws -> BlobTarget {
        let assembly = try state.withLock { state -> BlobAssembly? in
            if let open = state.open[blob] { return open }
            guard !state.isEnded, !state.scattered.contains(blob), state.open.count < Self.openLimit else {
                state.scattered.insert(blob)
                return nil
            }
            let file = DirectFile(try make(), at: name, in: folder)
            let assembly = BlobAssembly(
                file, size: size, taken: state.taken.removeValue(forKey: blob) ?? [], buffers: buffers)
            state.open[blob] = assembly
            return assembly
        }
        if let assembly { return .assembly(assembly) }
        return .file(try make())
    }

    /// Says that bytes are in the file of a blob that no assembly counts: it gets none.
    func scatter(_ blob: Int32) { state.withLock { _ = $0.scattered.insert(blob) } }

    /// Says that pieces of a blob will be taken over, see ``BlobAssembly/takeOver(_:from:through:)``.
    func expectTaken(_ blob: Int32, _ pieces: Range<Int>) {
        state.withLock { $0.taken[blob, default: []].formUnion(pieces) }
    }

    /// The assembly of a blob that is complete, which is forgotten here; nil if it has none.
    func take(_ blob: Int32) -> BlobAssembly? { state.withLock { $0.open.removeValue(forKey: blob) } }

    /// The assembly of a blob that is not complete; nil if it has none.
    func open(_ blob: Int32) -> BlobAssembly? { state.withLock { $0.open[blob] } }

    /// Writes what is open, as far as that goes; every later write throws `error`.
    func end(_ error: StoreError) {
        let open = state.withLock { state in
            state.isEnded = true
            defer { state.open = [:] }
            return state.open
        }
        // What cannot be written is fetched again.
        for (_, assembly) in open.sorted(by: { $0.key < $1.key }) { try? assembly.flush(ending: error) }
    }
}
