import AsyncHTTPClient
import CoordinatorService
import FleetAPI
import FleetModel
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// Peers that break the rules below the API: the client of FleetAPI would not send any of this.
@Suite("Hostile clients")
struct HostileClientTests {
    private let fleet: TestFleet

    init() throws {
        fleet = try TestFleet()
    }

    private func status(
        _ client: HTTPClient, _ request: HTTPClientRequest, timeout: TimeAmount = .seconds(20)
    ) async throws -> UInt {
        let response = try await client.execute(request, timeout: timeout)
        _ = try await response.body.collect(upTo: 1 << 20)
        return response.status.code
    }

    @Test("Who has no certificate may know the authority and try to join, and hears 401 of everything else")
    func noCertificate() async throws {
        try await withCoordinator(fleet) { address in
            for route in Route.allCases {
                var request = HTTPClientRequest(url: "https://\(address)\(route.path)")
                request.method = .RAW(value: route.method)
                let answer = try await withBareClient(nil) { [request] in try await status($0, request) }
                switch route {
                case .authority: #expect(answer == 200)
                case .join: #expect(answer == 400)
                default: #expect(answer == 401, "\(route)")
                }
            }
            let unknown = HTTPClientRequest(url: "https://\(address)/v1/nothing")
            #expect(try await withBareClient(nil) { try await status($0, unknown) } == 401)
        }
    }

