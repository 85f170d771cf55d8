/// The entries that are in the log and in no run yet: a hash table in memory, linear probing, at most half full.
final class EntryTable: @unchecked Sendable {
    // Sendable without checks: changed only under the lock of the index's view, and never after it was frozen, which
    // happens under that lock too.

    private(set) var count = 0
    private var entries: UnsafeMutablePointer<IndexEntry>
    private var capacity: Int
    /// Number of an entry plus one; 0 is free.
    private var slots: UnsafeMutablePointer<UInt32>
    private var slotMask: UInt64

    init() {
        // Small at first: most stores never fill one.
        capacity = 1024
        entries = .allocate(capacity: capacity)
        slots = .allocate(capacity: capacity * 2)
        slots.initialize(repeating: 0, count: capacity * 2)
        slotMask = UInt64(capacity * 2 - 1)
    }

    deinit {
        // Entries are plain numbers: there is nothing to deinitialise.
        entries.deallocate()
        slots.deallocate()
    }

    /// Adds the entry, in place of one with the same key.
    @inline(__always)
    private func put(_ entry: IndexEntry) {
        var slot = entry.key.b & slotMask
        while true {
            let held = slots[Int(slot)]
            if held == 0 { break }
            if entries[Int(held) - 1].key == entry.key {
                entries[Int(held) - 1] = entry
                return
            }
            slot = (slot &+ 1) & slotMask
        }
        (entries + count).initialize(to: entry)
        count += 1
        slots[Int(slot)] = UInt32(count)
    }

    /// Adds the `number` entries that lie at `pointer` as a log has them, later ones in place of earlier ones.
    func put(_ number: Int, at pointer: UnsafeRawPointer) {
        while count + number > capacity { grow() }
        for index in 0..<number { put(IndexEntry(at: pointer + index * IndexEntry.byteCount)) }
    }

    /// The entry with this key.
    @inline(__always)
    func find(_ key: IndexKey) -> IndexEntry? {
        var slot = key.b & slotMask
        while true {
            let held = slots[Int(slot)]
            if held == 0 { return nil }
            let entry = entries + (Int(held) - 1)
            if entry.pointee.key == key { return entry.pointee }
            slot = (slot &+ 1) & slotMask
        }
    }

    /// Writes the entries with those numbers, as a run has them, to `pointer`.
    func write(_ numbers: ArraySlice<UInt32>, to pointer: UnsafeMutableRawPointer) {
        var place = pointer
        for number in numbers {
            entries[Int(number)].write(to: place)
            place += IndexEntry.byteCount
        }
    }

    /// The numbers of the entries in the order of their keys.
    ///
    /// Digests are spread evenly, so one pass by the first bits leaves groups of about four, and sorting those costs
    /// a tenth of sorting all. Groups that someone made large are sorted like anything else.
    func sortedOrder() -> [UInt32] {
        let shift = UInt64(64 - max(1, min(24, 62 - count.leadingZeroBitCount)))
        var ends = [UInt32](repeating: 0, count: 1 << Int(64 - shift) + 1)
        for number in 0..<count { ends[Int(entries[number].key.a >> shift) + 1] += 1 }
        for group in 1..<ends.count { ends[group] += ends[group - 1] }
        var order = [UInt32](repeating: 0, count: count)
        // `ends[group]` is where the group begins, and moves to its end as it is filled.
        for number in 0..<count {
            let group = Int(entries[number].key.a >> shift)
            order[Int(ends[group])] = UInt32(number)
            ends[group] += 1
        }
        var start = 0
        for group in 0..<(ends.count - 1) {
            let end = Int(ends[group])
            if end - start > 1 { order[start..<end].sort { entries[Int($0)].key < entries[Int($1)].key } }
            start = end
        }
        return order
    }

    private func grow() {
        let wider = UnsafeMutablePointer<IndexEntry>.allocate(capacity: capacity * 2)
        wider.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = wider
        slots.deallocate()
        capacity *= 2
        slots = .allocate(capacity: capacity * 2)
        slots.initialize(repeating: 0, count: capacity * 2)
        slotMask = UInt64(capacity * 2 - 1)
        for index in 0..<count {
            var slot = entries[index].key.b & slotMask
            while slots[Int(slot)] != 0 { slot = (slot &+ 1) & slotMask }
            slots[Int(slot)] = UInt32(index + 1)
        }
    }
}
