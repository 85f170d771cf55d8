package import Content
package import STOQ
import Synchronization

/// Bytes of one message that came in; its memory goes back to a pool when the last reference goes.
package final class STOQMessage: Sendable {
    private let slab: Slab
    /// How many bytes it has.
    package let byteCount: Int

    init(slab: Slab, byteCount: Int) {
        self.slab = slab
        self.byteCount = byteCount
    }

    deinit {
        slab.giveBack()
    }

    /// Calls `body` with the bytes, valid during the call.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: slab.memory, count: byteCount))
    }

    /// A copy of the bytes.
    package var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

extension STOQAnswer {
    /// Reads the header of `message`.
    package init(_ message: STOQMessage) throws(CodecError) {
        self = try message.withUnsafeBytes { buffer throws(CodecError) in try STOQAnswer(buffer) }
    }
}

/// A piece of memory for one message.
///
/// `@unchecked Sendable`: the memory is written by the event loop only, before the message is handed over, and only
/// read afterwards; whoever holds the message keeps it from being given back.
struct Slab: @unchecked Sendable {
    let memory: UnsafeMutableRawPointer
    let capacity: Int
    fileprivate let pool: SlabPool?

    func giveBack() {
        if let pool {
            pool.put(memory)
        } else {
            memory.deallocate()
        }
    }

    /// A slab for exactly one small message.
    static func small(_ byteCount: Int) -> Slab {
        Slab(
            memory: UnsafeMutableRawPointer.allocate(byteCount: max(1, byteCount), alignment: 16),
            capacity: byteCount, pool: nil)
    }
}

/// Slabs for whole messages, used again and again: fresh memory costs a page fault for every 4 KiB.
final class SlabPool: Sendable {
    static let slabByteCount = STOQLimits.messageByteCount
    /// Aligned as O_DIRECT wants it.
    private static let alignment = 4_096
    /// Kept when nobody uses them: 35 MiB at most.
    private static let keepLimit = 32

    static let shared = SlabPool()

    /// `@unchecked Sendable`: raw addresses of free memory, touched only under the lock.
    private struct Free: @unchecked Sendable {
        var slabs: [UnsafeMutableRawPointer] = []
    }

    private let free = Mutex(Free())

    func take() -> Slab {
        let memory =
            free.withLock { $0.slabs.popLast() }
            ?? UnsafeMutableRawPointer.allocate(byteCount: Self.slabByteCount, alignment: Self.alignment)
        return Slab(memory: memory, capacity: Self.slabByteCount, pool: self)
    }

    fileprivate func put(_ memory: UnsafeMutableRawPointer) {
        let isKept = free.withLock { free in
            guard free.slabs.count < Self.keepLimit else { return false }
            free.slabs.append(memory)
            return true
        }
        if !isKept { memory.deallocate() }
    }
}
