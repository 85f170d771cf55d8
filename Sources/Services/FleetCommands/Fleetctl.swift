package import ArgumentParser
import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Glibc
import LinuxIO
import UpdateFramework

/// `fleetctl`: the operator's hand.
package struct Fleetctl: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "fleetctl",
        abstract: "Publishes content sets and keeps a fleet of mirrors in step.",
        discussion: """
            EXAMPLES
              fleetctl lab up --dir /tmp/lab --mirrors 3
              fleetctl -f /tmp/lab/fleet.yaml publish debian /srv/debian
              fleetctl -f /tmp/lab/fleet.yaml sync --wait
              fleetctl -f /tmp/lab/fleet.yaml status

            -f FILE (or FLEET_FILE, else /etc/mirrorfleet/fleet.yaml) says which fleet; it may stand before the command.

            \(ExitStatus.help)
            """,
        version: FleetVersion.current,
        subcommands: [
            PublishCommand.self, FetchCommand.self, YankCommand.self, UnyankCommand.self, PlanCommand.self,
            SyncCommand.self, StatusCommand.self, ApplyCommand.self, PeersCommand.self, BandwidthCommand.self,
            CheckCommand.self, MetricsCommand.self, ExplainCommand.self, MirrorCommand.self, VerifyCommand.self,
            CollectCommand.self, ReleaseCommand.self, ValidateCommand.self, KeysCommand.self, TrustCommand.self,
            CoordinatorCommand.self, InitCommand.self, ExportCommand.self, BackupCommand.self, RestoreCommand.self,
            LabCommand.self,
        ])

    package init() {}

    /// Runs the command that `arguments` (without the program's name) ask for, and ends the process.
    package static func start(_ arguments: [String]) async -> Never {
        ignoreBrokenPipes()
        forbidCoreDumps()
        signal(SIGINT) { _ in _exit(ExitStatus.interrupted.rawValue) }
        let normalised = FleetctlArguments.normalised(arguments)
        do {
            if let mistake = FleetctlArguments.mistake(in: normalised, of: self) { throw mistake }
            var command = try parseAsRoot(normalised)
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
            finish(ExitStatus.done.rawValue, isCheck: false)
        } catch {
            end(with: error, isCheck: normalised.first == CheckCommand.configuration.commandName)
        }
    }

    /// Ends the process with `code`, unless what it printed did not get out.
    private static func finish(_ code: Int32, isCheck: Bool) -> Never {
        if let reason = Terminal.outputFailure() {
            let terminal = Terminal.standard
            terminal.note(terminal.coloured("error: ", .red) + "cannot write to standard output: \(reason)")
            // The codes of `check` are verdicts: what nobody can read is UNKNOWN.
            Glibc.exit(isCheck ? 3 : code == ExitStatus.done.rawValue ? ExitStatus.failed.rawValue : code)
        }
        Glibc.exit(code)
    }

    /// Says what went wrong and ends the process with the code for it. A monitoring system reads `check`, so there
    /// everything that is no verdict is UNKNOWN.
    private static func end(with error: any Error, isCheck: Bool) -> Never {
        let failure: FleetctlError? =
            switch error {
            case let error as FleetctlError: error
            case let error as APIError:
                FleetctlError(ExitStatus(rawValue: error.exitCode) ?? .failed, error.message, hint: error.hint)
            case let error as FileError: FleetctlError(.failed, error.description)
            case let error as CredentialError:
                FleetctlError(
                    error.code == .notIssuable ? .usage : .failed, "\(error.place): \(error.message)",
                    hint: error.remedy)
            case let error as IdentityError: FleetctlError(.usage, "\(error)")
            case let error as TrustChangeError:
                FleetctlError(.usage, "\(error)", hint: "`fleetctl trust show` says who signs for what")
            case let error as UpdateError: FleetctlError(.failed, "\(error)")
            default: nil
            }
        if let code = error as? ExitCode { finish(code.rawValue, isCheck: isCheck) }
        let mistakes = (error as? FleetFileErrors)?.mistakes ?? []
        let isHelp = failure == nil && mistakes.isEmpty && Self.exitCode(for: error).isSuccess
        if isCheck, !isHelp {
            // One line, whatever happened.
            let more = mistakes.count > 1 ? " (and \(mistakes.count - 1) more)" : ""
            let text = mistakes.first?.description ?? failure?.message ?? Self.message(for: error)
            print("FLEET UNKNOWN - \(text.prefix { $0 != "\n" })\(more)")
            Glibc.exit(3)
        }
        if !mistakes.isEmpty {
            // Every line begins with its place, for editors: nothing is put before it.
            for mistake in mistakes { Terminal.standard.note(mistake.description) }
            Glibc.exit(ExitStatus.badConfiguration.rawValue)
        }
        guard let failure else {
            guard Self.exitCode(for: error) == .validationFailure else { Self.exit(withError: error) }
            tellUsage(error)
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        let terminal = Terminal.standard
        terminal.note(terminal.coloured("error: ", .red) + failure.message)
        if let hint = failure.hint { terminal.note("hint: \(hint)") }
        Glibc.exit(failure.status.rawValue)
    }

    /// Says what the parser of arguments found wrong as every other error is said: its lines, and what to do next.
    private static func tellUsage(_ error: any Error) {
        let terminal = Terminal.standard
        let (problem, before, after) = ("Error: ", "  See '", "' for more information.")
        for line in Self.fullMessage(for: error).split(separator: "\n") {
            if line.hasPrefix(problem) {
                terminal.note(terminal.coloured("error: ", .red) + line.dropFirst(problem.count))
            } else if line.hasPrefix(before), line.hasSuffix(after) {
                terminal.note("hint: \(line.dropFirst(before.count).dropLast(after.count)) says more")
            } else {
                terminal.note(String(line))
            }
        }
    }
}
