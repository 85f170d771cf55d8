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

    /// The entries in the order of their keys, as a run has them.
    func sortedBytes() -> [UInt8] {
        // Sort pairs of 16 bytes instead of entries of 48: ties on the first 64 bits of a digest hardly exist.
        var order = (0..<count).map { (first: entries[$0].key.a, number: UInt32($0)) }
        order.sort { x, y in
            x.first != y.first ? x.first < y.first : entries[Int(x.number)].key < entries[Int(y.number)].key
        }
        return [UInt8](unsafeUninitializedCapacity: count * IndexEntry.byteCount) { buffer, filled in
            filled = count * IndexEntry.byteCount
            guard let base = buffer.baseAddress else { return }
            for (place, item) in order.enumerated() {
                entries[Int(item.number)].write(to: UnsafeMutableRawPointer(base) + place * IndexEntry.byteCount)
            }
        }
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
