import Content
import FleetAPI
import FleetCertificates
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Trust

/// Runs the commands of operators; see ``AgentCommand``.
struct CommandService: Sendable {
    let settings: AgentSettings
    let store: Store
    let policy: ReleasePolicy
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let tender: TreeTender
    let logger: Logger
    /// Delivers a report before the last event of a command that changed something.
    let deliverReport: @Sendable () async -> Void

    /// Runs the command in `bytes` and answers on `stream`. A failure is an event, not an error.
    func run(_ bytes: [UInt8], from peer: FleetIdentity, on stream: STOQStream) async throws {
        let line = EventLine(stream: stream)
        do {
            let command = try WireJSON.decode(AgentCommand.self, from: bytes)
            guard command.version <= AgentCommand.currentVersion else {
                throw CommandFailure(
                    .refused, "command version \(command.version) is newer than this agent (\(AgentVersion.current))",
                    hint: "upgrade fleet-agent on \(settings.name)")
            }
            logger.info(
                "command",
                metadata: [
                    "verb": "\(command.verb)", "set": "\(command.set ?? "-")", "operator": "\(peer.name)",
                ])
            switch command.verb {
            case .publish: try await publish(command, line)
            case .rollback: try await rollBack(command, line)
            case .verify: try await verify(command, line)
            case .proof: try await proof(command, line)
            case .releases: try await releases(command, line)
            case .entries: try await entries(command, line)
            case .diff: try await diff(command, line)
            }
        } catch let failure as CommandFailure {
            try await line.send(.failed(failure))
        } catch let error as StoreError {
            logger.error("a command failed", metadata: ["error": "\(error)"])
            try await line.send(.failed(CommandFailure(error)))
        } catch let error as MalformedJSON {
            try await line.send(.failed(CommandFailure(.refused, "the command is malformed: \(error)")))
        } catch let error as ManifestError {
            logger.error("a command failed", metadata: ["error": "\(error)"])
            try await line.send(.failed(CommandFailure(.failed, "\(error)")))
        }
    }

    /// The field `value` of a command, or a failure that names it.
    func required<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw CommandFailure(.refused, "the command names no \(name)") }
        return value
    }

    /// The root of release `sequence` of `set`, or of what is served when nil.
    func root(of set: String, sequence: UInt64?) throws -> NodeDigest {
        if let sequence {
            guard let signed = try store.signedRelease(set: set, sequence: sequence) else {
                throw CommandFailure(.notFound, "\(settings.name) does not hold release \(sequence) of \(set)")
            }
            return try ReleaseDocument(decoding: signed.document).manifest.digest
        }
        guard let served = try store.served(set: set) else {
            throw CommandFailure(.notFound, "\(settings.name) serves no release of \(set)")
        }
        return served.root
    }
}

/// Sends the events of one command.
struct EventLine: Sendable {
    let stream: STOQStream

    func send(_ event: AgentEvent) async throws {
        try await stream.send(WireJSON.encode(event))
    }

    /// The operator's next message; nil if it went away.
    func next() async throws -> [UInt8]? {
        try await stream.next()?.bytes
    }
}

extension CommandFailure {
    /// What a failure of the store means for the operator.
    init(_ error: StoreError) {
        self.init(error.isBusy ? .busy : error.isRefusal ? .refused : .failed, error.message, hint: error.remedy)
    }
}
