import Content
import FleetCertificates
import Hashing
import NIOCore
import NIOPosix
import STOQ
import STOQTransport
import Synchronization

/// The asking end of a benchmark, with its connections to the other one.
final class StreamEnds: Sendable {
    /// What came is not what was asked for.
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    let content: MemoryContent
    let clock: ProcessesClock
    /// The connection that carries bulk, and one of another host.
    let connection: STOQConnection
    let otherConnection: STOQConnection
    private let bare: any Channel
    private let endpoints: [STOQEndpoint]
    private let group: MultiThreadedEventLoopGroup

    /// Runs `body` with both ends ready; both are gone afterwards.
    static func with<Result>(
        _ options: BenchmarkOptions, _ body: (StreamEnds) async throws -> Result
    ) async throws -> Result {
        let folder = try StreamFolder()
        defer { folder.remove() }
        let address = options.otherEnd.address
        guard let command = options.otherEnd.command else {
            let server = try await StreamServer.start(options, folder.path, address)
            let outcome = await outcome { try await run(options, folder, server.ports, nil, body) }
            await server.stop()
            return try outcome.get()
        }
        let server = try ServingProcess(command + ["--serve", folder.path, "--address", address])
        defer { server.stop() }
        return try await run(options, folder, server.ports, server.pid, body)
    }

    private static func run<Result>(
        _ options: BenchmarkOptions, _ folder: StreamFolder, _ ports: [Int], _ process: Int32?,
        _ body: (StreamEnds) async throws -> Result
    ) async throws -> Result {
        let ends = try await StreamEnds(options, folder, ports, process)
        let outcome = await outcome { try await body(ends) }
        await ends.close()
        return try outcome.get()
    }

    private static func outcome<Value>(
        _ body: () async throws -> Value
    ) async -> Swift.Result<Value, any Error> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    private init(
        _ options: BenchmarkOptions, _ folder: StreamFolder, _ ports: [Int], _ process: Int32?
    ) async throws {
        guard ports.count == 2 else { throw ServingProcess.Failure(description: "\(ports.count) ports") }
        content = MemoryContent(options.input)
        clock = ProcessesClock(and: process)
        let address = options.otherEnd.address
        var endpoints: [STOQEndpoint] = []
        var connections: [STOQConnection] = []
        for name in [StreamFolder.mirror, StreamFolder.otherMirror] {
            let endpoint = try STOQEndpoint(
                settings: STOQSettings(credentials: try folder.credentials(of: name)),
                service: MemoryService(content: MemoryContent([]), name: name), logger: StreamServer.logger())
            connections.append(
                try await endpoint.connection(
                    to: StreamFolder.origin, role: .origin, host: address, port: ports[0]))
            endpoints.append(endpoint)
        }
        (connection, otherConnection) = (connections[0], connections[1])
        self.endpoints = endpoints
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        bare = try await BareChannels.connect(
            group, to: address, ports[1], as: folder.credentials(of: StreamFolder.mirror))
    }

    private func close() async {
        for endpoint in endpoints { await endpoint.shutdown() }
        try? await bare.close().get()
        try? await group.shutdownGracefully()
    }

    // MARK: - Asking

    /// Asks for chunks in one request, as an agent does, and takes all messages of the answer. With `checks` every chunk is
    /// hashed.
    @concurrent func receive(_ chunks: some Collection<Int> & Sendable, checks: Bool) async throws {
        let digests = chunks.map { content.digests[$0 % content.digests.count] }
        let stream = try await connection.open(.chunks(set: "memory", digests), kind: .bulk, isWhole: true)
        var count = 0
        while let message = try await stream.next() {
            let answer = try STOQAnswer(message)
            count += answer.items.count
            guard checks else { continue }
            for item in answer.items {
                let digest = message.withUnsafeBytes {
                    BLAKE3.hash(UnsafeRawBufferPointer(rebasing: $0[item.range]))
                }
                guard digest == digests[item.index].raw else {
                    throw Mismatch(description: "chunk \(item.index) is another one")
                }
            }
        }
        guard count == digests.count else { throw Mismatch(description: "\(count) chunks of \(digests.count)") }
    }

    /// The same in requests of 1 MiB, so many under way at once as a swarm has at one source that is fast, while `next`
    /// gives the number of one more.
    @concurrent func receiveInRequests(checks: Bool, _ next: @escaping @Sendable () -> Int?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.requestsAtOnce {
                group.addTask {
                    while let number = next() {
                        let start = number * Self.chunksInRequest
                        try await self.receive(start..<start + Self.chunksInRequest, checks: checks)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// `SwarmSettings.requestsPerSource`, and `joinedBytes` in chunks of 256 KiB.
    static let requestsAtOnce = 32
    static let chunksInRequest = 4

    /// Takes as many bytes from the bare channel.
    @concurrent func receiveBare(_ count: Int, checks: Bool) async throws {
        let digest = try await BareChannels.receive(count, hashing: checks, from: bare)
        guard checks else { return }
        var hasher = BLAKE3.Hasher()
        for start in stride(from: 0, to: count, by: content.bytes.count) {
            content.bytes.withUnsafeBytes {
                hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<min(count - start, $0.count)]))
            }
        }
        guard digest == hasher.finalize() else {
            throw Mismatch(description: "the bare channel brought something else")
        }
    }

    /// Asks for something small and urgent, and waits for the answer.
    @concurrent func askForNews(on connection: STOQConnection) async throws {
        let stream = try await connection.open(.yanks(set: "memory"), kind: .interactive, isWhole: true)
        var news: [UInt8] = []
        while let message = try await stream.next() {
            let answer = try STOQAnswer(message)
            for item in answer.items { news += message.bytes[item.range] }
        }
        guard news == content.news else { throw Mismatch(description: "\(news.count) bytes of news") }
    }
}
