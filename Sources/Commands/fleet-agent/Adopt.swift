import AgentService
import ArgumentParser

/// `fleet-agent adopt`: a tree that is there already becomes the store's, by links.
struct Adopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take an existing tree into the store, so that the first sync fetches only what differs.",
        discussion: """
            Every file that has the agent's owner, mode 0644 or 0755 and no extended attributes gets a further name in
            the store, by a hard link: nothing is copied, and no byte, time or mode is changed. What cannot be linked so
            is counted and left. Run it again whenever it was cut off: what was adopted is not read again.

            If DIR is where the link of SET will be (data/SET), it is served as it is until the first sync; then the link
            takes its place in one rename, and the folder is kept under the name that is printed. An agent that runs is
            asked to do it; else this program does it, as the agent's user.

            EXAMPLES
              fleet-agent adopt debian /srv/mirror/debian
              fleet-agent adopt iso /srv/mirror/iso --chunk-profile images --config /etc/mirrorfleet/agent.yaml

            EXIT CODES
              0 adopted   1 failed   4 refused   5 a sync of SET runs, or the agent does not answer: try again
            """)

    @Argument(help: "The content set.") var set: String
    @Argument(help: "The top of the tree.") var directory: String
    @Option(help: "The host's configuration.") var config = "/etc/mirrorfleet/agent.yaml"
    @Option(help: "`chunks` of the set in fleet.yaml: default or images.") var chunkProfile = "default"
    @Flag(help: "Print the outcome as JSON.") var json = false

    func run() async throws {
        let code = await AgentProgram.adopt(
            configuration: config, set: set, source: directory, chunkProfile: chunkProfile, json: json)
        if code != 0 { throw ExitCode(code) }
    }
}
