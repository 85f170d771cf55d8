import FleetAPI
import FleetCertificates
import FleetModel
import LinuxIO
import Logging
import Trust

/// Keeps a long poll open with the coordinator, hands out the lines of new plans, and calls for reports.
///
/// Losing the coordinator changes nothing for what runs; the poll is tried again with growing pauses, and at once when a
/// report got through.
struct PlanFollower: Sendable {
    private static let wait = Duration.seconds(30)
    private static let firstPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(10)

    let client: CoordinatorClient
    let activity: AgentActivity
    let generations: GenerationFile
    let operators: OperatorAuthority
    let watcher: HeadWatcher
    let metadata: MetadataWatcher
    let standings: StandingKeeper
    let bandwidth: BandwidthControl
    let swarms: Swarms
    let reporter: Reporter
    let pool: BlockingPool
    let clock: WallClock
    let logger: Logger
    /// Takes the lines of a plan that this agent has not followed yet, or after a restart follows again, and the sets for
    /// which it has nothing to do.
    let follow: @Sendable (_ lines: [PlanLine], _ idle: [String]) async -> Void

    /// Follows plans until the task is cancelled.
    func run() async {
        // Asked for without a generation at first: the plan in force goes on after a restart.
        var known: Generation?
        var reports: UInt64?
        var neighbourhood: String?
        var pause = Self.firstPause
        while !Task.isCancelled {
            let seen = reporter.cameBack.count
            do {
                let answer = try await client.assignments(
                    after: known, reports: reports, neighbourhood: neighbourhood, standings: standings.tag,
                    wait: Self.wait)
                await standings.pollAnswered(answer)
                bandwidth.take(command: answer.limits.map { BandwidthControl.Command(limits: $0) })
                watcher.pollAnswered(answer.neighbourhood)
                metadata.pollAnswered(answer)
                if let neighbourhood = answer.neighbourhood {
                    bandwidth.take(neighbourhood.bandwidth)
                    swarms.take(neighbourhood.swarm)
                    bandwidth.take(yieldAbove: swarms.policy.sharing.yieldAbovePercent)
                }
                neighbourhood = answer.neighbourhoodTag
                if let last = reports, answer.reportNow != last { reporter.hurry() }
                reports = answer.reportNow
                if let generation = answer.generation, generation != known {
                    try await adopt(answer, of: generation)
                    // Only now: a plan that could not be taken note of is asked for again.
                    known = generation
                }
                pause = Self.firstPause
            } catch is CancellationError {
                return
            } catch {
                let level: Logger.Level = error is FileError ? .error : .debug
                logger.log(level: level, "the poll for plans failed", metadata: ["error": "\(error)"])
                watcher.pollFailed()
                standings.pollFailed()
                // Each agent waits a little differently, so that they do not all come back at once.
                await reporter.cameBack.wait(after: seen, atMost: pause * Double.random(in: 0.5...1.0))
                pause = min(pause * 2, Self.longestPause)
                // A coordinator that started again counts anew, and may have lost what it was told.
                reports = nil
            }
        }
    }

    /// Takes the plan `generation` unless a higher one was followed before, or no operator declared its term. Throws
    /// `FileError` if the disk does not take note of it.
    private func adopt(_ answer: AssignmentsAnswer, of generation: Generation) async throws {
        let highest = try await pool.run { [generations] in try generations.read() }
        if let highest, generation < highest {
            logger.warning(
                "an older plan was refused",
                metadata: ["generation": "\(generation)", "followed": "\(highest)"])
            return
        }
        if generation.term > highest?.term ?? 1 {
            do {
                try check(generation.term, answer.term?.bytes)
            } catch {
                refuse(generation, error)
                return
            }
        }
        if generation != highest { try await pool.run { [generations] in try generations.write(generation) } }
        activity.generation = generation
        await follow(answer.lines, answer.idle)
        // That a plan without work for us is followed can wait for the next report.
        if !answer.lines.isEmpty { reporter.hurry() }
    }

    /// Throws unless an operator declared the term `number` in `signed`.
    private func check(_ number: UInt64, _ signed: [UInt8]?) throws {
        guard let signed else { throw StatementError(FleetTerm.kind, .malformed("there is none")) }
        let term = try operators.verify(SignedTerm(decoding: signed))
        guard term.number == number else {
            throw StatementError(FleetTerm.kind, .malformed("it declares term \(term.number)"))
        }
    }

    private func refuse(_ generation: Generation, _ error: any Error) {
        logger.error(
            "a plan of a term that no operator declared was refused",
            metadata: ["generation": "\(generation)", "error": "\(error)"])
        activity.raise(
            Problem(
                code: "term-refused",
                message: "plan \(generation) was refused, no operator declared its term: \(error)",
                hint: "fleetctl coordinator new-term"), now: clock.now())
        reporter.hurry()
    }
}
