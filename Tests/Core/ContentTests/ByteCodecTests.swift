import Content
import Hashing
import Testing

@Suite struct ByteCodecTests {
    /// One value of every kind, written and read in the same order.
    private func sample() -> [UInt8] {
        var writer = ByteWriter(capacity: 10)
        writer.u8(7)
        writer.u16(0x1234)
        writer.u32(0xDEAD_BEEF)
        writer.u64(0x0102_0304_0506_0708)
        writer.i64(-2)
        writer.varint(300)
        writer.signedVarint(-65)
        writer.lengthPrefixed([1, 2, 3])
        writer.bytes([9, 9])
        writer.digest(BLAKE3.hash([]))
        return writer.bytes
    }

    private func read(_ bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        _ = try reader.u8()
        _ = try reader.u16()
        _ = try reader.u32()
        _ = try reader.u64()
        _ = try reader.i64()
        _ = try reader.varint(max: 300)
        _ = try reader.signedVarint()
        _ = try reader.lengthPrefixed(max: 3)
        _ = try reader.raw(2)
        _ = try reader.digest()
        try reader.expectEnd()
    }

    @Test func `values read back as they were written`() throws {
        var reader = ByteReader(sample())
        #expect(try reader.u8() == 7)
        #expect(try reader.u16() == 0x1234)
        #expect(try reader.u32() == 0xDEAD_BEEF)
        #expect(try reader.u64() == 0x0102_0304_0506_0708)
        #expect(try reader.i64() == -2)
        #expect(try reader.varint() == 300)
        #expect(try reader.signedVarint() == -65)
        #expect(try reader.lengthPrefixed(max: 3) == [1, 2, 3])
        #expect(try reader.raw(2) == [9, 9])
        #expect(try reader.digest() == BLAKE3.hash([]))
        #expect(reader.isAtEnd)
        try reader.expectEnd()
    }

    @Test func `integers are little-endian and varints the shortest form`() {
        let bytes = sample()
        #expect(bytes.prefix(7) == [7, 0x34, 0x12, 0xEF, 0xBE, 0xAD, 0xDE])
        #expect(bytes[23..<27] == [0xAC, 0x02, 0x81, 0x01])
        var writer = ByteWriter()
        for value: UInt64 in [0, 127, 128, 16_383, 16_384, .max] { writer.varint(value) }
        let longest = [UInt8](repeating: 0xFF, count: 9) + [0x01]
        #expect(writer.bytes == [0, 0x7F, 0x80, 1, 0xFF, 0x7F, 0x80, 0x80, 1] + longest)
    }

    @Test func `varints of all sizes read back`() throws {
        var random = TreeRandom(test: "varints")
        for _ in 0..<20_000 {
            let value = random.next() >> UInt64(random.below(64))
            var writer = ByteWriter()
            writer.varint(value)
            writer.signedVarint(Int64(bitPattern: value))
            writer.signedVarint(-Int64(bitPattern: value >> 1))
            var reader = ByteReader(writer.bytes)
            #expect(try reader.varint() == value)
            #expect(try reader.signedVarint() == Int64(bitPattern: value))
            #expect(try reader.signedVarint() == -Int64(bitPattern: value >> 1))
            #expect(reader.isAtEnd)
        }
        for value: Int64 in [.min, .max, 0, -1] {
            var writer = ByteWriter()
            writer.signedVarint(value)
            var reader = ByteReader(writer.bytes)
            #expect(try reader.signedVarint() == value)
        }
    }

    @Test func `an input that ends early is refused at every length`() throws {
        let bytes = sample()
        try read(bytes)
        for count in 0..<bytes.count {
            #expect(throws: CodecError.self) { try read(Array(bytes[..<count])) }
        }
        #expect(throws: CodecError.trailingBytes(offset: bytes.count, count: 1)) { try read(bytes + [0]) }
    }

    @Test func `varints that are not the shortest form, or longer than 64 bits, are refused`() {
        let ones = [UInt8](repeating: 0xFF, count: 9)
        for bytes: [UInt8] in [
            [0x80, 0], [0xFF, 0], [0x80, 0x80, 0], [0x81, 0x80, 0], ones + [2], ones + [0x81], ones + [0xFF, 1],
            ones + [0],
        ] {
            #expect(throws: CodecError.nonCanonicalVarint(offset: 1)) {
                var reader = ByteReader([5] + bytes)
                _ = try reader.u8()
                _ = try reader.varint()
            }
        }
        #expect(throws: CodecError.truncated(offset: 0, missing: 1)) {
            var reader = ByteReader([0x80])
            _ = try reader.varint()
        }
    }

    @Test func `numbers and lengths above their limit are refused before anything is read or reserved`() {
        #expect(throws: CodecError.valueTooLarge(offset: 0, value: 300, limit: 299)) {
            var reader = ByteReader([0xAC, 0x02])
            _ = try reader.varint(max: 299)
        }
        #expect(throws: CodecError.valueTooLarge(offset: 0, value: .max, limit: 4_096)) {
            var reader = ByteReader([UInt8](repeating: 0xFF, count: 9) + [1])
            _ = try reader.lengthPrefixed(max: 4_096)
        }
        #expect(throws: CodecError.truncated(offset: 0, missing: 3)) {
            var reader = ByteReader([4, 0])
            _ = try reader.lengthPrefixed(max: 4)
        }
    }

    @Test func `after an error the reader stands at the bad field`() {
        var reader = ByteReader([3, 1, 2])
        #expect(throws: CodecError.self) { _ = try reader.lengthPrefixed(max: 10) }
        #expect(reader.offset == 0)
        #expect(throws: CodecError.self) { _ = try reader.u32() }
        #expect(reader.offset == 0 && reader.remaining == 3)
    }

    @Test func `a slice is read from its own start`() throws {
        var reader = ByteReader([0, 1, 2, 3, 4][2...])
        #expect(reader.offset == 0 && reader.remaining == 3)
        #expect(try reader.u16() == 0x0302)
        #expect(throws: CodecError.truncated(offset: 2, missing: 1)) { try reader.u16() }
    }

    @Test func `digests of different things are different types with the same text`() {
        let raw = BLAKE3.hash([1])
        #expect(ChunkDigest(raw).description == raw.hex)
        #expect(NodeDigest(hex: raw.hex) == NodeDigest(raw))
        #expect(NodeDigest(hex: "00") == nil)
        let other = BLAKE3.hash([2])
        #expect((BlobDigest(raw) < BlobDigest(other)) == (raw < other))
    }
}
