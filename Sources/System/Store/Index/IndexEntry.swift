import Content
import Hashing

/// The 32 bytes of a chunk digest as four numbers that order as the bytes do.
struct IndexKey: Hashable, Comparable, Sendable {
    var a: UInt64
    var b: UInt64
    var c: UInt64
    var d: UInt64

    /// Reads 32 bytes, which need no alignment.
    @inline(__always)
    init(at pointer: UnsafeRawPointer) {
        a = UInt64(bigEndian: pointer.loadUnaligned(as: UInt64.self))
        b = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        c = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        d = UInt64(bigEndian: pointer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    @inline(__always)
    static func == (x: IndexKey, y: IndexKey) -> Bool { x.a == y.a && x.b == y.b && x.c == y.c && x.d == y.d }

    @inline(__always)
    static func < (x: IndexKey, y: IndexKey) -> Bool {
        if x.a != y.a { return x.a < y.a }
        if x.b != y.b { return x.b < y.b }
        if x.c != y.c { return x.c < y.c }
        return x.d < y.d
    }
}

/// An entry as it lies in logs and runs: 48 bytes, docs/formats/chunk-index.md.
struct IndexEntry: Sendable {
    static let byteCount = 48

    var key: IndexKey
    /// Blob number in the low 40 bits, length in the high 24.
    var low: UInt64
    /// Offset in the low 48 bits, check in the high 16.
    var high: UInt64

    /// Reads 48 bytes, which need no alignment, and trusts nothing yet: see `isSound`.
    @inline(__always)
    init(at pointer: UnsafeRawPointer) {
        key = IndexKey(at: pointer)
        low = UInt64(littleEndian: pointer.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
        high = UInt64(littleEndian: pointer.loadUnaligned(fromByteOffset: 40, as: UInt64.self))
    }

    /// Writes 48 bytes.
    @inline(__always)
    func write(to pointer: UnsafeMutableRawPointer) {
        pointer.storeBytes(of: key.a.bigEndian, as: UInt64.self)
        pointer.storeBytes(of: key.b.bigEndian, toByteOffset: 8, as: UInt64.self)
        pointer.storeBytes(of: key.c.bigEndian, toByteOffset: 16, as: UInt64.self)
        pointer.storeBytes(of: key.d.bigEndian, toByteOffset: 24, as: UInt64.self)
        pointer.storeBytes(of: low.littleEndian, toByteOffset: 32, as: UInt64.self)
        pointer.storeBytes(of: high.littleEndian, toByteOffset: 40, as: UInt64.self)
    }

    /// Writes the 48 bytes of an entry whose location is within the limits.
    @inline(__always)
    static func write(_ entry: ChunkIndexEntry, to pointer: UnsafeMutableRawPointer) {
        entry.digest.raw.write(to: pointer)
        let location = entry.location
        let low = location.blobNumber | UInt64(location.length) << 40
        let check = check(IndexKey(at: pointer), low, location.offset)
        pointer.storeBytes(of: low.littleEndian, toByteOffset: 32, as: UInt64.self)
        pointer.storeBytes(of: (location.offset | check << 48).littleEndian, toByteOffset: 40, as: UInt64.self)
    }

    var blobNumber: UInt64 { low & 0xff_ffff_ffff }

    /// The location in the last two words of an entry.
    @inline(__always)
    static func location(_ low: UInt64, _ high: UInt64) -> ChunkLocation {
        ChunkLocation(
            blobNumber: low & 0xff_ffff_ffff, offset: high & 0xffff_ffff_ffff, length: UInt32(low >> 40))
    }

    /// The check fits: an entry with any damage passes with a chance of 1 in 65,536.
    @inline(__always)
    var isSound: Bool { high >> 48 == IndexEntry.check(key, low, high & 0xffff_ffff_ffff) }

    /// 16 bits over all other fields, so that a look-up, which reads a few entries of a run and not what its checksum
    /// covers, notices a flipped bit. Every step is a bijection of `state`, so any one changed word changes the 64
    /// bits that these 16 are taken from.
    @inline(__always)
    private static func check(_ key: IndexKey, _ low: UInt64, _ offset: UInt64) -> UInt64 {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        state = mix(state, key.a)
        state = mix(state, key.b)
        state = mix(state, key.c)
        state = mix(state, key.d)
        state = mix(state, low)
        state = mix(state, offset)
        return state >> 48
    }

    @inline(__always)
    private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word) &* 0xff51_afd7_ed55_8ccd
        return product ^ (product >> 32)
    }
}
