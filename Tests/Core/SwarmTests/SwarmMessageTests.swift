import Content
import Swarm
import Testing
import TestSupport

@Suite struct SwarmMessageTests {
    static let samples: [SwarmMessage] = [
        .hello(SwarmHello(complete: 10, have: OrdinalSet([12, 13, 900]), isNear: false)),
        .hello(SwarmHello(complete: 0)), .hello(SwarmHello(complete: 3, have: OrdinalSet(9..<800))),
        .have([0..<1, 3..<9, 999..<1_000]), .have([]), .want(OrdinalSet(5..<700)),
        .lease([1..<2]), .copied([4..<8, 9..<10]), .cancel([0..<1_000]), .claim([5..<6]),
        .peers([
            SwarmMember(name: "m1", host: "m1.example.org", port: 7_300, region: "eu"),
            SwarmMember(name: "m2", host: "::1", port: 1, region: "default"),
        ]),
        .peers([]), .distrust(["m1", "m2"]),
    ]

    @Test("a message reads back as it was", arguments: samples)
    func roundTrip(message: SwarmMessage) throws {
        #expect(try SwarmMessage(decoding: message.encode(), size: 1_000) == message)
    }

    @Test("the bytes are as docs/formats/swarm.md says")
    func bytes() {
        #expect(SwarmMessage.have([0..<1, 3..<9]).encode() == [2, 2, 0, 1, 2, 6])
        #expect(SwarmMessage.lease([300..<301]).encode() == [4, 1, 0xAC, 2, 1])
        #expect(
            SwarmMessage.hello(SwarmHello(complete: 10, isNear: true)).encode() == [
                1, 1, 1, 10, 0x3A, 0x30, 0, 0, 0, 0, 0, 0,
            ])
        #expect(SwarmMessage.distrust(["m1"]).encode() == [9, 1, 2, 0x6D, 0x31])
    }

    @Test(
        "what a message must not be is refused",
        arguments: [
            [], [0], [10], [2], [2, 1, 0, 0], [2, 1, 0, 1, 0], [2, 1, 9, 1], [2, 1, 0, 11], [2, 2, 0, 9, 1, 1],
            [2, 0x81, 0x20], [1, 2, 1, 0, 0x3A, 0x30, 0, 0, 0, 0, 0, 0], [1, 1, 4, 0, 0x3A, 0x30, 0, 0, 0, 0, 0, 0],
            [1, 1, 1, 10, 0x3A, 0x30, 0, 0, 0, 0, 0, 0], [8, 17], [8, 1, 1, 0x41, 1, 0x61, 0, 1],
            [8, 1, 1, 0x61, 0, 0, 1],
            [9, 1, 0], [9, 17], [3, 1, 2],
        ] as [[UInt8]])
    func refused(bytes: [UInt8]) {
        #expect(throws: CodecError.self) { try SwarmMessage(decoding: bytes, size: 9) }
    }

    @Test("any bytes are an error, or a message that is written and read again")
    func hostileBytes() throws {
        var generator = SplitMix64(test: "hostile swarm messages", fallback: 20_261_129)
        let good = Self.samples.map { $0.encode() }
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = good[round % good.count]
            for _ in 0...generator.length(below: 2) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[at] = UInt8.random(in: 0...255, using: &generator)
            }
            let size = UInt32(generator.length(below: 12))
            guard let message = try? SwarmMessage(decoding: bytes, size: size) else { continue }
            accepted += 1
            #expect(try SwarmMessage(decoding: message.encode(), size: size) == message)
        }
        #expect(accepted > 500)
    }
}
