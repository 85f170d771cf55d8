import FleetCertificates
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import STOQ
import STOQTransport
import Testing

/// Who gets in, and who does not.
@Suite(.timeLimit(.minutes(2))) struct HandshakeTests {
    private static func dial(
        _ endpoint: STOQEndpoint, _ name: String, _ role: FleetRole?, _ bound: (host: String, port: Int)
    ) async -> STOQError? {
        await failure { _ = try await endpoint.connection(to: name, role: role, host: bound.host, port: bound.port) }
    }

    @Test("a certificate of another authority is refused by both sides")
    func otherAuthority() async throws {
        let lab = try Lab()
        let stranger = try Lab()
        let origin = try lab.endpoint(.origin, "origin")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let error = await Self.dial(try stranger.endpoint(.agent, "m1"), "origin", nil, bound)
        #expect(error?.code == .handshake)
        #expect(origin.connections.isEmpty)
        await origin.shutdown()
    }

    @Test("a peer with another name or role than expected is refused, and so is a coordinator")
    func otherIdentity() async throws {
        let lab = try Lab()
        let m2 = try lab.endpoint(.agent, "m2")
        let bound = try await m2.listen(host: "127.0.0.1", port: 0)
        let mirror = try lab.endpoint(.agent, "m1")
        #expect(await Self.dial(mirror, "m3", nil, bound)?.code == .wrongPeer)
        #expect(await Self.dial(mirror, "m2", .origin, bound)?.code == .wrongPeer)
        #expect(await Self.dial(mirror, "m2", .agent, bound) == nil)
        let coordinator = try lab.endpoint(.coordinator, "c1")
        #expect(await Self.dial(coordinator, "m2", nil, bound) != nil)
        await mirror.shutdown()
        await m2.shutdown()
    }

    /// What a client of NIOSSL with these settings comes to: true if the handshake and the first read went well.
    private static func connects(
        _ bound: (host: String, port: Int), _ change: (inout TLSConfiguration) -> Void
    ) async throws -> Bool {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["stoq/1"]
        change(&configuration)
        let context = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let outcome = loop.makePromise(of: Bool.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([tls, FirstBytes(outcome)])
                }
            }
            .connect(host: bound.host, port: bound.port).get()
        let isConnected = try await outcome.futureResult.get()
        try? await channel.close().get()
        return isConnected
    }

    private static func certify(_ configuration: inout TLSConfiguration, _ credentials: HostCredentials) throws {
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
            .map { .certificate($0) }
        configuration.privateKey = .privateKey(
            try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem))
    }

    @Test("classical groups, older TLS, another protocol, and no certificate each fail; all of them right succeeds")
    func tlsPolicy() async throws {
        let lab = try Lab()
        let credentials = try lab.credentials(.agent, "m1")
        let origin = try lab.endpoint(.origin, "origin")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        #expect(try await Self.connects(bound) { try? Self.certify(&$0, credentials) })
        #expect(
            try await !Self.connects(bound) {
                try? Self.certify(&$0, credentials)
                $0.curves = [.x25519, .secp256r1, .secp384r1]
            })
        #expect(
            try await !Self.connects(bound) {
                try? Self.certify(&$0, credentials)
                $0.maximumTLSVersion = .tlsv12
            })
        #expect(
            try await !Self.connects(bound) {
                try? Self.certify(&$0, credentials)
                $0.applicationProtocols = ["h2"]
            })
        #expect(try await !Self.connects(bound) { _ in })
        await origin.shutdown()
    }

    @Test("where classical groups are allowed, what is told is what was negotiated")
    func groupIsRead() async throws {
        let lab = try Lab()
        let credentials = try lab.credentials(.agent, "m1")
        let origin = try lab.endpoint(.origin, "origin") { $0.keyExchange = .any }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        #expect(
            try await Self.connects(bound) {
                try? Self.certify(&$0, credentials)
                $0.curves = [.x25519]
            })
        // The same endpoints by themselves agree on the hybrid one, with or without a retry of the client.
        let mirror = try lab.endpoint(.agent, "m2") { $0.keyExchange = .any }
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        #expect(connection.negotiatedGroup == "X25519MLKEM768")
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a host that requires ML-KEM-1024 gets it from every other", arguments: [true, false], [true, false])
    func mlkem1024(isRequiredHere: Bool, isRequiredThere: Bool) async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { if isRequiredThere { $0.keyExchange = .mlkem1024 } }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let mirror = try lab.endpoint(.agent, "m1") { if isRequiredHere { $0.keyExchange = .mlkem1024 } }
        let connection = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        #expect(connection.negotiatedGroup == (isRequiredHere || isRequiredThere ? "MLKEM1024" : "X25519MLKEM768"))
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a host that requires ML-KEM-1024 refuses one that has only the hybrid group, and says why")
    func mlkem1024IsMissing() async throws {
        let lab = try Lab()
        let credentials = try lab.credentials(.agent, "m1")
        let origin = try lab.endpoint(.origin, "origin") { $0.keyExchange = .mlkem1024 }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        for curves in [[NIOTLSCurve.x25519_MLKEM768], [.x25519]] {
            #expect(
                try await !Self.connects(bound) {
                    try? Self.certify(&$0, credentials)
                    $0.curves = curves
                })
        }
        let classical = try lab.endpoint(.agent, "m2") { $0.keyExchange = .any }
        #expect(await Self.dial(classical, "origin", nil, bound)?.code == .handshake)
        await classical.shutdown()
        await origin.shutdown()
        let either = try lab.endpoint(.origin, "origin") { $0.keyExchange = .any }
        let there = try await either.listen(host: "127.0.0.1", port: 0)
        let strict = try lab.endpoint(.agent, "m1") { $0.keyExchange = .mlkem1024 }
        let error = await Self.dial(strict, "origin", nil, there)
        #expect(error?.code == .handshake)
        #expect(error?.reason.hasPrefix("no group of the key exchange in common, this side takes MLKEM1024") == true)
        await strict.shutdown()
        await either.shutdown()
        #expect(
            KeyExchange.mlkem1024.refusal(of: "X25519MLKEM768")
                == "the key exchange is X25519MLKEM768, and MLKEM1024 is required")
    }

    @Test("openssl s_client, which offers only classical groups, is refused")
    func opensslIsRefused() async throws {
        let lab = try Lab()
        let credentials = try lab.credentials(.agent, "m1")
        let origin = try lab.endpoint(.origin, "origin")
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "s_client", "-connect", "127.0.0.1:\(bound.port)", "-tls1_3", "-groups", "X25519", "-alpn",
            "stoq/1", "-cert", credentials.certificatePath, "-key", credentials.keyPath,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus != 0)
        #expect(text.contains("alert handshake failure"), "\(text)")
        await origin.shutdown()
    }

    @Test("connections that send rubbish, or nothing, are closed, and good peers still get in")
    func rubbish() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { $0.handshakeTimeout = .milliseconds(300) }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        var channels: [any Channel] = []
        for index in 0..<40 {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: bound.host, port: bound.port).get()
            if index % 2 == 0 {
                let bytes = ByteBuffer(repeating: UInt8(index), count: 1_000)
                try? await channel.writeAndFlush(bytes).get()
            }
            channels.append(channel)
        }
        for channel in channels { try await channel.closeFuture.get() }
        let mirror = try lab.endpoint(.agent, "m1")
        #expect(await Self.dial(mirror, "origin", nil, bound) == nil)
        await mirror.shutdown()
        await origin.shutdown()
    }

    /// Says `bytes` one at a time; after how long the other side closed, and how many were said by then.
    private static func trickle(
        _ bytes: [UInt8], on channel: any Channel
    ) async throws -> (lasted: Duration, said: Int) {
        let began = ContinuousClock.now
        var said = 0
        // A byte at a time is what the test is about, not a wait; the deadline would begin anew with each if it could.
        while channel.isActive, said < bytes.count {
            try? await channel.writeAndFlush(ByteBuffer(bytes: [bytes[said]])).get()
            said += 1
            try await Task.sleep(for: .milliseconds(20))
        }
        try await channel.closeFuture.get()
        return (ContinuousClock.now - began, said)
    }

    @Test("one deadline is for TLS and greeting together, however often a peer says a byte; good peers go on")
    func trickle() async throws {
        let deadline = Duration.milliseconds(800)
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { $0.handshakeTimeout = deadline }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let mirror = try lab.endpoint(.agent, "m1")
        let good = try await mirror.connection(to: "origin", role: nil, host: bound.host, port: bound.port)
        // How a ClientHello begins that is longer than what is ever said of it.
        let hello: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + Array(repeating: 7, count: 500)
        let inTLS = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: bound.host, port: bound.port).get()
        // How a HELLO begins that is longer, too, after a handshake with a certificate of the fleet.
        let frame: [UInt8] =
            [1, 0, 0, 0, 0, 0, 0, 0, 0xE8, 3, 0, 0] + Array("STOQ".utf8) + Array(repeating: 0, count: 990)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["stoq/1"]
        try Self.certify(&configuration, try lab.credentials(.agent, "m2"))
        let context = try NIOSSLContext(configuration: configuration)
        let inGreeting = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: bound.host, port: bound.port).get()
        async let first = Self.trickle(hello, on: inTLS)
        async let second = Self.trickle(frame, on: inGreeting)
        let stream = try await good.open(.release(set: "debian", sequence: 1), kind: .metadata)
        try await stream.finish()
        #expect(try await stream.next() != nil)
        for (lasted, said) in try await [first, second] {
            #expect(lasted > deadline - .milliseconds(100) && lasted < deadline + .seconds(5), "\(lasted)")
            #expect(said > 10, "it was closed before the deadline")
        }
        #expect(good.isOpen)
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("beyond the limit of handshakes the oldest makes way, so a good peer gets in at the first attempt")
    func handshakeLimit() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") {
            $0.handshakeLimit = 3
            $0.handshakeTimeout = .seconds(60)
        }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        var channels: [any Channel] = []
        for _ in 0..<10 {
            channels.append(
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: bound.host, port: bound.port).get())
        }
        try await eventually("seven made way") { channels.count { !$0.isActive } == 7 }
        let mirror = try lab.endpoint(.agent, "m1")
        #expect(await Self.dial(mirror, "origin", nil, bound) == nil)
        try await eventually("one more made way") { channels.count { !$0.isActive } == 8 }
        for channel in channels { try? await channel.close().get() }
        await mirror.shutdown()
        await origin.shutdown()
    }

    @Test("a peer beyond its number of connections is told that it has too many, until one of them ends")
    func connectionsPerPeer() async throws {
        let lab = try Lab()
        let origin = try lab.endpoint(.origin, "origin") { $0.connectionsPerPeer = 2 }
        let bound = try await origin.listen(host: "127.0.0.1", port: 0)
        let twins = try (0..<3).map { _ in try lab.endpoint(.agent, "m1") }
        #expect(await Self.dial(twins[0], "origin", nil, bound) == nil)
        #expect(await Self.dial(twins[1], "origin", nil, bound) == nil)
        let refused = await Self.dial(twins[2], "origin", nil, bound)
        #expect(refused?.code == .busy, "\(refused.map { "\($0)" } ?? "it got in")")
        let other = try lab.endpoint(.agent, "m2")
        #expect(await Self.dial(other, "origin", nil, bound) == nil)
        await twins[0].shutdown()
        try await eventually("the place is free") { origin.connections.count == 2 }
        #expect(await Self.dial(twins[2], "origin", nil, bound) == nil)
        for endpoint in twins + [other, origin] { await endpoint.shutdown() }
    }

    @Test("a ServerHello is read wherever it is cut, and rubbish is none")
    func keyShare() {
        let share: [UInt8] = [0, 43, 0, 2, 3, 4, 0, 51, 0, 6, 0x11, 0xEC, 0, 2, 9, 9]
        let body: [UInt8] = [3, 3] + Array(repeating: 7, count: 32) + [0, 0x13, 1, 0, 0, UInt8(share.count)] + share
        let message: [UInt8] = [2, 0, 0, UInt8(body.count)] + body
        let record: [UInt8] = [22, 3, 3, 0, UInt8(message.count)] + message
        var reader = KeyShareReader()
        for byte in record { reader.take([byte]) }
        #expect(reader.outcome == .group(0x11EC))
        #expect(KeyShareReader.name(of: 0x11EC) == "X25519MLKEM768")
        for index in record.indices {
            for value in [UInt8(0), 1, 0x7F, 0xFF] {
                var bad = record
                bad[index] = value
                var reader = KeyShareReader()
                reader.take(bad)
                reader.take(Array(repeating: 0, count: 9_000))
                #expect(reader.outcome != .unfinished)
            }
        }
    }
}

/// Tells whether a byte came before the connection ended.
private final class FirstBytes: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let outcome: EventLoopPromise<Bool>

    init(_ outcome: EventLoopPromise<Bool>) { self.outcome = outcome }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { outcome.succeed(true) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { outcome.succeed(false) }
    func channelInactive(context: ChannelHandlerContext) { outcome.succeed(false) }
}
