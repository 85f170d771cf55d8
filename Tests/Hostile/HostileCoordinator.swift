import ArgumentParser
import Dispatch
import FleetCertificates
import LinuxIO
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A coordinator that answers whatever stands in a folder: the file `assignments` (else the poll waits), `reports`,
/// `metadata`. A file's first line is the status; the rest is the body.
struct HostileCoordinator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "coordinator", abstract: "Answers from files.")

    @OptionGroup var host: StolenHost
    @Option(help: "The folder of answers.") var folder: String

    func run() async throws {
        let credentials = try host.credentials()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(credentials.certificatePEM.utf8))
                .map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem)))
        tls.minimumTLSVersion = .tlsv13
        tls.curves = [.x25519_MLKEM768]
        tls.applicationProtocols = ["http/1.1"]
        let context = try NIOSSLContext(configuration: tls)
        let answers = try AnswerFolder(folder)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try pipeline.addHandler(AnswerHandler(answers))
                }
            }
            .bind(host: host.listen.host, port: host.listen.port).get()
        sayReady()
        await waitForEndOfInput()
        try await server.close()
    }
}

/// The answers, as the test puts them there.
private struct AnswerFolder: Sendable {
    private static let sizeLimit = 64 << 20
    private let folder: Folder

    init(_ path: String) throws { folder = try Folder.open(path) }

    struct Answer: Equatable {
        let status: Int
        let body: [UInt8]
    }

    func answer(_ name: String) -> Answer? {
        guard let bytes = try? folder.openFile(Array(name.utf8)).readAll(limit: Self.sizeLimit),
            let end = bytes.firstIndex(of: UInt8(ascii: "\n")),
            let status = Int(String(decoding: bytes[..<end], as: UTF8.self))
        else { return nil }
        return Answer(status: status, body: Array(bytes[(end + 1)...]))
    }
}

/// Answers one connection's requests. An assignment is given out once; then the poll waits for the next.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let pollInterval = TimeAmount.milliseconds(20)
    /// Agents wait for 30 s.
    private static let longestPoll = TimeAmount.seconds(25)

    private let answers: AnswerFolder
    private var name = ""
    private var given: AnswerFolder.Answer?

    init(_ answers: AnswerFolder) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let path = head.uri.prefix { $0 != "?" }
            name = path.split(separator: "/").last.map(String.init) ?? ""
        case .body: break
        case .end: answer(context, until: .now() + Self.longestPoll)
        }
    }

    private func answer(_ context: ChannelHandlerContext, until deadline: NIODeadline) {
        guard context.channel.isActive else { return }
        let answer = answers.answer(name)
        if name == "assignments", NIODeadline.now() < deadline, answer == nil || answer == given {
            context.eventLoop.assumeIsolated().scheduleTask(in: Self.pollInterval) {
                self.answer(context, until: deadline)
            }
            return
        }
        if name == "assignments" { given = answer }
        let found = answer ?? AnswerFolder.Answer(status: 404, body: [])
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: found.status),
            headers: ["content-length": String(found.body.count), "location": "https://127.0.0.1:1/"])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: found.body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
