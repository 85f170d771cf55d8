import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Glibc
import LinuxIO
import Logging
import STOQTransport
import ServiceLifecycle
import Store
import Telemetry
import UnixSignals

/// The program `fleet-agent`: from the name of its configuration to its end.
package struct AgentProgram: Sendable {
    /// More than an agent.yaml ever has.
    private static let configurationLimit = 1 << 20

    private let configuration: String
    private let readyFile: String?
    private let logLevel: String?

    /// - Parameters:
    ///   - configuration: path of agent.yaml.
    ///   - readyFile: where to write the address once it listens.
    ///   - logLevel: a level of swift-log instead of the one in agent.yaml.
    package init(configuration: String, readyFile: String?, logLevel: String?) {
        self.configuration = configuration
        self.readyFile = readyFile
        self.logLevel = logLevel
    }

    /// The version of the program.
    package static let version = FleetVersion.current

    /// Time that a stop waits for what is under way; all of it is resumed after the next start.
    private static let longestStop = Duration.seconds(20)

    /// Runs until SIGTERM or SIGINT, and reads its configuration again on SIGHUP; the exit code. Errors are told on
    /// standard error.
    package func run() async -> Int32 {
        await Self.exitCode {
            let settings = LiveSettings(try Self.settings(configuration))
            let level = LiveLevel(level(of: settings.current))
            let logger = Telemetry.logger(label: "fleet-agent", level: level)
            let manager = ServiceManager()
            let managed = ManagedService(
                manager, logger: logger, beat: { await STOQEndpoint.beat() },
                reload: { reload(settings, level, logger) })
            let agent = try Agent(
                settings, configuration: configuration, readyFile: readyFile, manager: manager, logger: logger)
            // What comes last is stopped first: it says that the others stop.
            var group = ServiceGroupConfiguration(
                services: [agent, managed], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            group.maximumGracefulShutdownDuration = Self.longestStop
            try await ServiceGroup(configuration: group).run()
            return 0
        }
    }

    /// What the command line says wins over the file.
    private func level(of settings: AgentSettings) -> Logger.Level {
        Telemetry.level(logLevel ?? settings.logLevel.rawValue) ?? .info
    }

    /// Reads the configuration again; a file with a mistake changes nothing.
    private func reload(_ settings: LiveSettings, _ level: LiveLevel, _ logger: Logger) {
        do {
            let outcome = settings.take(try Self.settings(configuration))
            level.level = self.level(of: outcome.settings)
            logger.notice("reloaded", metadata: ["changed": "\(outcome.taken.joined(separator: ", "))"])
            if !outcome.needRestart.isEmpty {
                logger.warning(
                    "changed, but holds after a restart only",
                    metadata: ["keys": "\(outcome.needRestart.joined(separator: ", "))"])
            }
        } catch {
            logger.error("not reloaded: nothing was changed", metadata: ["error": "\(error)"])
        }
    }

    /// Makes the host's database again from its files (decision 0006); the exit code, 2 if something served is not as it
    /// was signed. What is found is told on standard output, progress and errors on standard error.
    package static func rebuild(configuration: String) async -> Int32 {
        await exitCode {
            let settings = try settings(configuration)
            let trust = try TrustedRepository.open(
                settings, in: Folder.open("\(settings.dataPath)/.store"), clock: WallClock(),
                logger: Telemetry.logger(label: "fleet-agent", level: .error))
            var report = RebuildReport()
            let outcome = try Store.rebuild(
                data: settings.dataPath, state: settings.statePath,
                verify: { try trust.verify($0, sequence: $2, ofSet: $1, above: nil, isHeld: true) },
                progress: { if let line = report.line($0) { tell(line) } })
            RebuildReport.print(outcome)
            return outcome.isComplete ? 0 : 2
        }
    }

    /// Takes the tree at `source` into the store as files of `set`; the exit code. By the agent if it runs, else by itself.
    /// What was found is told on standard output, progress and errors on standard error.
    package static func adopt(
        configuration: String, set: String, source: String, chunkProfile: String, json: Bool
    ) async -> Int32 {
        await exitCode {
            do {
                var report = AdoptReport()
                let summary = try await AdoptProgram(
                    settings: settings(configuration), set: set, source: source, chunkProfile: chunkProfile
                ).run { if let line = report.line($0) { tell(line) } }
                print(
                    try json
                        ? String(decoding: WireJSON.encode(summary), as: UTF8.self) : AdoptReport.text(summary, set))
                return 0
            } catch let failure as CommandFailure {
                tell(failure.message + (failure.hint.map { "; \($0)" } ?? ""))
                return failure.code == .busy ? 5 : failure.code == .refused ? 4 : 1
            }
        }
    }

    /// Makes this host a member of a fleet by a token; the exit code. What was done is told on standard output.
    package static func join(
        tokenFile: String, configuration: String, data: String, listen: String?
    ) async -> Int32 {
        await exitCode {
            do {
                let done = try await JoinProgram(
                    tokenFile: tokenFile, configuration: configuration, dataPath: data, listen: listen
                ).run()
                print("\(done)\nnow start it: fleet-agent --config \(configuration)")
                return 0
            } catch let error as APIError {
                tell("\(error)")
                return error.exitCode
            }
        }
    }

    static func settings(_ configuration: String) throws -> AgentSettings {
        let file: OpenFile
        do {
            file = try OpenFile.open(Array(configuration.utf8))
        } catch let error where error.errno == ENOENT {
            throw AgentConfigurationError.noConfiguration(configuration)
        }
        return try AgentFile.parse(file.readAll(limit: configurationLimit), file: configuration)
    }

    private static func exitCode(_ body: () async throws -> Int32) async -> Int32 {
        ignoreBrokenPipes()
        keepHeapSmall()
        forbidCoreDumps()
        raiseDescriptorLimit()
        do {
            return try await body()
        } catch let error as FleetFileErrors {
            Self.tell("\(error)")
            return 78
        } catch let error as StoreError {
            Self.tell("\(error)")
            return error.isBusy ? 5 : 1
        } catch {
            Self.tell("\(error)")
            return 1
        }
    }

    private static func tell(_ message: String) {
        Telemetry.complain("fleet-agent: \(message)")
    }
}
