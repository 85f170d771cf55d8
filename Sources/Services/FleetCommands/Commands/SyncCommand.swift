import ArgumentParser
import FleetAPI
import FleetModel
import Planning

/// `fleetctl sync`: bring mirrors to the newest release.
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Bring every mirror to the newest release.",
        discussion: """
            Asks the agents for fresh reports, makes a plan and hands it out. With --wait it follows until every mirror \
            that is neither paused nor drained serves the newest release; one that is down counts as failed at the \
            deadline.

            EXAMPLES
              fleetctl -f fleet.yaml sync --wait
              fleetctl -f fleet.yaml sync debian --mirror fra1 --wait --timeout 2h
              fleetctl -f fleet.yaml sync --wait -o json
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "Sync these sets only.") var sets: [String] = []
    @Option(name: .customLong("mirror"), help: "Sync this mirror only; may be given again.")
    var mirrors: [String] = []
    @Flag(help: "Wait until every mirror got there.") var wait = false
    @Option(help: "How long --wait waits, with a unit: 90s, 10m, 1h30m.") var timeout = DurationOption.tenMinutes

    func run() async throws {
        let session = try FleetSession(option)
        for name in sets { _ = try session.set(name) }
        for name in mirrors { _ = try session.mirror(name) }
        let client = try session.coordinator()
        try await session.warnIfSuperseded(client)
        let order = PlanOrder(sets: sets.isEmpty ? nil : sets, mirrors: mirrors.isEmpty ? nil : mirrors)
        guard wait else {
            let answer = try await client.makePlan(order)
            switch output.format {
            case .json: try printJSON(answer.plan)
            case .table: print(PlanText.render(answer.plan), terminator: "")
            }
            session.noteUnanswered(answer)
            session.noteRefusing(answer)
            if answer.plan.hasWork {
                session.terminal.note("hint: see how far it is with: \(session.command) status")
            }
            return
        }
        var follower = SyncFollower(client: client, order: order, session: session)
        let outcome = try await follower.run(timeout: timeout.duration)
        switch output.format {
        case .json: try printJSON(outcome)
        case .table: print(outcome.text)
        }
        if outcome.mirrors.contains(where: { $0.result != .done }) { throw ExitStatus.someMirrorsFailed.code }
    }
}

/// A time on the command line: a number with a unit.
package struct DurationOption: CustomStringConvertible {
    static let tenMinutes = DurationOption(seconds: 600)
    static let quarterHour = DurationOption(seconds: 900)

    package let seconds: Int64

    var duration: Duration { .seconds(seconds) }
    package var description: String { Quantity.describe(seconds: seconds) }

    private static let longest: Int64 = 365 * 86_400

    private init(seconds: Int64) {
        self.seconds = seconds
    }

    package init?(argument: String) {
        guard let seconds = try? Quantity.seconds(argument), (1...Self.longest).contains(seconds) else { return nil }
        self.seconds = seconds
    }
}

extension DurationOption: ExpressibleByArgument {}
