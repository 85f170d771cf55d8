import Content
import Dispatch
import FleetAPI
import FleetCertificates
import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Synchronization
import Trust

/// Runs the commands of operators; see ``AgentCommand``.
struct CommandService: Sendable {
    let settings: LiveSettings
    let store: Store
    let trust: TrustedRepository
    let activity: AgentActivity
    let pool: BlockingPool
    let clock: WallClock
    let tender: TreeTender
    let swarms: Swarms
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
                    .refused, "command version \(command.version) is newer than this agent (\(FleetVersion.current))",
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
            case .collect: try await collect(command, line)
            case .metadata: try await exchangeMetadata(command, line)
            case .pardon: try await pardon(command, line)
            }
        } catch let failure as CommandFailure {
            try await line.send(.failed(failure))
        } catch let error as StoreError {
            logger.error("a command failed", metadata: ["error": "\(error)"])
            try await line.send(.failed(CommandFailure(error)))
        } catch let error as MalformedJSON {
            try await line.send(.failed(CommandFailure(.refused, "the command is malformed: \(error)")))
        } catch let error as STOQError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // A file that may not be read, a full disk, a damaged database: each says what it is and what to do.
            logger.error("a command failed", metadata: ["error": "\(error)"])
            try await line.send(.failed(CommandFailure(.failed, "\(error)")))
        }
    }

    /// The field `value` of a command, or a failure that names it.
    func required<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw CommandFailure(.refused, "the command names no \(name)") }
        return value
    }

    /// Holds release `sequence` of `set`, or what is served when nil, so that it is not collected while it is read.
    func pin(_ set: String, sequence: UInt64?) throws -> StorePin {
        guard let wanted = try sequence ?? store.served(set: set)?.sequence else {
            throw CommandFailure(.notFound, "\(settings.name) serves no release of \(set)")
        }
        guard let pin = try store.pin(set: set, sequence: wanted) else {
            throw CommandFailure(.notFound, "\(settings.name) does not hold release \(wanted) of \(set)")
        }
        return pin
    }
}

/// Sends the events of one command.
struct EventLine: Sendable {
    let stream: STOQStream

    func send(_ event: AgentEvent) async throws {
        try await stream.send(WireJSON.encode(event))
    }

    /// Sends from a thread that may block, and returns once the connection has taken the event.
    func sendBlocking(_ event: AgentEvent) throws {
        let outcome = Mutex<Result<Void, any Error>>(.success(()))
        let isSent = DispatchSemaphore(value: 0)
        Task {
            do {
                try await send(event)
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
            isSent.signal()
        }
        isSent.wait()
        try outcome.withLock { try $0.get() }
    }

    /// The operator's next message; nil if it went away. Throws `late` when none comes within `patience`.
    func next(within patience: Duration, late: CommandFailure) async throws -> [UInt8]? {
        try await stream.next(within: patience, late: late)?.bytes
    }
}

extension CommandFailure {
    /// What a failure of the store means for the operator.
    init(_ error: StoreError) {
        self.init(error.isBusy ? .busy : error.isRefusal ? .refused : .failed, error.message, hint: error.remedy)
    }
}
