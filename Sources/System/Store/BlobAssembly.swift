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
        /// Pieces whose bytes are in the file already, which shares them with another one.
        var shared: Set<Int>
        var hashes: BLAKE3.Pieces
        var failure: (any Error)?
    }

    private enum Place {
        case buffer(PieceBuffers.Buffer)
        case file
    }

    let file: DirectFile
    private let layout: BLAKE3.Pieces
    private let buffers: PieceBuffers
    private let state: Mutex<State>

    /// - Parameters:
    ///   - file: writable, of full length.
    ///   - shared: pieces that need not be written, if nothing else is found in the file than what is given here.
    init(_ file: DirectFile, size: UInt64, shared: Set<Int> = [], buffers: PieceBuffers) {
        self.file = file
        self.buffers = buffers
        let layout = BLAKE3.Pieces(byteCount: size)
        self.layout = layout
        state = Mutex(State(shared: shared, hashes: layout))
    }

    deinit {
        state.withLock { state in
            for piece in state.open.values { buffers.giveBack(piece.buffer) }
        }
    }

    /// Takes bytes that belong at `offset`; each byte of the blob is given once. Nothing is durable before a sync.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        let size = UInt64(BLAKE3.Pieces.pieceByteCount)
        var rest = bytes
        var offset = offset
        while !rest.isEmpty {
            let within = Int(offset % size)
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(BLAKE3.Pieces.pieceByteCount - within))
            try put(part, Int(offset / size), within, offset)
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

    /// What the file shares in a range is not what it was to be: the pieces in it are written once they are full. None of
    /// them can be full before, as some of their bytes are not right yet.
    func unshare(_ range: Range<UInt64>) {
        let size = UInt64(BLAKE3.Pieces.pieceByteCount)
        state.withLock { $0.shared.subtract(Int(range.lowerBound / size)...Int((range.upperBound - 1) / size)) }
    }

    private func put(_ part: UnsafeRawBufferPointer, _ piece: Int, _ within: Int, _ offset: UInt64) throws {
        switch try place(of: piece) {
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

    private func place(of piece: Int) throws -> Place {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
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
        if !state.withLock({ $0.shared.contains(piece) }) {
            try keepingFailure {
                try file.write(bytes, at: UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount))
            }
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
            return state.open.map {
                ($0.key, $0.value.buffer, state.shared.contains($0.key) ? 0 : layout.length(of: $0.key))
            }
        }
        for (piece, buffer, length) in open.sorted(by: { $0.0 < $1.0 }) {
            defer { buffers.giveBack(buffer) }
            try file.write(
                UnsafeRawBufferPointer(rebasing: buffer.memory[..<length]),
                at: UInt64(piece) * UInt64(BLAKE3.Pieces.pieceByteCount))
        }
    }
}
