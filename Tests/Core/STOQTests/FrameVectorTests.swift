import STOQ
import Testing

/// Frozen bytes of frames, made by another program from docs/formats/stoq.md; the same are listed there.
@Suite struct FrameVectorTests {
    // swift-format-ignore
    private static let vectors = """
        hello: 01000000000000002c00000053544f5101000100080180801002808044038002048080800205808050068080800207808080010880808004
        greeting: 020000000000000009000000036c6162026d310000
        open metadata 1: 03000000010000000100000001
        message and last word 1: 0405000001000000130000000b0000000b000000010664656269616e01ac02
        goaway shutting down: 0800000000000000050000000700627965
        reset 3 cancelled: 0600000003000000040000000a006e6f
        """

    @Test("the frames of a short conversation are the frozen ones, byte for byte")
    func frames() throws {
        var dialler = End(.dialler)
        dialler.run(dialler.machine.greet(STOQGreeting(fleet: "lab", name: "m1"), now: .start), now: .start)
        var written = dialler.frames()
        var listener = End(.listener)
        listener.run(listener.machine.greet(STOQGreeting(fleet: "lab", name: "origin"), now: .start), now: .start)
        listener.receive(written[0].bytes)
        dialler.receive(listener.bytes())
        written += dialler.frames()
        let stream = try dialler.open(.metadata)
        _ = try dialler.send(STOQRequest.release(set: "debian", sequence: 300).encode(), on: stream)
        dialler.machine.finish(stream, now: .start)
        let other = try dialler.open(.bulk)
        written += dialler.frames()
        dialler.run(dialler.machine.reset(other, .cancelled, "no"), now: .start)
        dialler.run(dialler.machine.goAway(.shuttingDown, "bye"), now: .start)
        written += dialler.frames()
        let texts = Set(written.map { $0.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() })
        for line in Self.vectors.split(separator: "\n") {
            let parts = line.split(separator: ":")
            #expect(texts.contains(parts[1].filter { $0 != " " }), "\(parts[0])")
        }
    }
}
