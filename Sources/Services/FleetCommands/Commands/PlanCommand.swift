import ArgumentParser
import FleetAPI
import FleetModel
import Planning

/// `fleetctl plan`: what a sync would do, and why.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a sync would do: the bytes, the sources, and the reason for every line.",
        discussion: """
            EXAMPLES
              fleetctl -f fleet.yaml plan
              fleetctl -f fleet.yaml plan --detailed-exitcode    # 0: nothing to do, 2: changes pending
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Flag(help: "Exit with 2 when there is something to do.") var detailedExitcode = false
    @Argument(help: "Plan for these sets only.") var sets: [String] = []
    @Option(name: .customLong("mirror"), help: "Plan for this mirror only; may be given again.")
    var mirrors: [String] = []

    func run() async throws {
        let session = try FleetSession(option)
        for name in sets { _ = try session.set(name) }
        for name in mirrors { _ = try session.mirror(name) }
        let client = try session.coordinator()
        try await session.warnIfSuperseded(client)
        let answer = try await client.makePlan(
            PlanOrder(sets: sets.isEmpty ? nil : sets, mirrors: mirrors.isEmpty ? nil : mirrors, dryRun: true))
        switch output.format {
        case .json: try printJSON(answer.plan)
        case .table: print(PlanText.render(answer.plan), terminator: "")
        }
        session.noteUnanswered(answer)
        session.noteRefusing(answer)
        if detailedExitcode, answer.plan.hasWork { throw ExitStatus.changesPending.code }
    }
}
