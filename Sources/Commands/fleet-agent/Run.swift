import AgentService
import ArgumentParser

/// `fleet-agent [run]`: the agent itself.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve, sync and report until told to stop (default).")

    @Option(help: "The host's configuration.") var config = "/etc/mirrorfleet/agent.yaml"
    @Option(help: "Write the address to this file once the agent listens.") var readyFile: String?
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel: String?

    func run() async throws {
        let program = AgentProgram(configuration: config, readyFile: readyFile, logLevel: logLevel)
        let code = await program.run()
        if code != 0 { throw ExitCode(code) }
    }
}
