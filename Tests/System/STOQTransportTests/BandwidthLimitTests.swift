import Content
import FleetCertificates
import Hashing
import STOQ
import STOQTransport
import TestSupport
import Testing

/// Answers `chunks` with as many messages of a mebibyte as digests, which nothing makes shorter, and others with a word.
private struct NoiseService: STOQService {
    private static let noise: [UInt8] = {
        var random = SplitMix64(seed: 1)
        return random.bytes(1 << 20)
    }()

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: "lab", name: "noise") }
    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        guard case .chunks(_, let digests) = request else { return try await stream.send([1]) }
        for _ in digests { try await stream.send(Self.noise) }
    }
}

@Suite("Limits of bandwidth hold for an endpoint as a whole", .timeLimit(.minutes(2)), .serialized)
struct BandwidthLimitTests {
    private static let chunk = ChunkDigest(BLAKE3.hash([]))
    private static let mebibyte = 1 << 20

    /// Receives so many MiB of bulk; how long it took.
    private func fetch(_ mebibytes: Int, _ connection: STOQConnection, set: String = "iso") async throws -> Duration {
        let began = ContinuousClock.now
        let stream = try await connection.open(
            .chunks(set: set, Array(repeating: Self.chunk, count: mebibytes)), kind: .bulk)
        try await stream.finish()
        var received = 0
        while let message = try await stream.next() { received += message.byteCount }
        #expect(received == mebibytes * Self.mebibyte)
        return ContinuousClock.now - began
    }

    private func withPair(_ body: (STOQEndpoint, STOQEndpoint, STOQConnection) async throws -> Void) async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin", NoiseService())
        let mirror = try lab.endpoint(.agent, "m1")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        try await body(origin, mirror, connection)
        await mirror.shutdown()
        await origin.shutdown()
    }

    /// 8 MiB at 8 MB/s take 1.05 s, less a burst and the last message; others that use the machine make it longer, never
    /// shorter.
    private func expectLimited(_ took: Duration) {
        #expect(took > .milliseconds(900), "\(took)")
        #expect(took < .seconds(5), "\(took)")
    }

    @Test("What is sent takes the time that the limit wants, and an urgent answer does not wait")
    func sending() async throws {
        try await withPair { origin, _, connection in
            origin.setLimits(up: 8_000_000, down: nil)
            async let took = fetch(8, connection)
            let began = ContinuousClock.now
            let stream = try await connection.open(.yanks(set: "iso"), kind: .interactive)
            try await stream.finish()
            while try await stream.next() != nil {}
            #expect(ContinuousClock.now - began < .milliseconds(500))
            expectLimited(try await took)
        }
    }

    @Test("Content is refused where nothing waits, so that nobody gets it past a limit")
    func urgentContent() async throws {
        try await withPair { _, _, connection in
            for kind in [StreamKind.interactive, .control] {
                let stream = try await connection.open(.chunks(set: "iso", [Self.chunk]), kind: kind)
                let error = await #expect(throws: STOQError.self) { try await stream.next() }
                #expect(error?.code == .notAllowed && error?.origin == .peer)
            }
            _ = try await fetch(1, connection)
        }
    }

    @Test("What is received is handed on within the limit, every time anew")
    func receiving() async throws {
        try await withPair { _, mirror, connection in
            mirror.setLimits(up: nil, down: 8_000_000)
            for _ in 0..<2 { expectLimited(try await fetch(8, connection)) }
            // Many short answers, too, of which none fills a window.
            let began = ContinuousClock.now
            for _ in 0..<8 { _ = try await fetch(1, connection) }
            expectLimited(ContinuousClock.now - began)
        }
    }

    @Test("Nothing goes while transfers pause, and all of it when they go on")
    func pausing() async throws {
        try await withPair { origin, _, connection in
            origin.setLimits(up: 0, down: nil)
            async let took = fetch(8, connection)
            // The pause is the input of this test.
            try await Task.sleep(for: .milliseconds(500))
            let sent = origin.traffic.sent
            #expect(sent < 100_000)
            origin.setLimits(up: nil, down: nil)
            #expect(try await took >= .milliseconds(490))
            origin.setLimits(up: 8_000_000, down: nil)
            expectLimited(try await fetch(8, connection))
        }
    }

    @Test("A set with more weight is done first, and the other after it within the time of both")
    func weights() async throws {
        try await withPair { origin, mirror, connection in
            origin.setLimits(up: 2_000_000, down: nil, weights: ["security": 8])
            let began = ContinuousClock.now
            async let slow = fetch(1, connection, set: "iso")
            async let fast = fetch(1, connection, set: "security")
            let (first, last) = try await (fast, slow)
            // 9/8 of the time that one alone takes, and the time of both.
            #expect(first < last * 0.8, "\(first) \(last)")
            expectLimited(ContinuousClock.now - began)
        }
    }
}
