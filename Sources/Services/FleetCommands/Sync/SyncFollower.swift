import FleetAPI
import FleetModel

/// Follows a sync: asks for a plan, watches the status until every mirror of it got there, asks again for mirrors that
/// the plan had to leave out and that are back.
struct SyncFollower {
    /// How often a plan is asked for anew while mirrors wait that nothing is done for.
    private static let replanInterval = Duration.seconds(2)
    /// The longest wait for one change of the status; so often progress is drawn at least.
    private static let pollWait = Duration.seconds(1)
    /// For so long a coordinator that does not answer is asked again: agents go on without it.
    private static let retryPause = Duration.milliseconds(500)
    /// Sources that a line of progress names.
    private static let shownSources = 3

    private let client: CoordinatorClient
    private let order: PlanOrder
    private let session: FleetSession
    private var view: ProgressView
    private var plan: Plan?
    /// Hosts that gave no fresh report for the plan: what is known of them may have passed.
    private var unanswered: Set<String> = []
    /// The plan in force when a mirror was first seen to be asked to act, by mirror and set.
    private var asked: Set<String> = []
    private let clock = ContinuousClock()

    init(client: CoordinatorClient, order: PlanOrder, session: FleetSession) {
        self.client = client
        self.order = order
        self.session = session
        self.view = ProgressView(terminal: session.terminal)
    }

    /// Runs until every mirror is done, everything left has failed for good, or `timeout` is over.
    mutating func run(timeout: Duration) async throws -> SyncOutcome {
        let began = clock.now
        let deadline = began + timeout
        let first = try await client.makePlan(order)
        adopt(first)
        session.noteRefusing(first)
        var plannedAt = clock.now
        var change: UInt64?
        while true {
            let status: FleetStatus
            do {
                let answer = try await client.status(after: change, wait: change == nil ? .zero : Self.pollWait)
                (status, change) = (answer.status, answer.change)
            } catch let error as APIError where error.exitCode == ExitStatus.tryAgain.rawValue && clock.now < deadline {
                try await Task.sleep(for: Self.retryPause)
                continue
            }
            let targets = targets(in: status)
            draw(targets, status, now: clock.now - began)
            let isOver = targets.allSatisfy { $0.verdict != .pending } || clock.now >= deadline
            if isOver { return outcome(of: targets, status: status, seconds: (clock.now - began).inSeconds) }
            let isIdle = targets.contains { $0.verdict == .pending && !$0.isActive }
            if isIdle, clock.now - plannedAt >= Self.replanInterval {
                plannedAt = clock.now
                var again = order
                again.refreshSeconds = 1
                if let answer = try? await client.makePlan(again) { adopt(answer) }
            }
        }
    }

    private mutating func adopt(_ answer: PlanAnswer) {
        plan = answer.plan
        unanswered = Set(answer.unanswered)
        for line in answer.plan.lines where line.action != .none { asked.insert("\(line.mirror)/\(line.set)") }
    }

    /// How far one mirror is with one set.
    private struct Target {
        enum Verdict: Equatable {
            case pending
            case done
            case failed(String)
        }

        var line: PlanLine
        var state: MirrorSetStatus?
        var verdict: Verdict
        var isActive: Bool
    }

    /// The lines of the plan that this command waits for, with what the status says of each.
    private func targets(in status: FleetStatus) -> [Target] {
        let notWaitedFor: Set<ReasonCode> = [
            .paused, .drained, .noRelease, .publishes, .notCarried, .notInFleet,
        ]
        return (plan?.lines ?? []).compactMap { line in
            // The origin of a set is sent nothing, also when the plan had another reason to leave it out.
            guard !notWaitedFor.contains(line.reason.code), session.fleet.set(named: line.set)?.origin != line.mirror
            else { return nil }
            let mirror = status.mirrors.first { $0.name == line.mirror }
            let state = mirror?.sets.first { $0.name == line.set }
            let head = status.sets.first { $0.name == line.set }?.head
            let isActive = state?.activity == .syncing
            var target = Target(line: line, state: state, verdict: .pending, isActive: isActive)
            // What follows the plan has reported since the plan was made.
            let isFresh =
                !unanswered.contains(line.mirror)
                || (plan.map { mirror?.generation == $0.generation.description } ?? false)
            let isSeen =
                isFresh
                && (mirror.map { ![.unknown, .down, .stale].contains($0.state) } ?? false)
            // A sync that has just flipped still has to say what it moved.
            if let state, let head, isSeen, !isActive, state.sequence == head.sequence, state.root == head.root,
                state.badPaths == 0, state.missingBytes == 0, state.state != .failing
            {
                target.verdict = .done
            } else if line.reason.code == .shortOfDisk || line.reason.code == .overQuota {
                target.verdict = .failed(line.reason.text)
            } else if let state, !isActive, state.state == .failing, let last = state.lastSync,
                last.sequence == line.sequence, let failure = last.failure,
                let plan, mirror?.generation == plan.generation.description
            {
                target.verdict = .failed(failure)
            }
            return target
        }
    }

