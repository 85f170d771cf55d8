import Content
import Hashing
import Testing

@Suite struct ChunkingTests {
    /// Small enough that a test sees many chunks.
    private static let tiny = ChunkProfile(name: "tiny", identifier: 0, minimum: 64, average: 256, maximum: 1024)
    /// Neither sizes nor their ratios are powers of two.
    private static let odd = ChunkProfile(name: "odd", identifier: 0, minimum: 3001, average: 10_007, maximum: 20_011)
    private static let profiles = [tiny, odd, .images, .standard]

    @Test func `the profiles are those of the format`() {
        let table = ChunkProfile.all.map { "\($0.identifier) \($0.name) \($0.minimum) \($0.average) \($0.maximum)" }
        #expect(table == ["1 default 65536 262144 1048576", "2 images 16384 65536 262144"])
        for profile in ChunkProfile.all {
            #expect(ChunkProfile(name: profile.name) == profile)
            #expect(ChunkProfile(identifier: profile.identifier) == profile)
        }
        #expect(ChunkProfile(name: "Default") == nil)
        #expect(ChunkProfile(name: "") == nil)
        #expect(ChunkProfile(identifier: 0) == nil)
        #expect(ChunkProfile(identifier: 3) == nil)
    }

    @Test func `boundaries are those of the definition, byte by byte`() {
        var input = ChunkingInput(test: "definition", fallback: 11)
        for round in 0..<40 {
            let profile = Self.profiles[round % 3]
            let blob = input.bytes(Int.random(in: 0...(12 * profile.average), using: &input))
            let defined = Self.defined(blob, profile)
            for kernel in FastCDC.Kernel.available {
                let lengths = FastCDC(profile: profile, kernel: kernel).boundaries(blob)
                #expect(lengths == defined, "\(kernel), \(blob.count) bytes")
            }
        }
    }

    // Cuts anywhere in what a kernel looks at in one step, also several, and stretches without one as long as can be.
    @Test func `all kernels cut alike`() {
        var input = ChunkingInput(test: "kernels", fallback: 19)
        for round in 0..<200 {
            let average = Int.random(in: 300...60_000, using: &input)
            let profile = ChunkProfile(
                name: "any", identifier: 0, minimum: Int.random(in: 64...average / 2, using: &input), average: average,
                maximum: average * Int.random(in: 2...12, using: &input))
            var blob = input.bytes(Int.random(in: 0...(8 * profile.maximum), using: &input))
            if round % 4 == 0 { blob += [UInt8](repeating: 7, count: 3 * profile.maximum) }
            let expected = FastCDC(profile: profile, kernel: .streams).boundaries(blob)
            for kernel in FastCDC.Kernel.available {
                #expect(FastCDC(profile: profile, kernel: kernel).boundaries(blob) == expected, "\(kernel), \(profile)")
            }
        }
    }

    /// The definition in docs/formats/chunking.md, as plainly as it can be written.
    private static func defined(_ blob: [UInt8], _ profile: ChunkProfile) -> [Int] {
        let hard = (UInt64(1) << 62) / UInt64(profile.average)
        var lengths: [Int] = []
        var start = 0
        while start < blob.count {
            let rest = blob.count - start
            var length = min(profile.minimum, rest)
            while length < min(rest, profile.maximum) {
                var hash: UInt64 = 0
                for byte in blob[(start + length - 64)..<(start + length)] {
                    hash = hash &* 2 &+ FastCDC.gear[Int(byte)]
                }
                if hash < (length < profile.average ? hard : 16 * hard) { break }
                length += 1
            }
            lengths.append(length)
            start += length
        }
        return lengths
    }

    @Test(arguments: profiles) func `chunks cover the blob and keep the limits`(profile: ChunkProfile) {
        var input = ChunkingInput(test: "limits, \(profile.name)", fallback: 12)
        let cutter = FastCDC(profile: profile)
        for _ in 0..<8 {
            let blob = input.bytes(Int.random(in: 1...(8 * profile.maximum), using: &input))
            let lengths = cutter.boundaries(blob)
            #expect(lengths.reduce(0, +) == blob.count)
            #expect(lengths.allSatisfy { $0 > 0 && $0 <= profile.maximum })
            #expect(lengths.dropLast().allSatisfy { $0 >= profile.minimum })
        }
    }

