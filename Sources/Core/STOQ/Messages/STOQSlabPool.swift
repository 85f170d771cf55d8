import Synchronization

/// Memory for messages, used again and again: large messages come thousands a second, and fresh pages cost more than
/// the copy into them.
package final class STOQSlabPool: Sendable {
    /// A piece of memory that somebody owns alone.
    ///
    /// `@unchecked Sendable`: it is a pointer with one owner at a time.
    struct Slab: @unchecked Sendable {
        let memory: UnsafeMutableRawBufferPointer
        /// What it was asked for; the memory may be larger.
        var wanted: Int

        func deallocate() { memory.deallocate() }
    }

    /// Sizes that are kept; a message uses the least that it fits in, so at most half of a slab is unused. Below the
    /// first, memory comes from the allocator.
    fileprivate static let sizes = [128 << 10, 256 << 10, 512 << 10, STOQLimits.messageCeiling]
    private static let exactLimit = 64 << 10
    /// Pages, so that a slab can be written to disk past the page cache.
    private static let alignment = 4 << 10

    /// After so many messages, of any length, what was unused all that time is given up.
    private static let patience = 256

    fileprivate struct State {
        /// Of each size; the last one is used next.
        var free: [[Slab]] = Array(repeating: [], count: STOQSlabPool.sizes.count)
        var freeBytes = 0
        /// How many of each size were never used since the last look: the first so many of `free`.
        var idle = Array(repeating: 0, count: STOQSlabPool.sizes.count)
    }

    private let keptBytes: Int
    private let state = Mutex(State())
    private let taken = Atomic<Int>(0)

    /// A pool that keeps up to `keptBytes` that nobody uses.
    package init(keptBytes: Int = 32 << 20) {
        self.keptBytes = keptBytes
    }

    deinit {
        state.withLock { state in
            for slab in state.free.joined() { slab.deallocate() }
        }
    }

    /// Bytes that are kept and that nobody uses.
    package var unusedBytes: Int { state.withLock { $0.freeBytes } }

    static func allocate(_ wanted: Int) -> Slab {
        let isPaged = wanted > exactLimit
        return Slab(
            memory: .allocate(byteCount: max(wanted, 1), alignment: isPaged ? alignment : 16), wanted: wanted)
    }

    func take(_ wanted: Int) -> Slab {
        if taken.wrappingAdd(1, ordering: .relaxed).newValue.isMultiple(of: Self.patience) {
            for slab in state.withLock({ $0.takeIdle() }) { slab.deallocate() }
        }
        guard wanted > Self.exactLimit, let index = Self.sizes.firstIndex(where: { wanted <= $0 }) else {
            return Self.allocate(wanted)
        }
        let kept = state.withLock { state -> Slab? in
            guard let slab = state.free[index].popLast() else { return nil }
            state.freeBytes -= slab.memory.count
            state.idle[index] = min(state.idle[index], state.free[index].count)
            return slab
        }
        if var kept {
            kept.wanted = wanted
            return kept
        }
        return Slab(memory: .allocate(byteCount: Self.sizes[index], alignment: Self.alignment), wanted: wanted)
    }

    func giveBack(_ slab: Slab) {
        let surplus = state.withLock { state -> [Slab] in
            guard let index = Self.sizes.firstIndex(of: slab.memory.count) else { return [slab] }
            state.free[index].append(slab)
            state.freeBytes += slab.memory.count
            var surplus: [Slab] = []
            while state.freeBytes > keptBytes, let slab = state.takeFromFullest() { surplus.append(slab) }
            return surplus
        }
        for slab in surplus { slab.deallocate() }
    }
}

extension STOQSlabPool.State {
    /// Takes a slab of the size that most of the unused memory is of. What comes back is of a size that is in use; were it
    /// given up instead, sizes that nobody wants any more would keep their memory, and every message would need fresh pages.
    fileprivate mutating func takeFromFullest() -> STOQSlabPool.Slab? {
        let fullest = free.indices.max { unused(at: $0) < unused(at: $1) }
        guard let fullest, let slab = free[fullest].popLast() else { return nil }
        freeBytes -= slab.memory.count
        idle[fullest] = min(idle[fullest], free[fullest].count)
        return slab
    }

    /// Takes what was unused since the last look, and begins to look again.
    fileprivate mutating func takeIdle() -> [STOQSlabPool.Slab] {
        var unwanted: [STOQSlabPool.Slab] = []
        for index in free.indices {
            unwanted += free[index].prefix(idle[index])
            free[index].removeFirst(idle[index])
            idle[index] = free[index].count
        }
        freeBytes -= unwanted.reduce(0) { $0 + $1.memory.count }
        return unwanted
    }

    private func unused(at index: Int) -> Int { free[index].count * STOQSlabPool.sizes[index] }
}
