import Synchronization

/// Memory for work that is done again and again: fresh memory costs a fault for each of its pages, a quarter of the time
/// that copying held chunks takes.
package final class KeptMemory: Sendable {
    /// `@unchecked Sendable`: whoever takes it out of the lock owns it.
    private struct Kept: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
    }

    private static let alignment = 4_096
    private let kept = Mutex<Kept?>(nil)

    /// Without any memory at first.
    package init() {}

    deinit { kept.withLock { $0?.memory.deallocate() } }

    /// Runs `body` with `count` bytes, of any value, which are its own until it returns. Throws what it throws.
    package func withBytes<Result>(
        _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        var taken = kept.withLock { kept -> Kept? in
            defer { kept = nil }
            return kept
        }
        if let small = taken, small.memory.count < count {
            small.memory.deallocate()
            taken = nil
        }
        let own = taken ?? Kept(memory: .allocate(byteCount: count, alignment: Self.alignment))
        defer {
            let spare = kept.withLock { kept -> Kept? in
                guard kept == nil else { return own }
                kept = own
                return nil
            }
            spare?.memory.deallocate()
        }
        return try body(UnsafeMutableRawBufferPointer(rebasing: own.memory[..<count]))
    }
}
