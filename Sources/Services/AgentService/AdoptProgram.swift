import Content
import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import LinuxIO
import Logging
import STOQ
import STOQTransport
import Store
import Telemetry

/// `fleet-agent adopt`: has the running agent take a tree into the store, or does it itself if none runs.
struct AdoptProgram {
    private let settings: AgentSettings
    private let set: String
    private let source: String
    private let profile: ChunkProfile

    /// Throws a `CommandFailure` if `source` is no directory, or nothing is called `chunkProfile`.
    init(settings: AgentSettings, set: String, source: String, chunkProfile: String) throws {
        self.settings = settings
        self.set = set
        profile = try ChunkProfile(named: chunkProfile)
        guard let real = realpath(source, nil) else {
            throw CommandFailure(.failed, "\(source): \(String(cString: strerror(errno)))")
        }
        defer { free(real) }
        self.source = String(cString: real)
    }

    /// An agent that starts or ends holds the store for so long, and nobody listens yet or any more.
    private static let patience = Duration.seconds(3)

    /// Adopts, and tells how far it is. Throws a `CommandFailure`, or what the store says.
    func run(_ tell: (CommandProgress) -> Void) async throws -> AdoptedSummary {
        let end = ContinuousClock.now + Self.patience
        while true {
            do {
                return try adoptAlone(tell)
            } catch StoreError.locked {}
            do {
                return try await askAgent(tell)
            } catch let error as STOQError {
                guard ContinuousClock.now >= end else {
                    try await Task.sleep(for: .milliseconds(50))
                    continue
                }
                throw CommandFailure(
                    .busy, "the agent of \(settings.name) runs and does not answer at \(address): \(error)",
                    hint: "try again, or stop it first: then this program works on the store itself")
            }
        }
    }

    // MARK: Without an agent

    private func adoptAlone(_ tell: (CommandProgress) -> Void) throws -> AdoptedSummary {
        try expectOwner()
        let began = ContinuousClock.now
        let crashPoint = try CrashPoint.fromEnvironment()
        let store = try Store.open(
            data: settings.dataPath, state: settings.statePath, onPhase: { phase, _ in crashPoint?.arrive(at: phase) })
        defer { store.close() }
        let outcome = try store.adopt(set: set, source: source, profile: profile) { progress in
            tell(CommandProgress(phase: "adopt", files: progress.files, bytes: progress.bytes))
        }
        return AdoptedSummary(outcome, seconds: (ContinuousClock.now - began).inSeconds)
    }

    /// What another user makes in the store the agent could not write to.
    private func expectOwner() throws {
        let owner = try Folder.open(settings.dataPath).attributes().user
        guard owner != geteuid(), let entry = getpwuid(owner) else { return }
        let name = String(cString: entry.pointee.pw_name)
        throw CommandFailure(
            .refused, "\(settings.dataPath) belongs to \(name), and no agent runs that could be asked",
            hint: "runuser -u \(name) -- fleet-agent adopt \(set) \(source)")
    }

    // MARK: With one

    /// Throws `STOQError` if it does not answer.
    private func askAgent(_ tell: (CommandProgress) -> Void) async throws -> AdoptedSummary {
        var command = AgentCommand(.adopt, set: set)
        command.source = source
        command.chunkProfile = profile.name
        let (endpoint, stream) = try await connect(command)
        let summary = try await follow(stream, tell)
        try? await stream.finish()
        await endpoint.shutdown()
        return summary
    }

    private func connect(_ command: AgentCommand) async throws -> (STOQEndpoint, STOQStream) {
        let credentials = try HostCredentials(
            certificatePath: settings.certificatePath, keyPath: settings.keyPath,
            authorityPath: settings.authorityPath)
        var transport = STOQSettings(credentials: credentials)
        if settings.requiresMLKEM1024 { transport.keyExchange = .mlkem1024 }
        let endpoint = try STOQEndpoint(
            settings: transport, service: NothingToServe(settings: settings),
            logger: Telemetry.logger(label: "fleet-agent", level: .critical))
        do {
            let connection = try await endpoint.connection(
                to: settings.name, role: credentials.identity.role, host: address.host, port: address.port)
            return (endpoint, try await connection.open(.ownCommand(WireJSON.encode(command)), kind: .control))
        } catch {
            await endpoint.shutdown()
            throw error
        }
    }

    /// Where the agent of this host is reached from here.
    private var address: NetworkAddress {
        let listen = settings.listen
        switch listen.host {
        case "::": return NetworkAddress(host: "::1", port: listen.port)
        case "0.0.0.0": return NetworkAddress(host: "127.0.0.1", port: listen.port)
        default: return listen
        }
    }

    private func follow(_ stream: STOQStream, _ tell: (CommandProgress) -> Void) async throws -> AdoptedSummary {
        do {
            while let message = try await stream.next() {
                let event = try WireJSON.decode(AgentEvent.self, from: message.bytes)
                if let failure = event.failure { throw failure }
                if let progress = event.progress { tell(progress) }
                if let adopted = event.adopted { return adopted }
            }
        } catch let error as STOQError {
            throw CommandFailure(
                .busy, "the connection to the agent broke: \(error)", hint: "run it again: it goes on where it was")
        }
        throw CommandFailure(.failed, "the agent ended the adoption without a word", hint: "look into its log")
    }
}

/// What a host that asks its own agent serves: nothing.
private struct NothingToServe: STOQService {
    let settings: AgentSettings

    func greeting() async -> STOQGreeting { STOQGreeting(fleet: settings.fleet, name: settings.name, heads: []) }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        stream.reset(.notAllowed, "this is no agent")
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {}
}
