import ArgumentParser

/// The option that says which fleet a command is about.
struct FleetOption: ParsableArguments {
    static let defaultFile = "/etc/mirrorfleet/fleet.yaml"

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: "The fleet's file. (default: $FLEET_FILE, else \(Self.defaultFile))")
    var file: String?

    /// The file that was asked for, by flag, environment or default.
    var path: String {
        file ?? Terminal.environment("FLEET_FILE") ?? Self.defaultFile
    }
}

/// How data is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

/// The option that says how data is printed.
struct OutputOption: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "How to print: table or json.")
    var format: OutputFormat = .table
}
