import Content
import Hashing
import STOQ
import Testing
import TestSupport

@Suite struct STOQMessageTests {
    private static let digests = (0..<3).map { BLAKE3.hash([UInt8($0)]) }

    static let requests: [STOQRequest] = [
        .release(set: "debian", sequence: nil), .release(set: "debian", sequence: .max),
        .changeset(set: "iso", ChangesetDigest(digests[0])), .packedTree(set: "iso", NodeDigest(digests[0])),
        .nodes(set: "iso", digests.map { NodeDigest($0) }),
        .chunkLists(set: "iso", digests.map { ChunkListDigest($0) }),
        .chunkLog(set: "iso", from: 300, size: 1 << 40), .swarm(set: "iso", ReleaseDigest(digests[1])),
        .chunks(set: "iso", (0..<4_096).map { ChunkDigest(digests[$0 % 3]) }), .command([]), .command([1, 2, 3]),
        .ownCommand([7]),
    ]

    @Test("a request is read as it was written", arguments: requests)
    func requestRoundTrip(_ request: STOQRequest) throws {
        #expect(try STOQRequest(decoding: request.encode()) == request)
    }

    @Test("a request that is cut off or has more behind it is refused", arguments: requests.prefix(9))
    func requestTruncated(_ request: STOQRequest) {
        let bytes = request.encode()
        for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 200)) {
            #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: bytes + [0]) }
    }

    @Test("requests beyond the limits, for nothing, or of an unknown kind are refused")
    func requestLimits() throws {
        let name: [UInt8] = [3] + Array("iso".utf8)
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: [3] + name + [0]) }
        // 4,097 digests
        let many = [3] + name + [0x81, 0x20] + Array(repeating: UInt8(0), count: 4_097 * 32)
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: many) }
        // A count of 4,096 with nothing behind it allocates nothing.
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: [3] + name + [0x80, 0x20]) }
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: [1, 2] + Array("..".utf8) + [0]) }
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: [1] + name + [2]) }
        let long = [6] + Array(repeating: UInt8(0), count: STOQRequest.commandLimit + 1)
        #expect(throws: STOQRequestError.self) { try STOQRequest(decoding: long) }
        #expect(throws: STOQRequestError.unknown(tag: 99)) { try STOQRequest(decoding: [99]) }
        #expect(STOQRequestError.unknown(tag: 99).code == .unsupported)
    }

    @Test("a greeting is read as it was written, in the order of sets, each once")
    func greetingRoundTrip() throws {
        let release = ReleaseDigest(Self.digests[0])
        let greeting = STOQGreeting(
            fleet: "lab", name: "m1",
            heads: ["iso", "debian", "iso"].map { .init(set: $0, sequence: 9, release: release) })
        #expect(greeting.heads.map(\.set) == ["debian", "iso"])
        let bytes = greeting.encode()
        #expect(try STOQGreeting(decoding: bytes) == greeting)
        for count in 0..<bytes.count {
            #expect(throws: CodecError.self) { try STOQGreeting(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: CodecError.self) { try STOQGreeting(decoding: bytes + [0]) }
    }

    @Test("an answer gives back items, parts and absences where they lie")
    func answerRoundTrip() throws {
        var builder = STOQAnswer.Builder(byteLimit: 100)
        builder.add(4, Array(repeating: 1, count: 60)[...])
        builder.addAbsent(7)
        builder.add(5, Array(repeating: 2, count: 40)[...], isLast: false)
        #expect(builder.room == 0)
        let answer = try STOQAnswer(builder.take())
        #expect(answer.items.map(\.index) == [4, 5])
        #expect(answer.items.map(\.isLast) == [true, false])
        #expect(answer.absent == [7])
        #expect(answer.bytes(of: answer.items[1]) == Array(repeating: 2, count: 40))
        #expect(builder.isEmpty && builder.room == 100)
    }

    @Test("an item that cannot be read leaves no trace in the answer")
    func answerRollsBack() throws {
        struct Failure: Error {}
        var builder = STOQAnswer.Builder()
        builder.add(0, [9])
        #expect(throws: Failure.self) { try builder.add(1, count: 5_000) { _ in throw Failure() } }
        builder.add(2, count: 2) { $0.copyBytes(from: [7, 8]) }
        let answer = try STOQAnswer(builder.take())
        #expect(answer.items.map(\.index) == [0, 2])
        #expect(answer.bytes(of: answer.items[1]) == [7, 8])
    }

    @Test("the fullest answer fits into one message")
    func answerFits() {
        var builder = STOQAnswer.Builder()
        for index in 0..<4_096 { builder.add(index, Array(repeating: 0, count: 256)[...]) }
        #expect(builder.room == 0)
        #expect(builder.take().byteCount <= STOQLimits.messageCeiling)
    }

    @Test("an answer that is cut off, longer, or flipped in any bit of its table never traps")
    func answerHostile() throws {
        var builder = STOQAnswer.Builder()
        builder.add(1, [1, 2, 3])
        builder.addAbsent(2)
        let bytes = builder.take().bytes
        for count in 0..<bytes.count {
            #expect(throws: CodecError.self) { try STOQAnswer(STOQMessage(Array(bytes.prefix(count)))) }
        }
        for bit in 3 * 8..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            let answer = try? STOQAnswer(STOQMessage(flipped))
            for item in answer?.items ?? [] { #expect(item.range.upperBound <= flipped.count) }
        }
    }

    // MARK: - Compression

    /// What arrives when `message` is sent with `compression`, and how many bytes its frames have.
    private static func carry(
        _ message: [UInt8], _ compression: OutgoingMessage.Compression
    ) throws -> (arrived: STOQMessage?, frameBytes: Int) {
        var pair = Pair()
        let stream = try pair.dialler.open(.metadata)
        _ = pair.dialler.machine.send(
            try OutgoingMessage(message, compression: compression), on: stream, now: .start)
        let bytes = pair.dialler.bytes()
        pair.listener.receive(bytes)
        #expect(pair.listener.closed == nil)
        return (try pair.listener.messages[stream]?.first?.decompressed(pool: nil), bytes.count)
    }

    private static func noise(_ count: Int) -> [UInt8] {
        var generator = SplitMix64(seed: 5)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    @Test("what compresses is sent short and arrives whole; what does not, or is short, is sent as it is")
    func compressionPays() throws {
        let text = Array(repeating: Array("pool/main/b/bash/bash_5.2_amd64.deb\n".utf8), count: 20_000).flatMap { $0 }
        for compression in [OutgoingMessage.Compression.whole, .sampled] {
            let (arrived, size) = try Self.carry(text, compression)
            #expect(arrived?.bytes == text)
            #expect(size < text.count / 10)
            let noise = Self.noise(200_000)
            let plain = try Self.carry(noise, compression)
            #expect(plain.arrived?.bytes == noise)
            #expect(plain.frameBytes > noise.count)
        }
        #expect(try Self.carry(Array(text.prefix(512)), .whole).frameBytes > 512)
        #expect(try Self.carry(text, .never).frameBytes > text.count)
    }

    @Test("bulk is compressed on slow paths only")
    func compressionByKind() {
        #expect(OutgoingMessage.compression(for: .metadata, roundTrip: nil) == .whole)
        #expect(OutgoingMessage.compression(for: .bulk, roundTrip: nil) == .never)
        #expect(OutgoingMessage.compression(for: .bulk, roundTrip: .microseconds(80)) == .never)
        #expect(OutgoingMessage.compression(for: .bulk, roundTrip: .milliseconds(20)) == .sampled)
    }

    @Test("a message above the limit is refused before it is sent")
    func tooLong() {
        #expect(throws: STOQError.self) {
            try OutgoingMessage(Array(repeating: 0, count: STOQLimits.messageCeiling + 1), compression: .never)
        }
    }

    /// A message that claims to be a zstd frame for `plain` bytes.
    private static func receive(frame: [UInt8], plain: UInt32) throws -> STOQMessage {
        var pair = Pair()
        pair.listener.receive(Raw.open(1) + Raw.begin(1, wire: UInt32(frame.count), plain: plain, flags: 3, frame))
        return try #require(pair.listener.messages[1]?.first)
    }

    /// A zstd frame by hand: `descriptor`, then what belongs to it, then one raw block of `block` bytes.
    private static func frame(_ header: [UInt8], block: Int) -> [UInt8] {
        [0x28, 0xB5, 0x2F, 0xFD] + header + Raw.little(UInt32(block << 3 | 1), 3) + Array(repeating: 65, count: block)
    }

    /// A zstd frame whose one block is `count` times the same byte.
    private static func bomb(_ count: Int) -> [UInt8] {
        // Single segment, content size of four bytes, one run-length block of up to 128 KiB each.
        var bytes: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0] + Raw.little(UInt32(count), 4)
        var left = count
        while left > 0 {
            let size = min(left, 128 << 10)
            left -= size
            bytes += Raw.little(UInt32(size << 3 | 2 | (left == 0 ? 1 : 0)), 3) + [65]
        }
        return bytes
    }

    @Test("frames of zstd made by hand are taken within the limits")
    func goodFrames() throws {
        let single = Self.frame([0x20, 20], block: 20)
        // Its lengths would be refused as not shorter, so it stands for a longer one here and is refused for its size.
        #expect(throws: ZstdError.wrongSize(declared: 20, expected: 100)) {
            try Self.receive(frame: single, plain: 100).decompressed(pool: nil)
        }
        let message = try Self.receive(frame: Self.bomb(1 << 20), plain: 1 << 20).decompressed(pool: nil)
        #expect(message.bytes == Array(repeating: 65, count: 1 << 20))
    }

    @Test("bombs, large windows, dictionaries, missing sizes, several frames and rubbish are refused by name")
    func badFrames() throws {
        func refusal(_ frame: [UInt8], plain: UInt32 = 4_000) throws -> ZstdError? {
            do throws(ZstdError) {
                _ = try Self.receiveOrFail(frame, plain).decompressed(pool: nil)
                return nil
            } catch {
                return error
            }
        }
        // It declares more than the message does, and 4 GiB.
        #expect(try refusal(Self.bomb(1 << 20)) == .wrongSize(declared: 1 << 20, expected: 4_000))
        // It declares what the message does, and unpacks to more.
        var liar = Self.bomb(100_000)
        liar.replaceSubrange(5..<9, with: Raw.little(4_000, 4))
        #expect(try refusal(liar) == .damaged)
        // A window of 2^21, with a content size of two bytes (3,744 + 256).
        #expect(
            try refusal(Self.frame([0x40, 11 << 3, 0xA0, 0x0E], block: 20)) == .windowTooLarge(bytes: 1 << 21))
        #expect(try refusal(Self.frame([0x41, 10 << 3, 1, 0xA0, 0x0E], block: 20)) == .dictionary)
        // No content size.
        #expect(
            try refusal(Self.frame([0x00, 10 << 3], block: 20)) == .wrongSize(declared: nil, expected: 4_000))
        #expect(try refusal(Self.bomb(4_000) + Self.bomb(4_000)) == .severalFrames)
        #expect(try refusal([0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]) == .damaged)
        #expect(try refusal([1]) == .damaged)
        #expect(try refusal(Array(Self.bomb(4_000).dropLast())) == .damaged)
        var generator = SplitMix64(test: "zstd", fallback: 20_261_121)
        for _ in 0..<2_000 {
            var frame = Self.bomb(4_000)
            for _ in 0..<3 {
                frame[Int.random(in: 4..<frame.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try refusal(frame)
        }
    }

    private static func receiveOrFail(_ frame: [UInt8], _ plain: UInt32) -> STOQMessage {
        (try? receive(frame: frame, plain: plain)) ?? STOQMessage([])
    }
}

/// A request of thousands of digests is shown by its name.
extension STOQRequest: CustomTestStringConvertible {
    package var testDescription: String { "\(name) of \(set ?? "no set")" }
}
