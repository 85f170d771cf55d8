import AgentService
import ArgumentParser

/// `fleet-agent join`: a new host becomes a member of its fleet.
struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Join a fleet by a token from `fleetctl mirror enrol`.",
        discussion: """
            Makes this host's key and asks the coordinator for its certificate. Writes key, certificate, the fleet's
            authority and the root of its releases where agent.yaml says; if there is no agent.yaml, beside it, and
            writes that, too. Nobody is believed but whom the token names by fingerprint. The token counts once.

            EXAMPLES
              fleet-agent join --token-file /root/token
              fleet-agent join --token-file token --config /etc/mirrorfleet/agent.yaml --data /srv/mirror
              ssh fra1 fleet-agent join --token-file - <token
            """)

    @Option(help: "The file with the token, which nobody else may read; - is standard input.") var tokenFile: String
    @Option(help: "The host's configuration.") var config = "/etc/mirrorfleet/agent.yaml"
    @Option(help: "The data directory for a new agent.yaml.") var data = "/srv/mirror"
    @Option(help: "Where the agent listens, for a new agent.yaml (default: [::] and the port in fleet.yaml).")
    var listen: String?

    func run() async throws {
        let code = await AgentProgram.join(tokenFile: tokenFile, configuration: config, data: data, listen: listen)
        if code != 0 { throw ExitCode(code) }
    }
}
