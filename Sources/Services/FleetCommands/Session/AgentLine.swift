import Content
import FleetAPI
import FleetCertificates
import FleetModel
import STOQ
import STOQTransport

/// A command to one agent, over a control stream of STOQ: one request, then events until the last.
struct AgentLine {
    let mirror: MirrorPolicy
    private let endpoint: STOQEndpoint
    private let connection: STOQConnection
    private let stream: STOQStream

    /// Sends `command` to the agent of `mirror`. Throws a `FleetctlError` with exit code 5 if it cannot be reached.
    static func open(_ command: AgentCommand, to mirror: MirrorPolicy, of session: FleetSession) async throws
        -> AgentLine
    {
        do {
            let endpoint = try session.endpoint()
            let connection = try await endpoint.connection(
                to: mirror.name, role: mirror.role == .origin ? .origin : .agent, host: mirror.address.host,
                port: mirror.address.port)
            let stream = try await connection.open(
                .command(WireJSON.encode(command)), kind: .control)
            return AgentLine(mirror: mirror, endpoint: endpoint, connection: connection, stream: stream)
        } catch let error as STOQError {
            throw FleetctlError(
                .tryAgain,
                "the agent of \(mirror.name) cannot be reached: \(error.reason.isEmpty ? "\(error)" : error.reason)",
                hint: "is fleet-agent running on \(mirror.name), and is \(mirror.address) its address?")
        }
    }

    /// The next event; nil after the last. An event that says it failed is thrown as the error that it names.
    func next() async throws -> AgentEvent? {
        do {
            guard let message = try await stream.next() else { return nil }
            let event = try WireJSON.decode(AgentEvent.self, from: message.bytes)
            if let failure = event.failure {
                let isNamed = failure.message.hasPrefix("\(mirror.name) ")
                throw FleetctlError(
                    failure.code.exitStatus, isNamed ? failure.message : "\(mirror.name): \(failure.message)",
                    hint: failure.hint)
            }
            return event
        } catch let error as STOQError {
            throw FleetctlError(
                .tryAgain, "the connection to the agent of \(mirror.name) broke: \(error)",
                hint: "look into its log; what was not acknowledged is not done")
        }
    }

    /// Sends another message on the stream.
    func send(_ message: some Encodable) async throws {
        try await stream.send(WireJSON.encode(message))
    }

    /// A manifest node of `set` that the agent holds; nil if it has none of this digest. Whether its bytes have that
    /// digest is for the caller to see. Throws `STOQError`, `CodecError`.
    func node(_ digest: NodeDigest, of set: String) async throws -> [UInt8]? {
        let stream = try await connection.open(.nodes(set: set, [digest]), kind: .metadata)
        var bytes: [UInt8] = []
        var isWhole = false
        while let message = try await stream.next() {
            let answer = try STOQAnswer(message)
            for item in answer.items {
                bytes += answer.bytes(of: item)
                isWhole = item.isLast
                guard bytes.count <= ManifestLimits.nodeByteCount else { return nil }
            }
        }
        return isWhole ? bytes : nil
    }

    /// Closes the connection: ends this side's half of the stream, as the other waits for open streams.
    func close() async {
        try? await stream.finish()
        await endpoint.shutdown()
    }
}

extension CommandFailure.Code {
    /// The exit code for a command that ended so.
    var exitStatus: ExitStatus {
        switch self {
        case .failed, .notFound: .failed
        case .busy: .tryAgain
        case .refused: .refused
        }
    }
}
