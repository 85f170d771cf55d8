import FleetCertificates
import Logging
import NIOCore
import NIOPosix
import STOQTransport

/// The answering end: an endpoint of STOQ, and NIO with TLS alone.
enum StreamServer {
    /// Listens at `address` with the certificates in `folder`. The ports are those of STOQ and of the bare channel.
    static func start(
        _ options: BenchmarkOptions, _ folder: String, _ address: String
    ) async throws -> BenchmarkServer {
        let credentials = try StreamFolder(path: folder).credentials(of: StreamFolder.origin)
        let service = MemoryService(content: MemoryContent(options.input), name: StreamFolder.origin)
        let endpoint = try STOQEndpoint(
            settings: STOQSettings(credentials: credentials), service: service, logger: logger())
        let bound = try await endpoint.listen(host: address, port: 0)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let bare = try await BareChannels.listen(group, at: address, sending: options.input, as: credentials)
        return BenchmarkServer(ports: [bound.port, bare.localAddress?.port ?? 0]) {
            await endpoint.shutdown()
            try? await group.shutdownGracefully()
        }
    }

    /// Says only what went wrong.
    static func logger() -> Logger {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        return logger
    }
}
