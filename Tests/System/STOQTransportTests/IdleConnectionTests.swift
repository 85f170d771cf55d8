import FleetCertificates
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import STOQ
import STOQTransport
import Testing

/// What connections cost that do nothing.
@Suite(.timeLimit(.minutes(3))) struct IdleConnectionTests {
    private static let connections = 1_000
    private static let atOnce = 20
    /// For both ends together: the peers of this test are in this process, too.
    private static let byteLimit = 100 << 20

    @Test("1,000 idle connections cost less than 100 MB, and each still answers")
    func memory() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { $0.connectionsPerPeer = Self.connections + 1 }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let peers = try IdlePeers(try lab.credentials(.agent, "m1"))
        // The first connections bring memory that is there once, whatever the number.
        var channels = try await peers.connect(Self.atOnce, to: bound)
        let before = try residentBytes()
        while channels.count < Self.connections {
            channels += try await peers.connect(Self.atOnce, to: bound)
        }
        try await eventually("all are ready") { origin.connections.count == Self.connections }
        let grown = try residentBytes() - before
        print("1,000 idle connections: \(grown >> 10) KiB for both ends, \((grown / Self.connections) >> 10) KiB each")
        // A sanitizer keeps notes of every byte.
        if getenv("FLEET_SANITIZED") == nil { #expect(grown < Self.byteLimit) }
        // One more peer is served beside them.
        let mirror = try lab.endpoint(.agent, "m2")
        _ = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        #expect(channels.allSatisfy { $0.isActive })
        await mirror.shutdown()
        for channel in channels { try? await channel.close().get() }
        try await eventually("all are forgotten") { origin.connections.isEmpty }
        await origin.shutdown()
    }
}

/// Makes connections that greet and then only answer pings, without the endpoint's code on their side.
private struct IdlePeers {
    private let context: NIOSSLContext

    init(_ credentials: HostCredentials) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["stoq/1"]
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
            .map { .certificate($0) }
        configuration.privateKey = .privateKey(
            try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem))
        context = try NIOSSLContext(configuration: configuration)
    }

    /// Makes `count` connections at once and waits until each has been greeted.
    func connect(_ count: Int, to bound: (host: String, port: Int)) async throws -> [any Channel] {
        try await withThrowingTaskGroup(of: (any Channel).self) { group in
            for _ in 0..<count {
                group.addTask { try await self.connect(to: bound) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func connect(to bound: (host: String, port: Int)) async throws -> any Channel {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let greeted = loop.makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { [context] channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([tls, IdlePeer(greeted)])
                }
            }
            .connect(host: bound.host, port: bound.port).get()
        try await greeted.futureResult.get()
        return channel
    }
}

/// The other end: a bare machine.
private final class IdlePeer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var machine: STOQConnectionMachine?
    private let greeted: EventLoopPromise<Void>
    private var now: STOQTime { STOQTime(nanoseconds: NIODeadline.now().uptimeNanoseconds) }

    init(_ greeted: EventLoopPromise<Void>) { self.greeted = greeted }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        machine = STOQConnectionMachine(side: .dialler, limits: STOQLimits(), pool: nil, now: now)
        _ = machine?.greet(STOQGreeting(fleet: "lab", name: "m1"), now: now)
        write(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let actions = buffer.withUnsafeReadableBytes { machine?.receive($0, now: now) ?? [] }
        for case .ready in actions { greeted.succeed() }
        write(context)
    }

    func channelInactive(context: ChannelHandlerContext) { greeted.fail(ChannelError.eof) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { greeted.fail(error) }

    private func write(_ context: ChannelHandlerContext) {
        while let frame = machine?.takeFrame(now: now) {
            var buffer = context.channel.allocator.buffer(capacity: frame.byteCount)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.byteCount) { frame.write(to: $0) }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
    }
}

/// The memory of this process that is in use now.
private func residentBytes() throws -> Int {
    let file = try #require(fopen("/proc/self/statm", "r"))
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    _ = try #require(fgets(&line, Int32(line.count), file))
    let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
        separator: " ")
    return try #require(Int(fields[1])) * sysconf(Int32(_SC_PAGESIZE))
}
