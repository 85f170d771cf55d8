import Content
import Dispatch
import Hashing
import LinuxIO

/// One pass over a long file: segment by segment it is cut, hashed and written to its copy, by several threads.
///
/// Two buffers take turns: while one segment is worked on, the next is read into the other. Each buffer leaves room in
/// front for the bytes that are left of the segment before, which begin a chunk that is not complete yet.
final class LongPass: @unchecked Sendable {
    // Sendable without checks: `run` is called once, and the three parts that it runs at the same time touch fields of
    // their own (see `perform`); it reads those only when all three have returned.

    struct Result {
        var chunks: [ChunkReference]
        var blob: BlobDigest
        var further: [Digest]
    }

    private static let segmentByteCount = 8 << 20

    private let file: OpenFile
    private let size: UInt64
    private let target: DirectFile?
    private let cutter: FastCDC
    private let front: Int
    private let buffers: [UnsafeMutableRawBufferPointer]

    // The segment in work: set between rounds.
    private var turn = 0
    private var offset: UInt64 = 0
    private var filled = 0
    private var left = 0
    // Part 0: the disk.
    private var nextFilled = 0
    private var failure: (any Error)?
    // Part 1: digests of the whole.
    private var blob = BLAKE3.Hasher()
    private var further: [DigestHasher]
    // Part 2: chunks.
    private var found: [ChunkReference] = []

    /// - Parameter target: where the bytes are written as they come; nil: nowhere.
    init(file: OpenFile, size: UInt64, target: DirectFile?, cutter: FastCDC, digests: [HashAlgorithm]) {
        self.file = file
        self.size = size
        self.target = target
        self.cutter = cutter
        further = digests.sorted { $0.rawValue < $1.rawValue }.map { DigestHasher($0) }
        let front = cutter.profile.maximum
        self.front = front
        buffers = (0..<2).map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: front + Self.segmentByteCount, alignment: 4096)
        }
    }

    deinit { for buffer in buffers { buffer.deallocate() } }

    /// Tells after each segment how many bytes are done; nil if the file ended early or went on: it changed while it
    /// was read.
    func run(_ tell: (UInt64) throws -> Void) throws -> Result? {
        var chunks: [ChunkReference] = []
        filled = try file.read(into: segment(0), at: 0)
        while filled > 0, offset < size {
            // Each part is independent of the others, so this is right also when they run one after the other.
            DispatchQueue.concurrentPerform(iterations: 3) { self.perform($0) }
            if let failure { throw failure }
            chunks += found
            keepRest(of: found.reduce(0) { $0 + Int($1.length) })
            offset += UInt64(filled)
            try tell(offset)
            filled = nextFilled
            turn = 1 - turn
        }
        guard offset == size, left == 0, filled == 0 else { return nil }
        return Result(chunks: chunks, blob: BlobDigest(blob.finalize()), further: further.map { $0.finalize() })
    }

    /// The part of a buffer that is read into.
    private func segment(_ turn: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffers[turn][front...])
    }

    private var fresh: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: segment(turn)[..<filled]) }

    /// What was left of the segment before, and this one.
    private var window: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffers[turn][(front - left)..<(front + filled)])
    }

    /// Moves what is left after `cut` bytes in front of the next segment: less than a chunk.
    private func keepRest(of cut: Int) {
        let rest = window[cut...]
        let place = UnsafeMutableRawBufferPointer(rebasing: buffers[1 - turn][(front - rest.count)..<front])
        place.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest))
        left = rest.count
    }

    private func perform(_ part: Int) {
        switch part {
        case 0: transfer()
        case 1:
            blob.update(fresh)
            for index in further.indices { further[index].update(fresh) }
        default: cut()
        }
    }

    private func transfer() {
        do {
            try target?.write(fresh, at: offset)
            nextFilled = try file.read(into: segment(1 - turn), at: offset + UInt64(filled))
        } catch {
            failure = error
        }
    }

    private func cut() {
        let isLast = offset + UInt64(filled) >= size
        var parts: [UnsafeRawBufferPointer] = []
        var rest = window
        while !rest.isEmpty, let length = cutter.nextBoundary(rest, isLast: isLast) {
            parts.append(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            rest = UnsafeRawBufferPointer(rebasing: rest[length...])
        }
        found = zip(parts, BLAKE3.hashMany(parts)).map { part, digest in
            ChunkReference(digest: ChunkDigest(digest), length: UInt32(part.count))
        }
    }
}
