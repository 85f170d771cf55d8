import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl collect`: have hosts drop what nothing needs any longer.
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Drop what no kept release of a host needs.",
        discussion: """
            Hosts collect by themselves after a release is not kept any longer; this does it now, and also looks for \
            files that a crash left. It is safe beside syncs and publishes.

            EXAMPLES
              fleetctl -f fleet.yaml collect                 # every host
              fleetctl -f fleet.yaml collect m1 --dry-run    # what m1 would drop
            """)

    @OptionGroup var option: FleetOption
    @Argument(help: "The host; without it every one.") var mirror: String?
    @Flag(help: "Only say what would be dropped.") var dryRun = false

    func run() async throws {
        let session = try FleetSession(option)
        let hosts = try mirror.map { [try session.mirror($0)] } ?? session.fleet.mirrors
        var failures: [FleetctlError] = []
        var isComplete = true
        for host in hosts {
            do {
                let isHostComplete = try await collect(host, session: session)
                isComplete = isComplete && isHostComplete
            } catch let error as FleetctlError where hosts.count > 1 {
                session.terminal.note("\(host.name): \(error.message)")
                failures.append(error)
            }
        }
        if let failure = failures.first {
            throw (failures.count < hosts.count ? ExitStatus.someMirrorsFailed : failure.status).code
        }
        if !isComplete { throw ExitStatus.tryAgain.code }
    }

    /// Whether one host dropped everything.
    private func collect(_ host: MirrorPolicy, session: FleetSession) async throws -> Bool {
        var command = AgentCommand(.collect)
        command.dryRun = dryRun
        let line = try await AgentLine.open(command, to: host, of: session)
        while let event = try await line.next() {
            guard let collected = event.collected else { continue }
            await line.close()
            print("\(host.name): \(text(collected))")
            if !collected.isComplete {
                let sets = collected.waitedFor.isEmpty ? "" : " of \(collected.waitedFor.joined(separator: ", "))"
                session.terminal.note("hint: a sync or publish\(sets) was in the way: the rest is collected later")
            }
            return collected.isComplete
        }
        throw FleetctlError(.failed, "\(host.name) ended the collection without a word", hint: "look into its log")
    }

    private func text(_ collected: CollectedSummary) -> String {
        func count(_ number: UInt64, _ one: String, _ many: String) -> String {
            "\(Quantity.count(number)) \(number == 1 ? one : many)"
        }
        return (dryRun ? "would free " : "freed ") + Quantity.describe(bytes: collected.bytes) + ": "
            + count(collected.releases, "release", "releases") + ", "
            + count(collected.blobs, "blob", "blobs") + ", " + count(collected.files, "file", "files")
            + " in \(Quantity.decimal(collected.seconds, digits: 2)) s"
    }
}
