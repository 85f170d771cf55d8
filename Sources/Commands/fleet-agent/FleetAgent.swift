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
              fleet-agent join --token-file /root/token
              fleet-agent adopt debian /srv/mirror/debian
              fleet-agent rebuild --config /etc/mirrorfleet/agent.yaml

            EXIT CODES
              0 stopped as asked   1 failed   5 another agent has the data directory   64 wrong usage
              78 bad agent.yaml    rebuild: 2 done, but something is not as it was signed: sync
            """,
        version: AgentProgram.version, subcommands: [Run.self, Join.self, Adopt.self, Rebuild.self],
        defaultSubcommand: Run.self)
}
