import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Glibc
import LinuxIO
import Logging
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
    package static let version = AgentVersion.current

    /// Runs until SIGTERM or SIGINT, SIGHUP is only logged; the exit code. Errors are told on standard error.
    package func run() async -> Int32 {
        await Self.exitCode {
            let settings = try Self.settings(configuration)
            let level = Telemetry.level(logLevel ?? settings.logLevel.rawValue) ?? .info
            let logger = Telemetry.logger(label: "fleet-agent", level: level)
            let notice = ReloadNotice(logger: logger)
            let agent = try Agent(settings, readyFile: readyFile, logger: logger)
            let group = ServiceGroup(
                services: [notice, agent], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            try await group.run()
            return 0
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
        let text = try OpenFile.open(Array(configuration.utf8)).readAll(limit: configurationLimit)
        return try AgentFile.parse(text, file: configuration)
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
        let line = Array("fleet-agent: \(message)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
