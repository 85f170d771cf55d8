import Hashing
import LinuxIO
import Synchronization

/// Memory for the pieces of blobs that are being put together: a limited number of aligned buffers, used again and again.
final class PieceBuffers: Sendable {
    /// A buffer of one piece that somebody owns alone.
    ///
    /// `@unchecked Sendable`: a pointer; who writes where in it is settled by `BlobAssembly`.
    struct Buffer: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }

    private struct State {
        var free: [Buffer] = []
        var made = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// At most `limit` buffers are out at any time.
    init(limit: Int) { self.limit = limit }

    deinit {
        state.withLock { state in
            for buffer in state.free { buffer.memory.deallocate() }
        }
    }

    /// A buffer with zeros or bytes of another piece; nil when all are out.
    func take() -> Buffer? {
        state.withLock { state in
            if let buffer = state.free.popLast() { return buffer }
            guard state.made < limit else { return nil }
            state.made += 1
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: BLAKE3.Pieces.pieceByteCount, alignment: DirectFile.alignment)
            // A piece that is not full may be written too: never what this memory was used for before.
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return Buffer(memory: memory)
        }
    }

    func giveBack(_ buffer: Buffer) {
        state.withLock { $0.free.append(buffer) }
    }
}