    private mutating func draw(_ targets: [Target], _ status: FleetStatus, now: Duration) {
        var rows = targets.map { target in
            let progress = target.state?.progress
            let total = max(progress?.bytesTotal ?? 0, target.verdict == .done ? 0 : target.line.bytes)
            let label = "\(target.line.mirror) \(target.line.set)"
            switch target.verdict {
            case .done:
                let release = target.line.sequence.map { " \($0)" } ?? ""
                return ProgressRow(label: label, done: 0, total: 0, note: "serves release\(release)", isFinished: true)
            case .failed(let why):
                return ProgressRow(label: label, done: 0, total: total, note: "failed: \(why)", isFinished: true)
            case .pending:
                let note =
                    progress.map(Self.note) ?? (target.line.action == .none ? target.line.reason.text : "waiting")
                return ProgressRow(
                    label: label, done: min(progress?.bytesDone ?? 0, total), total: total, note: note)
            }
        }
        for set in status.sets {
            guard targets.contains(where: { $0.line.set == set.name && $0.verdict == .pending && $0.isActive }),
                let copies = set.originCopies
            else { continue }
            rows.append(
                ProgressRow(
                    label: "origin \(set.name)", done: set.originBytes, total: 0,
                    note: "sent, \(Quantity.decimal(copies, digits: 2)) copies"))
        }
        view.show(rows, now: now.inSeconds)
    }

    /// `chunks from origin 1.2 MB, m2 3.4 MB`, the sources that brought most first.
    private static func note(_ progress: SyncProgress) -> String {
        let sources = progress.bytesBySource.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard !sources.isEmpty else { return progress.phase }
        let shown = sources.prefix(Self.shownSources).map { "\($0.key) \(Quantity.describe(bytes: $0.value))" }
        let more = sources.count > Self.shownSources ? " and \(sources.count - Self.shownSources) more" : ""
        return "\(progress.phase) from \(shown.joined(separator: ", "))\(more)"
    }

    private func outcome(of targets: [Target], status: FleetStatus, seconds: Double) -> SyncOutcome {
        var sets: [String: [SyncOutcome.SetOutcome]] = [:]
        for target in targets {
            // What the last sync moved counts only if this command asked for it.
            let wasAsked = asked.contains("\(target.line.mirror)/\(target.line.set)")
            let last = wasAsked ? target.state?.lastSync : nil
            let reason: String? =
                switch target.verdict {
                case .done: last == nil ? target.line.reason.text : nil
                case .failed(let why): why
                case .pending where unanswered.contains(target.line.mirror): "gave no fresh report"
                case .pending: target.line.action == .none ? target.line.reason.text : "not done at the deadline"
                }
            sets[target.line.mirror, default: []].append(
                SyncOutcome.SetOutcome(
                    name: target.line.set, sequence: target.state?.sequence,
                    result: target.verdict == .done ? .done : .failed, reason: reason, seconds: last?.seconds ?? 0,
                    bytesBySource: last?.bytesBySource ?? [:], chunksFetched: last?.chunksFetched ?? 0,
                    chunksReused: last?.chunksReused ?? 0, roundTrips: last?.roundTrips ?? 0,
                    retimedFiles: last?.retimed?.files ?? 0, retimedBytes: last?.retimed?.bytes ?? 0))
        }
        let wanted = Set(targets.map(\.line.set))
        let releases = status.sets.compactMap { set -> SyncOutcome.Release? in
            guard wanted.contains(set.name), let head = set.head else { return nil }
            let received = sets.values.joined().filter { $0.name == set.name }.map(\.bytesBySource)
            let share = OriginShare(origin: session.fleet.set(named: set.name)?.origin ?? "", received: received)
            return SyncOutcome.Release(
                set: set.name, sequence: head.sequence, root: head.root, originBytes: share.bytes,
                originCopies: share.copies)
        }
        return SyncOutcome(
            release: releases.count == 1 ? releases.first : nil, releases: releases, seconds: seconds,
            mirrors: sets.sorted { $0.key < $1.key }.map { SyncOutcome.Mirror(name: $0.key, sets: $0.value) })
    }
}
