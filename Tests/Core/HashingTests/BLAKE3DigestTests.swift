import Hashing
import Testing

@Suite struct BLAKE3DigestTests {
    @Test func `digests are ordered by their bytes from the first to the last`() throws {
        var all: [BLAKE3Digest] = []
        for position in 0..<32 {
            var bytes = [UInt8](repeating: 7, count: 32)
            for value: UInt8 in [0, 8, 0x80, 0xff] {
                bytes[position] = value
                all.append(try #require(BLAKE3Digest(bytes)))
            }
        }
        for a in all {
            for b in all {
                #expect((a < b) == a.bytes.lexicographicallyPrecedes(b.bytes))
                #expect((a == b) == (a.bytes == b.bytes))
            }
        }
    }

    @Test func `the text of a digest reads back, and only lower-case digits in the right number do`() throws {
        let digest = BLAKE3.hash(Array("mirror".utf8))
        #expect(BLAKE3Digest(hex: digest.hex) == digest)
        #expect(digest.description == digest.hex)
        #expect(digest.hex.utf8.count == 64)
        #expect(BLAKE3Digest(hex: digest.hex.uppercased()) == nil)
        #expect(BLAKE3Digest(hex: String(digest.hex.dropLast())) == nil)
        #expect(BLAKE3Digest(hex: digest.hex + "00") == nil)
        #expect(BLAKE3Digest(hex: "g" + digest.hex.dropFirst()) == nil)
        #expect(BLAKE3Digest(hex: "") == nil)
    }

    @Test func `a digest is made from exactly 32 bytes and gives the same back`() throws {
        let bytes = (0..<32).map { UInt8($0) }
        let digest = try #require(BLAKE3Digest(bytes))
        #expect(digest.bytes == bytes)
        #expect(BLAKE3Digest(bytes[...]) == digest)
        #expect(BLAKE3Digest(ContiguousArray(bytes)) == digest)
        #expect(BLAKE3Digest(bytes.span.bytes) == digest)
        #expect(BLAKE3Digest(Array(bytes.dropLast())) == nil)
        #expect(BLAKE3Digest(bytes + [0]) == nil)
        #expect(BLAKE3Digest([UInt8]()) == nil)
        var copy = [UInt8](repeating: 0, count: 34)
        copy.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { digest.write(to: base + 1) }
        }
        #expect(copy == [0] + bytes + [0])
    }
}
