import Content
import Hashing
import Testing

/// The frozen vectors of docs/formats/chunking.md, computed first by another implementation of it, in Python. A change
/// here makes every release's chunks new.
@Suite struct ChunkingVectorTests {
    @Test func `the gear table is the frozen one`() {
        #expect(FastCDC.gear.count == 256)
        var bytes: [UInt8] = []
        for value in FastCDC.gear { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        #expect(BLAKE3.hash(bytes).hex == "139382ebbb1c6f8cf8f1597b3c7386c2cbd048e9febb531b9fb80ac0d0e60177")
        #expect(FastCDC.gear.prefix(2).map { String($0, radix: 16) } == ["3058e8f0c9ef15", "fd6daf1718b4a0bf"])
    }

    @Test func `no repeated byte makes small chunks`() {
        // The hash of 64 equal bytes is the negated gear value; below a threshold it would cut at every minimum.
        for profile in ChunkProfile.all {
            let easy = 16 * ((UInt64(1) << 62) / UInt64(profile.average))
            #expect(FastCDC.gear.allSatisfy { 0 &- $0 >= easy })
        }
        for byte: UInt8 in [0x00, 0x20, 0xff] {
            let blob = [UInt8](repeating: byte, count: (3 << 20) + 5)
            #expect(FastCDC(profile: .standard).boundaries(blob) == [1 << 20, 1 << 20, 1 << 20, 5])
        }
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        #expect(FastCDC(profile: .images).boundaries(zeros) == [1 << 18, 1 << 18, 1 << 18, 1 << 18])
    }

    @Test func `random bytes are cut where they were`() {
        var input = ChunkingInput(seed: 1)
        let blob = input.bytes(8 << 20)
        #expect(BLAKE3.hash(blob).hex == "ea5beee7e82dda2559febd1d12b67eab68a32a2c8a3d0ab271fb4638bcb508fb")
        let standard = FastCDC(profile: .standard).boundaries(blob)
        #expect(standard.prefix(4) == [115_400, 288_177, 324_278, 262_971])
        #expect(standard.count == 28)
        #expect(Self.digest(standard) == "eb747341efd82ca7")
        let images = FastCDC(profile: .images).boundaries(blob)
        #expect(images.prefix(4) == [79_544, 35_856, 88_526, 21_639])
        #expect(images.count == 114)
        #expect(Self.digest(images) == "a27fafa6c58b4294")
    }

    @Test func `a real text is cut where it was`() throws {
        let text = try ChunkingInput.text()
        #expect(text.count == 11_358)
        let profile = ChunkProfile(name: "small", identifier: 0, minimum: 256, average: 1024, maximum: 4096)
        #expect(FastCDC(profile: profile).boundaries(text) == [1946, 1500, 379, 1309, 1417, 1131, 1386, 1453, 837])
        let numbered = try ChunkingInput.numberedText(4 << 20)
        #expect(BLAKE3.hash(numbered).hex == "e9ff88731acd7aa5d56326cd1f8f725f26ca017cb43cbe25d6956d4b35abea3b")
        let standard = FastCDC(profile: .standard).boundaries(numbered)
        // The text has a period of about 11,362 bytes, and so have its cuts.
        #expect(
            standard
                == [265_121, 272_664, 272_664, 272_664, 272_684] + [Int](repeating: 272_688, count: 10) + [111_627])
        let images = FastCDC(profile: .images).boundaries(numbered)
        #expect(images.count == 62)
        #expect(Self.digest(images) == "413df08ea3b000ea")
    }

    /// The first 16 hexadecimal digits of the BLAKE3 digest of the lengths, written in decimal, each with a newline.
    private static func digest(_ lengths: [Int]) -> String {
        String(BLAKE3.hash(lengths.flatMap { Array("\($0)\n".utf8) }).hex.prefix(16))
    }
}
