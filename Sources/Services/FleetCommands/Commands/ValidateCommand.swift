import ArgumentParser
import FleetModel

/// `fleetctl validate`: every mistake in a fleet.yaml, with its place.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a fleet.yaml: every mistake with its line, column and remedy.",
        discussion: """
            EXAMPLES
              fleetctl validate fleet.yaml
            """)

    @OptionGroup var option: FleetOption
    @Argument(help: "The file; without it the one of -f.") var file: String?

    func run() throws {
        let session = try file.map { try FleetSession(file: $0) } ?? FleetSession(option)
        let fleet = session.fleet
        let mirrors = fleet.mirrors.count { $0.role == .mirror }
        print("\(session.file): ok: fleet \(fleet.name), \(fleet.sets.count) sets, \(mirrors) mirrors")
    }
}
