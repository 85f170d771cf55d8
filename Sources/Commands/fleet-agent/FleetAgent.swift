import AgentService
import ArgumentParser

/// `fleet-agent`: one host of a fleet.
@main
struct FleetAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet-agent",
        abstract: "Holds, serves and syncs content sets on one host of a fleet.",
        discussion: """
            EXAMPLES
              fleet-agent --config /etc/mirrorfleet/agent.yaml

            EXIT CODES
              0 stopped as asked   1 failed   5 another agent has the data directory   64 wrong usage
              78 bad agent.yaml
            """,
        version: AgentProgram.version)

    @Option(help: "The host's configuration.") var config = "/etc/mirrorfleet/agent.yaml"
    @Option(help: "Write the address to this file once the agent listens.") var readyFile: String?
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel: String?

    func run() async throws {
        let program = AgentProgram(configuration: config, readyFile: readyFile, logLevel: logLevel)
        let code = await program.run()
        if code != 0 { throw ExitCode(code) }
    }
}
