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
        #expect(BLAKE3.hash(bytes).hex == "cee411c919c1431f753cdca006863636f07ddbdfabb2d8a49106201222a53139")
        #expect(FastCDC.gear.prefix(2).map { String($0, radix: 16) } == ["d5c4a33be9931019", "b96198195477b074"])
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
        #expect(standard.prefix(4) == [376_838, 328_654, 484_261, 478_459])
        #expect(standard.count == 28)
        #expect(Self.digest(standard) == "e5cbc31549c5174a")
        let images = FastCDC(profile: .images).boundaries(blob)
        #expect(images.prefix(4) == [105_019, 82_630, 35_528, 86_088])
        #expect(images.count == 113)
        #expect(Self.digest(images) == "56d53edb5955139d")
    }

    @Test func `a real text is cut where it was`() throws {
        let text = try ChunkingInput.text()
        #expect(text.count == 11_358)
        let profile = ChunkProfile(name: "small", identifier: 0, minimum: 256, average: 1024, maximum: 4096)
        #expect(
            FastCDC(profile: profile).boundaries(text) == [1056, 1445, 1983, 1103, 1079, 1034, 1066, 1359, 1033, 200])
        let numbered = try ChunkingInput.numberedText(4 << 20)
        #expect(BLAKE3.hash(numbered).hex == "75e6645321530d9bbc37dd6d1ffed6e302829f70a3b9e90912d4b10b489008f5")
        let standard = FastCDC(profile: .standard).boundaries(numbered)
        #expect(
            standard == [
                353_916, 272_890, 139_867, 152_300, 68_396, 98_383, 659_900, 384_336, 383_005, 332_283, 422_554,
                389_885, 445_174, 91_415,
            ])
        let images = FastCDC(profile: .images).boundaries(numbered)
        #expect(images.count == 52)
        #expect(Self.digest(images) == "882644dd26ebfc50")
    }

    /// The first 16 hexadecimal digits of the BLAKE3 digest of the lengths, written in decimal, each with a newline.
    private static func digest(_ lengths: [Int]) -> String {
        String(BLAKE3.hash(lengths.flatMap { Array("\($0)\n".utf8) }).hex.prefix(16))
    }
}