    @Test("A classical key exchange is refused, whatever the certificate; the hybrid one is taken")
    func classicalKeyExchange() async throws {
        let host = try fleet.host("operator", "alice")
        try await withCoordinator(fleet) { address in
            let request = HTTPClientRequest(url: "https://\(address)/v1/health")
            await #expect(throws: (any Error).self) {
                try await withBareClient(host, curves: [.x25519, .secp256r1]) { try await status($0, request) }
            }
            let hybrid = try await withBareClient(host) { try await status($0, request) }
            #expect(hybrid == 200)
        }
    }

    @Test("Unknown paths and methods, bad queries and bodies that are no JSON are refused with a reason")
    func malformedRequests() async throws {
        let host = try fleet.host("operator", "alice")
        let agent = try fleet.host("agent", "m1")
        try await withCoordinator(fleet) { address in
            try await withBareClient(host) { client in
                for (path, expected) in [
                    ("/", 404), ("/v2/health", 404), ("/v1/plans/x", 404), ("/v1/plans/1.-1", 404),
                    ("/v1/status?after=x", 400), ("/v1/status?after=1&wait=-1", 400), ("/v1/releases/debian/x", 404),
                    ("/v1/releases/%2e%2e/1", 404), ("/v1/status?after=99999999999999999999999", 400),
                ] as [(String, UInt)] {
                    let request = HTTPClientRequest(url: "https://\(address)\(path)")
                    let code = try await status(client, request)
                    #expect(code == expected, "GET \(path)")
                }
                var delete = HTTPClientRequest(url: "https://\(address)/v1/plans")
                delete.method = .DELETE
                let code = try await status(client, delete)
                #expect(code >= 400)
                for body in ["", "{", "[]", "null", #"{"dryRun":1}"#, #"{"dryRun":true}"#] {
                    var post = HTTPClientRequest(url: "https://\(address)/v1/plans")
                    post.method = .POST
                    post.body = .bytes(ByteBuffer(string: body))
                    let code = try await status(client, post)
                    #expect(code == 400, "body \(body)")
                }
            }
            try await withBareClient(agent) { client in
                let request = HTTPClientRequest(url: "https://\(address)/v1/assignments?after=1")
                let code = try await status(client, request)
                #expect(code == 400)
            }
        }
    }

    @Test("Header fields above the limit end the connection, and others are answered as before")
    func largeHeader() async throws {
        let host = try fleet.host("operator", "alice")
        try await withCoordinator(fleet) { address in
            var request = HTTPClientRequest(url: "https://\(address)/v1/health")
            request.headers.add(name: "x-padding", value: String(repeating: "x", count: 100_000))
            let outcome = try? await withBareClient(host) { client in try await status(client, request) }
            #expect(outcome ?? 400 >= 400)
            let health = try await host.client(fleet, address).health()
            #expect(health.fleet == "lab")
        }
    }

    @Test("A body without end is refused at the limit, also when its length is not told")
    func endlessBody() async throws {
        let agent = try fleet.host("agent", "m1")
        var limits = CoordinatorLimits()
        limits.reportBytes = 100_000
        let reportBytes = limits.reportBytes
        try await withCoordinator(fleet, limits: limits) { address in
            let sent = Mutex(0)
            let body = AsyncStream<ByteBuffer> {
                sent.withLock { $0 += 1 }
                return Task.isCancelled ? nil : ByteBuffer(repeating: 0x20, count: 10_000)
            }
            var request = HTTPClientRequest(url: "https://\(address)/v1/reports")
            request.method = .POST
            request.body = .stream(body, length: .unknown)
            let endless = request
            let outcome = try? await withBareClient(agent) { client in try await status(client, endless) }
            #expect(outcome ?? 413 == 413)
            // Beyond the limit only what the kernel takes for a reader that does not read is sent in vain, whatever the
            // speed of the machine: the largest buffers of both sides, each of which it may double.
            let buffered = try 2 * (kernelBytes("tcp_wmem", at: 2) + kernelBytes("tcp_rmem", at: 2))
            #expect(sent.withLock { $0 } * 10_000 < reportBytes + buffered + (1 << 20))
            let health = try await agent.client(fleet, address).health()
            #expect(health.fleet == "lab")
        }
    }

    /// The least, usual or most bytes (`place` 0, 1, 2) that the kernel holds for a socket by `setting`.
    private func kernelBytes(_ setting: String, at place: Int) throws -> Int {
        let text = try String(contentsOfFile: "/proc/sys/net/ipv4/\(setting)", encoding: .utf8)
        let values = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(values.count == 3)
        return values[place]
    }

    @Test("A body that does not arrive is given up at its deadline", .timeLimit(.minutes(5)))
    func stalledBody() async throws {
        let agent = try fleet.host("agent", "m1")
        var limits = CoordinatorLimits()
        limits.bodyDeadline = .milliseconds(100)
        try await withCoordinator(fleet, limits: limits) { address in
            let (body, source) = AsyncStream.makeStream(of: ByteBuffer.self)
            source.yield(ByteBuffer(string: "{"))
            var request = HTTPClientRequest(url: "https://\(address)/v1/reports")
            request.method = .POST
            request.body = .stream(body, length: .unknown)
            let stalled = request
            // The client would wait until tomorrow: that it hears anything is the coordinator's doing.
            let outcome = try? await withBareClient(agent) { client in
                try await status(client, stalled, timeout: .hours(24))
            }
            source.finish()
            #expect(outcome ?? 408 == 408)
        }
    }

    @Test("Who asks and asks and takes no answer loses its connection", .timeLimit(.minutes(5)))
    func deafClient() async throws {
        let person = try fleet.host("operator", "alice")
        var limits = CoordinatorLimits()
        limits.connections = 1
        limits.answerDeadline = .milliseconds(200)
        try await withCoordinator(fleet, limits: limits) { address in
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.curves = [.x25519_MLKEM768]
            tls.certificateVerification = .none
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(person.certificate).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: person.key, format: .pem))
            let context = try NIOSSLContext(configuration: tls)
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                        try channel.pipeline.syncOperations.addHandler(OneAnswer())
                    }
                }.connect(host: address.host, port: address.port).get()
            // Some 20 MB of answers, more than kernels keep for a connection.
            let request = "GET /v1/fleet HTTP/1.1\r\nhost: c\r\n\r\n"
            let requests = ByteBuffer(string: String(repeating: request, count: 20_000))
            channel.writeAndFlush(requests, promise: nil)
            // There is room for one connection: this one is answered only if the other was ended.
            _ = try await person.client(fleet, address).health()
            try? await channel.close()
        }
    }

    @Test("A mirror whose connection ends while it polls is not waited for", .timeLimit(.minutes(5)))
    func killedAgent() async throws {
        let agent = try fleet.host("agent", "m1")
        let person = try fleet.host("operator", "alice")
        // Whoever is waited for is waited for until tomorrow, longer than the operator's client waits for an answer.
        let wait = Duration.seconds(86_400)
        var limits = CoordinatorLimits()
        limits.longestWait = wait
        limits.longestRefresh = wait
        try await withCoordinator(fleet, limits: limits) { address in
            let polls = try agent.client(fleet, address)
            _ = try await polls.submit(report: agent.sign(fleet.report("m1", number: 1)))
            let first = try await polls.assignments(after: nil, reports: nil, wait: .zero)
            let (ends, source) = AsyncStream.makeStream(of: Void.self)
            let open = (0..<2).map { _ in
                Task {
                    _ = try? await polls.assignments(after: nil, reports: first.reportNow, wait: wait)
                    source.yield()
                }
            }
            // Once one is answered the other is known to be open; cancelling it closes its connection.
            _ = await ends.first { _ in true }
            for poll in open { poll.cancel() }
            let answer = try await person.client(fleet, address).makePlan(PlanOrder(refreshSeconds: 86_400))
            #expect(answer.unanswered.contains("m1"))
        }
    }

    @Test("Polls of status above the limit are told to come back")
    func tooManyPolls() async throws {
        let person = try fleet.host("operator", "alice")
        var limits = CoordinatorLimits()
        limits.statusPolls = 0
        try await withCoordinator(fleet, limits: limits) { address in
            let client = try person.client(fleet, address)
            let change = try await client.status().change
            let error = await #expect(throws: APIError.self) {
                try await client.status(after: change, wait: .seconds(60))
            }
            #expect(error?.exitCode == 5)
        }
    }
}

/// Takes the first bytes of an answer, and no more.
private final class OneAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }
}