    @Test(arguments: profiles) func `small blobs are one chunk and an empty one has none`(profile: ChunkProfile) {
        var input = ChunkingInput(seed: 13)
        let cutter = FastCDC(profile: profile)
        #expect(cutter.boundaries([UInt8]()) == [])
        for count in [1, 2, 63, 64, profile.minimum - 1, profile.minimum] {
            #expect(cutter.boundaries(input.bytes(count)) == [count])
        }
        #expect(cutter.nextBoundary(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) == nil)
        #expect(cutter.nextBoundary(UnsafeRawBufferPointer(start: nil, count: 0), isLast: false) == nil)
    }

    @Test(arguments: profiles) func `a stream in windows has the boundaries of the whole`(profile: ChunkProfile) {
        var input = ChunkingInput(test: "windows, \(profile.name)", fallback: 14)
        let cutter = FastCDC(profile: profile)
        for _ in 0..<8 {
            let blob = input.bytes(Int.random(in: 0...(6 * profile.maximum), using: &input))
            var lengths: [Int] = []
            blob.withUnsafeBytes { bytes in
                var start = 0
                var end = 0
                while start < bytes.count {
                    let isLast = end == bytes.count
                    let window = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    if let length = cutter.nextBoundary(window, isLast: isLast) {
                        lengths.append(length)
                        start += length
                    } else {
                        #expect(!isLast && window.count < profile.maximum, "a full window always has a boundary")
                        end = min(bytes.count, end + Int.random(in: 1...profile.maximum, using: &input))
                    }
                }
            }
            #expect(lengths == cutter.boundaries(blob), "\(blob.count) bytes")
        }
    }

    @Test(arguments: profiles) func `a window that is not the last waits for what it cannot know`(
        profile: ChunkProfile
    ) {
        let cutter = FastCDC(profile: profile)
        let zeros = [UInt8](repeating: 0, count: profile.maximum)
        zeros.withUnsafeBytes { bytes in
            for count in [1, profile.minimum, profile.average, profile.maximum - 1] {
                let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
                #expect(cutter.nextBoundary(window, isLast: false) == nil)
                #expect(cutter.nextBoundary(window, isLast: true) == count)
            }
            #expect(cutter.nextBoundary(bytes, isLast: false) == profile.maximum)
        }
    }

    @Test func `an insertion changes few chunks, wherever it is`() {
        var input = ChunkingInput(test: "insertion", fallback: 15)
        let cutter = FastCDC(profile: Self.tiny)
        for _ in 0..<50 {
            let blob = input.bytes(200_000)
            var changed = blob
            let inserted = input.bytes(Int.random(in: 1...300, using: &input))
            changed.insert(contentsOf: inserted, at: Int.random(in: 0...blob.count, using: &input))
            let before = Set(Self.chunks(blob, cutter))
            let after = Self.chunks(changed, cutter)
            let new = after.filter { !before.contains($0) }.count
            #expect(new <= 24, "\(new) new chunks of \(after.count) after inserting \(inserted.count) bytes")
        }
    }

    @Test func `equal stretches of two blobs become equal chunks`() {
        var input = ChunkingInput(test: "stretches", fallback: 16)
        let cutter = FastCDC(profile: Self.tiny)
        let shared = input.bytes(100_000)
        let one = Set(Self.chunks(input.bytes(777) + shared, cutter))
        let other = Set(Self.chunks(input.bytes(31_234) + shared + input.bytes(555), cutter))
        let common = one.intersection(other).reduce(0) { $0 + $1.count }
        #expect(common > 90_000, "\(common) of 100,000 shared bytes are in shared chunks")
    }

    private static func chunks(_ blob: [UInt8], _ cutter: FastCDC) -> [ArraySlice<UInt8>] {
        var start = 0
        return cutter.boundaries(blob).map { length in
            defer { start += length }
            return blob[start..<(start + length)]
        }
    }

    // The thresholds make 1.14 times the profile's average of it.
    @Test func `chunks of random bytes have about the average size`() {
        var input = ChunkingInput(test: "average", fallback: 17)
        let blob = input.bytes(64 << 20)
        for (profile, expected) in [(ChunkProfile.standard, 270_000...330_000), (.images, 67_000...82_000)] {
            let lengths = FastCDC(profile: profile).boundaries(blob)
            let mean = blob.count / lengths.count
            print("\(profile.name): mean \(mean) of \(lengths.count) chunks")
            #expect(expected.contains(mean))
            // What the two thresholds are for: hardly anything is cut by force.
            #expect(lengths.filter { $0 == profile.maximum }.count * 100 < lengths.count)
        }
    }
}
