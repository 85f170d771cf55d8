import STOQ
import STOQTransport
import Testing

@Suite struct PathPaceTests {
    private static let usual = 128 << 10

    /// A path that takes `rate` bytes a second, and on which there is always more to send, in writes of `pace.frameBytes`,
    /// from `start` for `milliseconds`; when it is over.
    private static func fill(
        _ pace: inout PathPace, rate: Double, from start: UInt64, milliseconds: UInt64
    ) -> UInt64 {
        var now = start
        while now < start + milliseconds * 1_000_000 {
            pace.wrote(pace.frameBytes)
            pace.paused(isFull: true, now: STOQTime(nanoseconds: now))
            now += UInt64(Double(pace.frameBytes) / rate * 1e9)
        }
        return now
    }

    @Test("frames are as long as they may be until a path was measured")
    func unknown() {
        var pace = PathPace()
        #expect(pace.frameBytes == Self.usual && pace.unsentBytes == Self.usual)
        _ = Self.fill(&pace, rate: 12.5e6, from: 0, milliseconds: 40)
        #expect(pace.rate == nil && pace.frameBytes == Self.usual)
    }

    /// Bytes a second, a frame, and what the kernel should hold, in KiB.
    private static let paths: [(rate: Double, frame: Int, unsent: Int)] = [
        (1.25e6, 16, 64), (12.5e6, 48, 64), (25e6, 96, 112), (125e6, 128, 128), (4e9, 128, 128),
    ]

    @Test(
        "a frame takes a few milliseconds on a slow path, and is as long as it may be on a fast one", arguments: paths)
    func measured(path: (rate: Double, frame: Int, unsent: Int)) throws {
        var pace = PathPace()
        _ = Self.fill(&pace, rate: path.rate, from: 0, milliseconds: 1_000)
        let measured = try #require(pace.rate)
        #expect(abs(measured / path.rate - 1) < 0.05)
        #expect(pace.frameBytes >> 10 == path.frame && pace.unsentBytes >> 10 == path.unsent)
    }

    @Test("time in which there was nothing to send is not the path's")
    func pauses() {
        var pace = PathPace()
        var now = Self.fill(&pace, rate: 125e6, from: 0, milliseconds: 200)
        for _ in 0..<20 {
            // A short burst that fills the path for a moment, and then nothing for long.
            pace.wrote(10 << 10)
            pace.paused(isFull: true, now: STOQTime(nanoseconds: now))
            pace.paused(isFull: false, now: STOQTime(nanoseconds: now + 1_000_000))
            now += 1_000_000_000
        }
        #expect(pace.frameBytes == Self.usual && pace.unsentBytes == Self.usual)
    }

    @Test("a path that becomes faster has long frames again, and one that becomes slower short ones")
    func changes() {
        var pace = PathPace()
        var now = Self.fill(&pace, rate: 12.5e6, from: 0, milliseconds: 500)
        #expect(pace.frameBytes < Self.usual)
        now = Self.fill(&pace, rate: 125e6, from: now, milliseconds: 500)
        #expect(pace.frameBytes == Self.usual && pace.unsentBytes == Self.usual)
        _ = Self.fill(&pace, rate: 12.5e6, from: now, milliseconds: 1_000)
        #expect(pace.frameBytes == 48 << 10 && pace.unsentBytes == 64 << 10)
    }
}
