import AgentService
import ArgumentParser

/// `fleet-agent rebuild`: the database again, from the files.
struct Rebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a lost or damaged database again, from the blobs and the served trees.",
        discussion: """
            Stop the agent first. Reads and hashes every blob. What is served stays served; the next sync fetches what is
            missing or bad, and nothing else. An old database is kept beside the new one.
            """)

    @Option(help: "The host's configuration.") var config = "/etc/mirrorfleet/agent.yaml"

    func run() async throws {
        let code = await AgentProgram.rebuild(configuration: config)
        if code != 0 { throw ExitCode(code) }
    }
}
