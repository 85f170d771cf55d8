import Content
import FleetCertificates
import Hashing
import STOQ
import STOQTransport

/// The input, cut as content is: what a request names, and what an answer must have.
struct MemoryContent: Sendable {
    /// A chunk of the usual size.
    private static let pieceBytes = 256 << 10
    /// An urgent answer.
    private static let newsBytes = 4 << 10

    let bytes: [UInt8]
    let digests: [ChunkDigest]
    private let places: [ChunkDigest: Range<Int>]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let ranges = stride(from: 0, to: bytes.count, by: Self.pieceBytes).map {
            $0..<min($0 + Self.pieceBytes, bytes.count)
        }
        digests = bytes.withUnsafeBytes { buffer in
            BLAKE3.hashMany(ranges.map { UnsafeRawBufferPointer(rebasing: buffer[$0]) }).map { ChunkDigest($0) }
        }
        places = Dictionary(zip(digests, ranges)) { first, _ in first }
    }

    /// Where a chunk is.
    func place(of digest: ChunkDigest) -> Range<Int>? { places[digest] }

    var news: [UInt8] { Array(bytes.prefix(Self.newsBytes)) }
}

/// Answers as an agent does, in messages of the same sizes, but from memory.
struct MemoryService: STOQService {
    private static let answerByteLimit = 1 << 20

    let content: MemoryContent
    let name: String

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: "bench", name: name) }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        switch request {
        case .chunks(_, let digests): try await send(digests, on: stream)
        case .yanks:
            var answer = STOQAnswer.Builder()
            answer.add(0, content.news[...])
            try await stream.send(answer.take())
        default: throw STOQError(.unsupported, "only chunks and lists of yanked paths are here")
        }
    }

    private func send(_ digests: [ChunkDigest], on stream: STOQStream) async throws {
        var answer = STOQAnswer.Builder(byteLimit: Self.answerByteLimit, pool: stream.pool)
        for (index, digest) in digests.enumerated() {
            guard let place = content.place(of: digest) else {
                answer.addAbsent(index)
                continue
            }
            if !answer.isEmpty, answer.room < place.count { try await stream.send(answer.take()) }
            answer.expect(Self.answerByteLimit)
            answer.add(index, count: place.count) { buffer in
                content.bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[place])) }
            }
        }
        if !answer.isEmpty { try await stream.send(answer.take()) }
    }
}
