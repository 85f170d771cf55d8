import STOQ
import Testing

@Suite("Frames that may not go yet")
struct BandwidthGateTests {
    private static let frameBytes = 16 << 10

    @Test("A stream that may not go holds up no other, and keeps its turn")
    func gate() throws {
        var pair = Pair()
        let streams = try [StreamKind.bulk, .bulk, .interactive].map { try pair.dialler.open($0) }
        _ = pair.dialler.frames()
        for stream in streams {
            #expect(try pair.dialler.send(Array(repeating: 1, count: 40_000), on: stream))
        }
        var asked: [(stream: STOQStreamID, bytes: Int)] = []
        var gone: [STOQStreamID] = []
        while let frame = pair.dialler.machine.takeFrame(
            now: .start, frameBytes: Self.frameBytes,
            mayGo: { _, stream, bytes in
                asked.append((stream, bytes))
                return stream != streams[0]
            })
        {
            gone.append(frame.header.stream)
            #expect(frame.bytes.count <= STOQFrameHeader.byteCount + Self.frameBytes)
        }
        // The urgent one first, then the one that may go.
        #expect(gone == Array(repeating: streams[2], count: 3) + Array(repeating: streams[1], count: 3))
        #expect(asked.filter { $0.stream == streams[1] }.map(\.bytes).reduce(0, +) == 40_000)
        #expect(asked.contains { $0.stream == streams[0] && $0.bytes < Self.frameBytes })
        // Later it goes as if it had not been asked about.
        #expect(pair.dialler.frames().map(\.header.stream) == [streams[0]])
    }
}
