import Content
import Hashing
import LinuxIO
import Synchronization

/// Puts one blob together from chunks that come in any order, from any thread, and hashes it meanwhile.
///
/// Chunks begin anywhere, the disk wants whole blocks, and BLAKE3 wants whole subtrees: so chunks are copied into pieces
/// of a mebibyte, and a piece that is full is hashed and written past the page cache, once. When there are too many open
/// pieces, further ones are written through the page cache as they come and read again at the end.
///
/// Pieces that a held blob has whole are taken over: read, hashed as parts of the blob, and written, if the file does not
/// share their blocks. Nobody compares their chunks, as the digest of the blob says whether all of them are right.
///
/// After an error every later call throws it again: what is written then is not known.
final class BlobAssembly: Sendable {
    private struct Piece {
        let buffer: PieceBuffers.Buffer
        var filled = 0
    }

    private struct State {
        var open: [Int: Piece] = [:]
        /// Pieces that go through the page cache.
        var scattered: Set<Int> = []
        /// Pieces that are taken over.
        var taken: Set<Int>
        var hashes: BLAKE3.Pieces
        var failure: (any Error)?
    }

    private enum Place {
        case buffer(PieceBuffers.Buffer)
        case file
        /// The bytes come with their piece.
        case nowhere
    }

    let file: DirectFile
    /// Pieces were to be taken over: what is wrong in them only the digest tells, and so for what was to come with them.
    let isUnverified: Bool
    private let layout: BLAKE3.Pieces
    private let buffers: PieceBuffers
    private let state: Mutex<State>

    /// - Parameters:
    ///   - file: writable, of full length.
    ///   - taken: pieces that are taken over.
    init(_ file: DirectFile, size: UInt64, taken: Set<Int> = [], buffers: PieceBuffers) {
        self.file = file
        self.buffers = buffers
        isUnverified = !taken.isEmpty
        let layout = BLAKE3.Pieces(byteCount: size)
        self.layout = layout
        state = Mutex(State(taken: taken, hashes: layout))
    }

    deinit {
        state.withLock { state in
            for piece in state.open.values { buffers.giveBack(piece.buffer) }
        }
    }

