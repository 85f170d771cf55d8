import FleetModel
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Telemetry
import UnixSignals

/// The program `fleet-coordinator` behind its command line.
package enum CoordinatorProgram {
    /// Version of the program.
    package static let version = FleetVersion.current

    /// Time that a shutdown waits for open requests; nothing of ours takes longer.
    private static let longestShutdown: Duration = .seconds(10)

    /// Runs until SIGTERM or SIGINT; on SIGHUP it checks fleet.yaml and says whether a restart would change anything.
    ///
    /// - Returns: the exit code; what went wrong is on stderr, with a hint.
    package static func run(_ configuration: CoordinatorConfiguration) async -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let logger = Telemetry.logger(label: "fleet-coordinator", level: configuration.logLevel)
        let manager = ServiceManager()
        if let file = configuration.readyFile { unlink(file) }  // of a process that was killed
        do {
            let crashPoint = try CrashPoint.fromEnvironment()
            let server = try CoordinatorServer(
                configuration, logger: logger, now: { Int64(time(nil)) }, onPhase: { crashPoint?.arrive(at: $0) },
                onListening: { address in
                    try ready(address, configuration, logger)
                    manager.ready("answers at \(address)")
                })
            let managed = ManagedService(manager, logger: logger, beat: beat) {
                reload(configuration, read: server.fileDigest, logger)
            }
            // What comes last is stopped first: it says that the others stop.
            var group = ServiceGroupConfiguration(
                services: [server, managed], gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger))
            group.maximumGracefulShutdownDuration = longestShutdown
            try await ServiceGroup(configuration: group).run()
        } catch let error as StartError {
            complain(error)
            return error.exitCode
        } catch {
            Telemetry.complain("fleet-coordinator: \(error)")
            return 1
        }
        if let file = configuration.readyFile { unlink(file) }
        logger.info("stopped")
        return 0
    }

    /// Returns once every thread that drives sockets has answered.
    private static func beat() async {
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try? await loop.submit {}.get() }
    }

    /// Reads fleet.yaml as a start would. What it says holds after a restart, which disturbs nobody.
    private static func reload(_ configuration: CoordinatorConfiguration, read digest: String, _ logger: Logger) {
        do {
            let policy = try AcceptedPolicy(file: configuration.fleet)
            if policy.digest == digest {
                logger.notice("fleet.yaml is unchanged")
            } else {
                logger.warning("fleet.yaml has changed, and holds after a restart")
            }
        } catch {
            logger.error("fleet.yaml cannot be used: do not restart", metadata: ["error": "\(error.message)"])
        }
    }

    private static func ready(
        _ address: NetworkAddress, _ configuration: CoordinatorConfiguration, _ logger: Logger
    ) throws(StartError) {
        if let file = configuration.readyFile { try writeReadyFile(file, "\(address)\n") }
        logger.info(
            "ready", metadata: ["fleet.address": "\(address)", "fleet.version": "\(version)"])
    }

    /// Writes the file in one step: whoever waits for it never sees half of it.
    private static func writeReadyFile(_ path: String, _ text: String) throws(StartError) {
        func failed() -> StartError {
            .configuration(
                message: "cannot write the ready file \(path): \(String(cString: strerror(errno)).lowercased())",
                hint: "check the folder of --ready-file")
        }
        let draft = "\(path).\(getpid())"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failed() }
        let bytes = Array(text.utf8)
        let count = Glibc.write(file, bytes, bytes.count)
        close(file)
        guard count == bytes.count, rename(draft, path) == 0 else {
            let error = failed()
            unlink(draft)
            throw error
        }
    }

    private static func complain(_ error: StartError) {
        switch error {
        case .policy(let text): Telemetry.complain(text)  // every line begins with its place: nothing is put before it
        default:
            Telemetry.complain("fleet-coordinator: \(error.message)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
        }
    }

    /// The libraries' own words from warnings on.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        return quiet
    }
}
