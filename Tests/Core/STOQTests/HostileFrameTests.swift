import STOQ
import Testing
import TestSupport

/// What a peer may say at any time, one by one: each is refused with the code of the rule that it breaks.
@Suite struct HostileFrameTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let code: STOQErrorCode
        var testDescription: String { name }

        init(_ name: String, _ bytes: [UInt8], _ code: STOQErrorCode = .violation) {
            self.name = name
            self.bytes = bytes
            self.code = code
        }
    }

    static let cost = UInt32(STOQLimits.messageCeiling + STOQLimits.messageOverhead)
    static let afterGreeting: [Attack] = [
        Attack("a frame above the limit", Raw.frame(4, flags: 1, stream: 1, length: 262_145), .tooLarge),
        Attack("the largest length that there is", Raw.frame(4, flags: 1, stream: 1, length: .max), .tooLarge),
        Attack("an unknown critical frame", Raw.frame(0x30)),
        Attack("type zero", Raw.frame(0)),
        Attack("unknown flags", Raw.frame(7, flags: 2, [0, 0, 0, 0, 0, 0, 0, 0])),
        Attack("reserved bits", Raw.frame(7, reserved: 1, [0, 0, 0, 0, 0, 0, 0, 0])),
        Attack("a ping of seven bytes", Raw.frame(7, [0, 0, 0, 0, 0, 0, 0])),
        Attack("a ping on a stream", Raw.frame(7, stream: 1, [0, 0, 0, 0, 0, 0, 0, 0])),
        Attack("a second HELLO", Raw.frame(1, [0])),
        Attack("an empty greeting", Raw.frame(2)),
        Attack("a greeting of rubbish", Raw.frame(2, [0xFF, 0xFF, 0xFF]), .malformed),
        Attack("a stream of the other side's parity", Raw.open(2)),
        Attack("stream zero", Raw.open(0)),
        Attack("a stream of an unknown kind", Raw.open(1, 9)),
        Attack("a stream opened twice", Raw.open(1) + Raw.open(1)),
        Attack("a stream behind a later one", Raw.open(5) + Raw.open(3)),
        Attack("a stream used again after its end", Raw.open(1) + Raw.reset(1) + Raw.open(1)),
        Attack("a message without a stream", Raw.begin(1, wire: 1, [0])),
        Attack("a message for a stream of ours that was never opened", Raw.begin(2, wire: 1, [0])),
        Attack("credit for a stream that was never opened", Raw.credit(7, 1)),
        Attack("a reset of a stream that was never opened", Raw.reset(9)),
        Attack("a part without a beginning", Raw.open(1) + Raw.frame(4, stream: 1, [1, 2, 3])),
        Attack("an empty part that says nothing", Raw.open(1) + Raw.frame(4, stream: 1)),
        Attack("a beginning without lengths", Raw.open(1) + Raw.frame(4, flags: 1, stream: 1, [1, 2, 3])),
        Attack(
            "a message within a message",
            Raw.open(1) + Raw.begin(1, wire: 9_000, Array(repeating: 0, count: 4_096)) + Raw.begin(1, wire: 1, [0])),
        Attack("a message above the limit", Raw.open(1) + Raw.begin(1, wire: 1_114_113), .tooLarge),
        Attack("a message of four gigabytes", Raw.open(1) + Raw.begin(1, wire: .max), .tooLarge),
        Attack("a plain message of two lengths", Raw.open(1) + Raw.begin(1, wire: 3, plain: 4, [0, 0, 0])),
        Attack(
            "a compressed message that is longer than what it stands for",
            Raw.open(1) + Raw.begin(1, wire: 5, plain: 4, flags: 3, [0, 0, 0, 0, 0])),
        Attack("the compressed flag on a later part", Raw.open(1) + Raw.frame(4, flags: 2, stream: 1, [0])),
        Attack("a part beyond the end", Raw.open(1) + Raw.begin(1, wire: 2, [1, 2, 3])),
        Attack("a drip of parts", Raw.open(1) + Raw.begin(1, wire: 9_000, [1])),
        Attack(
            "the last word within a message",
            Raw.open(1) + Raw.begin(1, wire: 9_000, flags: 5, Array(repeating: 0, count: 4_096))),
        Attack(
            "a message after the last word",
            Raw.open(1) + Raw.frame(4, flags: 4, stream: 1) + Raw.begin(1, wire: 1, [0])),
        Attack(
            "the last word twice",
            Raw.open(1) + Raw.frame(4, flags: 4, stream: 1) + Raw.frame(4, flags: 4, stream: 1)),
        Attack("credit of nothing", Raw.open(1) + Raw.credit(1, 0), .flow),
        Attack("credit above the window of a stream", Raw.open(1) + Raw.credit(1, 1), .flow),
        Attack("credit above the window of a kind", Raw.credit(0, kind: 3, .max), .flow),
        Attack("credit for an unknown kind", Raw.credit(0, kind: 4, 1)),
        Attack("credit with a kind on a stream", Raw.open(1) + Raw.credit(1, kind: 1, 1)),
        Attack("a reset without a code", Raw.open(1) + Raw.frame(6, stream: 1, [0])),
        Attack(
            "a reset with a novel", Raw.open(1) + Raw.frame(6, stream: 1, Array(repeating: 65, count: 259))),
        Attack("five pings at once", (0..<5).flatMap { _ in Raw.frame(7, [0, 0, 0, 0, 0, 0, 0, 0]) }),
    ]

    @Test("what breaks a rule closes the connection with the rule's code", arguments: afterGreeting)
    func isRefused(_ attack: Attack) throws {
        var pair = Pair()
        pair.listener.receive(attack.bytes)
        let error = try #require(pair.listener.closed)
        #expect(error.code == attack.code, "\(error)")
        #expect(!error.reason.isEmpty)
        // The peer is told, and what follows is not looked at.
        let frames = pair.listener.frames()
        let last = try #require(frames.last)
        #expect(last.header.type == STOQFrameType.goAway.rawValue)
        pair.listener.receive(Raw.open(99))
        #expect(pair.listener.opened.allSatisfy { $0.0 != 99 })
    }

    @Test("what breaks a rule is refused wherever it is cut", arguments: afterGreeting)
    func isRefusedInPieces(_ attack: Attack) throws {
        var pair = Pair()
        for byte in attack.bytes { pair.listener.receive([byte]) }
        #expect(try #require(pair.listener.closed).code == attack.code)
    }

    static let beforeGreeting: [Attack] = [
        Attack("a web browser", Array("GET / HTTP/1.1\r\nHost: mirror\r\n\r\n".utf8)),
        Attack("zeros", Array(repeating: 0, count: 64)),
        Attack("a ping first", Raw.frame(7, [0, 0, 0, 0, 0, 0, 0, 0])),
        Attack("a HELLO above its limit", Raw.frame(1, length: 1_025)),
        Attack("a HELLO of nothing", Raw.frame(1)),
        Attack("another word", Raw.frame(1, Array("QOTS".utf8) + [1, 0, 1, 0, 0])),
        Attack("no settings", Raw.frame(1, Array("STOQ".utf8) + [1, 0, 1, 0, 0]), .malformed),
        Attack("half a HELLO", Raw.frame(1, Array("STOQ".utf8) + [1, 0, 1]), .malformed),
        Attack("a setting twice", Raw.frame(1, Array("STOQ".utf8) + [1, 0, 1, 0, 2, 3, 9, 3, 9]), .malformed),
        Attack("more streams than allowed", Raw.frame(1, hello(streams: 257)), .malformed),
        Attack("no streams", Raw.frame(1, hello(streams: 0)), .malformed),
        Attack("only newer versions", Raw.frame(1, hello(minimum: 2, maximum: 9)), .unsupportedVersion),
        Attack("versions in the wrong order", Raw.frame(1, hello(minimum: 2, maximum: 1)), .unsupportedVersion),
        Attack("a stream before the greeting", Raw.frame(1, hello()) + Raw.open(1)),
    ]

    /// A HELLO by hand: the settings 1 to 8.
    static func hello(minimum: UInt16 = 1, maximum: UInt16 = 1, streams: UInt8 = 16) -> [UInt8] {
        let window: [UInt8] = [0x80, 0x80, 0x80, 0x02]  // 4 MiB
        let count: [UInt8] = streams == 0 ? [0] : streams == 1 ? [1] : [streams]
        return Array("STOQ".utf8) + Raw.little(UInt32(minimum), 2) + Raw.little(UInt32(maximum), 2) + [8]
            + [1, 0x80, 0x80, 0x10] + [2, 0x80, 0x80, 0x44] + [3] + count
            + [4] + window + [5] + window + [6] + window + [7] + window + [8] + window
    }

    static func hello(streams: Int) -> [UInt8] {
        var bytes = hello()
        let index = 4 + 4 + 1 + 4 + 4 + 1
        bytes.replaceSubrange(index...index, with: [UInt8(streams & 0x7F) | 0x80, UInt8(streams >> 7)])
        return streams == 0 ? hello(minimum: 1, maximum: 1, streams: 0) : bytes
    }

    @Test("what does not begin with a good HELLO is refused", arguments: beforeGreeting)
    func isRefusedAtFirst(_ attack: Attack) throws {
        var end = End(.listener)
        end.receive(attack.bytes)
        #expect(try #require(end.closed).code == attack.code, "\(end.closed.map { "\($0)" } ?? "")")
    }

    @Test("a HELLO by hand is taken, with settings and a higher version that nobody knows yet")
    func helloByHandIsTaken() {
        var end = End(.listener)
        var hello = Self.hello(minimum: 1, maximum: 7)
        hello[8] = 9
        end.receive(Raw.frame(1, hello + [0x20, 0x05]))
        #expect(end.closed == nil)
        end.receive(Raw.frame(2, STOQGreeting(fleet: "lab", name: "m1").encode()))
        #expect(end.closed == nil)
        end.run(end.machine.greet(STOQGreeting(fleet: "lab", name: "origin"), now: .start), now: .start)
        #expect(end.isReady)
    }

    @Test("a frame that may be ignored is ignored, wherever it is cut")
    func ignorableIsIgnored() {
        var pair = Pair()
        let bytes =
            Raw.frame(0x80, flags: 0xFF, reserved: 0xFFFF, stream: 77, Array(repeating: 7, count: 1_000))
            + Raw.frame(0xFF) + Raw.open(1)
        for byte in bytes { pair.listener.receive([byte]) }
        #expect(pair.listener.closed == nil)
        #expect(pair.listener.opened.map(\.0) == [1])
    }

    @Test("the stream after the last that is allowed closes the connection")
    func streamFloodIsRefused() {
        var pair = Pair()
        for index in 0..<256 { pair.listener.receive(Raw.open(UInt32(index * 2 + 1))) }
        #expect(pair.listener.closed == nil)
        pair.listener.receive(Raw.open(513))
        #expect(pair.listener.closed?.code == .violation)
    }

    @Test("opening and resetting without reading the answers ends in a closed connection, not in memory")
    func resetFloodIsRefused() {
        var pair = Pair()
        for index in 0..<100_000 where pair.listener.closed == nil {
            let stream = UInt32(index * 2 + 1)
            pair.listener.receive(Raw.open(stream) + Raw.reset(stream))
        }
        #expect(pair.listener.closed?.code == .violation)
    }

    @Test("messages beyond the credit of a stream, or of its kind, close the connection")
    func windowOverflowIsRefused() {
        let body = Array(repeating: UInt8(0), count: 200_000)
        // A stream has 4 MiB, bulk has 8 MiB for all.
        for (streams, most) in [(1, 4 << 20), (4, 8 << 20)] {
            var pair = Pair()
            pair.listener.takesAtOnce = false
            for stream in 0..<streams { pair.listener.receive(Raw.open(UInt32(stream * 2 + 1))) }
            var held = 0
            for index in 0..<1_000 where pair.listener.closed == nil {
                pair.listener.receive(Raw.begin(UInt32(index % streams * 2 + 1), wire: 200_000, body))
                held += body.count
            }
            #expect(pair.listener.closed?.code == .flow)
            #expect(held - body.count <= most)
        }
    }

    @Test("very many empty messages cost credit too")
    func emptyMessagesCost() {
        var pair = Pair()
        pair.listener.takesAtOnce = false
        pair.listener.receive(Raw.open(1))
        var count = 0
        while pair.listener.closed == nil, count < 100_000 {
            pair.listener.receive(Raw.begin(1, wire: 0))
            count += 1
        }
        #expect(pair.listener.closed?.code == .flow)
        #expect(count <= (4 << 20) / 256 + 1)
    }

    @Test("a message in a stream of bytes with any bit flipped is never taken for another, and nothing traps")
    func bitFlips() throws {
        var generator = SplitMix64(test: "bit flips", fallback: 20_261_121)
        let text = Array("the quick brown fox jumps over the lazy dog".utf8)
        let good = Raw.open(1, 1) + Raw.begin(1, wire: UInt32(text.count), flags: 5, text) + Raw.credit(0, kind: 3, 1)
        for bit in 0..<good.count * 8 {
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            var pair = Pair()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &generator)
                pair.listener.receive(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            // Lengths are bound to their frames: whatever arrives has the length of what was sent.
            for message in pair.listener.messages.values.joined() where pair.listener.closed == nil {
                #expect(message.byteCount == text.count, "bit \(bit)")
            }
        }
    }

    @Test("random bytes after the greeting never trap")
    func randomBytes() {
        var generator = SplitMix64(test: "random bytes", fallback: 20_261_121)
        for _ in 0..<3_000 {
            var pair = Pair()
            for _ in 0..<8 where pair.listener.closed == nil {
                let payload = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let type = UInt8.random(in: 0...10, using: &generator)
                let flags = UInt8.random(in: 0...7, using: &generator)
                let stream = UInt32.random(in: 0...6, using: &generator)
                pair.listener.receive(Raw.frame(type, flags: flags, stream: stream, payload))
                _ = pair.listener.frames()
            }
        }
    }

    @Test("truncated frames deliver nothing and wait")
    func truncated() throws {
        let text = Array("abcdefgh".utf8)
        let good = Raw.open(1) + Raw.begin(1, wire: 8, text)
        for count in 0..<good.count {
            var pair = Pair()
            pair.listener.receive(Array(good.prefix(count)))
            #expect(pair.listener.closed == nil)
            #expect(pair.listener.messages.isEmpty)
            pair.listener.receive(Array(good.dropFirst(count)))
            #expect(pair.listener.messages[1]?.first?.bytes == text)
        }
    }
}