    /// Takes bytes that belong at `offset`; each byte of the blob is given once. Nothing is durable before a sync.
    /// - Parameter isFetched: they are none of a held blob. In a piece that is taken over only such ones are written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isFetched: Bool) throws {
        let size = UInt64(BLAKE3.Pieces.pieceByteCount)
        var rest = bytes
        var offset = offset
        while !rest.isEmpty {
            let within = Int(offset % size)
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(BLAKE3.Pieces.pieceByteCount - within))
            try put(part, Int(offset / size), within, offset, isFetched)
            rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
            offset += UInt64(part.count)
        }
    }

    /// Reads bytes that were given, from memory or from the file; false where there are fewer. What is on its way from one
    /// to the other may read as anything: the caller compares digests.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Bool {
        let size = UInt64(BLAKE3.Pieces.pieceByteCount)
        var done = 0
        while done < buffer.count {
            let at = offset + UInt64(done)
            let (piece, within) = (Int(at / size), Int(at % size))
            let part = UnsafeMutableRawBufferPointer(
                rebasing: buffer[done..<min(buffer.count, done + BLAKE3.Pieces.pieceByteCount - within)])
            let isCopied = state.withLock { state in
                // Under the lock, so that the buffer is not given to another piece meanwhile.
                guard let open = state.open[piece] else { return false }
                part.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: open.buffer.memory[within..<within + part.count]))
                return true
            }
            if !isCopied {
                guard try file.plain.read(into: part, at: at) == part.count else { return false }
            }
            done += part.count
        }
        return true
    }

    /// Takes a piece over, if that was not done: its bytes are in `source` from an offset on; nil: in the file, which shares
    /// them. For one thread at a time.
    /// - Parameter memory: room for a piece, aligned.
    /// - Returns: false if it is not to be taken over any more: the bytes have to be given.
    /// - Throws: `StoreError.notFound` if the source is shorter, and `FileError` of the disk.
    func takeOver(
        _ piece: Int, from source: (file: OpenFile, offset: UInt64)?, through memory: UnsafeMutableRawBufferPointer
    ) throws -> Bool {
        let (isExpected, isDone) = try state.withLock { state in
            if let failure = state.failure { throw failure }
            return (state.taken.contains(piece), state.hashes.isKnown(piece))
        }
        guard isExpected, !isDone else { return isExpected }
        let offset = UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount)
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<layout.length(of: piece)])
        let count =
            if let source { try source.file.read(into: bytes, at: source.offset) } else {
                try file.read(into: bytes, at: offset)
            }
        guard count == bytes.count else { throw StoreError.notFound("\(bytes.count) bytes of a held blob") }
        let value = layout.value(of: piece, UnsafeRawBufferPointer(bytes))
        if source != nil { try keepingFailure { try file.write(UnsafeRawBufferPointer(bytes), at: offset) } }
        return state.withLock { state in
            guard state.taken.contains(piece) else { return false }
            state.hashes.set(value, of: piece)
            return true
        }
    }

    private func put(
        _ part: UnsafeRawBufferPointer, _ piece: Int, _ within: Int, _ offset: UInt64, _ isFetched: Bool
    ) throws {
        switch try place(of: piece, isFetched) {
        case .nowhere: return
        case .file:
            try keepingFailure { try file.plain.write(part, at: offset) }
        case .buffer(let buffer):
            // Nobody else writes these bytes, and nobody reads them before they are counted.
            UnsafeMutableRawBufferPointer(rebasing: buffer.memory[within...]).copyMemory(from: part)
            guard let length = countFilled(piece, part.count) else { return }
            try settle(piece, UnsafeRawBufferPointer(rebasing: buffer.memory[..<length]))
            buffers.giveBack(buffer)
        }
    }

    private func place(of piece: Int, _ isFetched: Bool) throws -> Place {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            if state.taken.contains(piece) {
                guard isFetched else { return .nowhere }
                // A held chunk was not there: what is around it in the piece is given from now on, or is there.
                state.taken.remove(piece)
                state.scattered.insert(piece)
                state.hashes.forget(piece)
            }
            if let open = state.open[piece] { return .buffer(open.buffer) }
            guard !state.scattered.contains(piece), let buffer = buffers.take() else {
                state.scattered.insert(piece)
                return .file
            }
            state.open[piece] = Piece(buffer: buffer)
            return .buffer(buffer)
        }
    }

    /// Counts bytes that were copied; the length of the piece if it is full now, and then the caller's alone.
    private func countFilled(_ piece: Int, _ count: Int) -> Int? {
        state.withLock { state in
            state.open[piece]?.filled += count
            let length = layout.length(of: piece)
            guard state.open[piece]?.filled == length else { return nil }
            state.open[piece] = nil
            return length
        }
    }

    private func settle(_ piece: Int, _ bytes: UnsafeRawBufferPointer) throws {
        let value = layout.value(of: piece, bytes)
        try keepingFailure {
            try file.write(bytes, at: UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount))
        }
        state.withLock { $0.hashes.set(value, of: piece) }
    }

    private func keepingFailure(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            state.withLock { $0.failure = $0.failure ?? error }
            throw error
        }
    }

    /// The digest of the whole blob, every byte of which was written. Reads again what went through the page cache.
    func digest() throws -> BLAKE3Digest {
        var hashes = try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.hashes
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: BLAKE3.Pieces.pieceByteCount, alignment: DirectFile.alignment)
        defer { buffer.deallocate() }
        while let piece = hashes.firstMissing {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<hashes.length(of: piece)])
            let count = try file.plain.read(
                into: part, at: UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount))
            guard count == part.count else { throw FileError("read", file.plain.shownName, errno: Self.inputError) }
            hashes.set(hashes.value(of: piece, UnsafeRawBufferPointer(part)), of: piece)
        }
        return hashes.digest
    }

    /// EIO: the file that was made with its full length is shorter.
    private static let inputError: Int32 = 5

    /// Writes what the open pieces hold, so that the next session finds the chunks in it; the rest of a piece is
    /// whatever was in its memory, as that session hashes every chunk before it believes it. Later calls throw `error`.
    func flush(ending error: StoreError) throws {
        let open = state.withLock { state in
            state.failure = state.failure ?? error
            defer { state.open = [:] }
            return state.open.map { ($0.key, $0.value.buffer) }
        }
        for (piece, buffer) in open.sorted(by: { $0.0 < $1.0 }) {
            defer { buffers.giveBack(buffer) }
            try file.write(
                UnsafeRawBufferPointer(rebasing: buffer.memory[..<layout.length(of: piece)]),
                at: UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount))
        }
    }
}
