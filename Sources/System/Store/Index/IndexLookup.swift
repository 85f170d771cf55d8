/// What a look-up in a run needs in memory: the table of buckets and the filter, 1.5 to 2.5 bytes an entry.
final class IndexLookup: @unchecked Sendable {
    // Sendable without checks: filled by the one who makes it, before anyone else sees it, and never changed later.

    /// Buckets are the ranges of keys with the same first `tableBits` bits.
    let tableBits: Int
    let blockCount: UInt64
    /// 2^tableBits + 1 numbers, little-endian: where each bucket begins, and the count of entries.
    let table: UnsafeMutableRawBufferPointer
    /// `blockCount` blocks of eight 64-bit numbers, little-endian.
    let filter: UnsafeMutableRawBufferPointer

    /// Bits of the filter for one entry: 8 set in a block of 512, at 42 entries a block about 0.6 % false hits.
    private static let filterBits: UInt64 = 12

    init(tableBits: Int, blockCount: UInt64) {
        self.tableBits = tableBits
        self.blockCount = blockCount
        // Aligned to a line of the cache: a look-up in the filter touches one.
        table = .allocate(byteCount: IndexLookup.tableBytes(tableBits), alignment: 64)
        filter = .allocate(byteCount: Int(blockCount) * 64, alignment: 64)
    }

    /// Room for up to `count` entries, with nothing in it.
    convenience init(emptyFor count: UInt64) {
        self.init(tableBits: IndexLookup.tableBits(count), blockCount: IndexLookup.blockCount(count))
        table.initializeMemory(as: UInt8.self, repeating: 0)
        filter.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        table.deallocate()
        filter.deallocate()
    }

    /// 8 to 16 entries a bucket: half a kilobyte to read for a look-up.
    static func tableBits(_ count: UInt64) -> Int {
        count < 16 ? 0 : min(28, 63 - (count / 8).leadingZeroBitCount)
    }

    static func blockCount(_ count: UInt64) -> UInt64 { max(1, (count * filterBits + 511) / 512) }

    /// Padded to a multiple of 8.
    static func tableBytes(_ bits: Int) -> Int { (((1 << bits) + 1) * 4 + 7) & ~7 }

    @inline(__always)
    func bucket(_ key: IndexKey) -> Int { bucket(first: key.a) }

    /// The bucket of all keys that begin with these 64 bits.
    @inline(__always)
    func bucket(first: UInt64) -> Int {
        // A shift by 64, of a table with one bucket, gives 0.
        Int(truncatingIfNeeded: first >> UInt64(64 - tableBits))
    }

    @inline(__always)
    func start(_ bucket: Int) -> Int { Int(UnsafeRawBufferPointer(table).number(at: bucket * 4, as: UInt32.self)) }

    /// The key may be in the run; false is certain.
    @inline(__always)
    func mayHold(_ key: IndexKey) -> Bool {
        guard let base = filter.baseAddress else { return true }
        let block = base + Int(truncatingIfNeeded: key.b.multipliedFullWidth(by: blockCount).high) * 64
        var bits: UInt64 = 1
        // No exit in between: eight numbers in one line of the cache cost less than a wrong guess of a branch.
        for word in 0..<8 {
            let number = UInt64(littleEndian: block.load(fromByteOffset: word * 8, as: UInt64.self))
            bits &= number >> ((key.c >> UInt64(word * 6)) & 63)
        }
        return bits & 1 == 1
    }

    /// Sets the bits of a key.
    @inline(__always)
    func add(_ key: IndexKey) {
        guard let base = filter.baseAddress else { return }
        let block = base + Int(truncatingIfNeeded: key.b.multipliedFullWidth(by: blockCount).high) * 64
        for word in 0..<8 {
            let number = UInt64(littleEndian: block.load(fromByteOffset: word * 8, as: UInt64.self))
            let bit = UInt64(1) << ((key.c >> UInt64(word * 6)) & 63)
            block.storeBytes(of: (number | bit).littleEndian, toByteOffset: word * 8, as: UInt64.self)
        }
    }
}
