import FleetModel
import Synchronization

/// What an agent is doing and how it went, set by set: the part of a report that is in no file.
final class AgentActivity: Sendable {
    /// Problems are forgotten after this long, in seconds: what still is wrong is seen again.
    private static let problemLifetime: Int64 = 3_600
    /// The most problems kept; further ones of the same kind say nothing new.
    private static let problemLimit = 100

    /// What is known of one set.
    struct SetState: Sendable {
        var activity = SetActivity.idle
        var progress: SyncProgress?
        var lastSync: SyncSummary?
        var lastFailure: String?
        var failedAttempts: UInt64 = 0
        var isFailureFinal = false
        var missingBytes: UInt64 = 0
    }

    private struct State {
        var sets: [String: SetState] = [:]
        var problems: [(problem: Problem, raisedAt: Int64)] = []
        var generation: Generation?
    }

    private let state = Mutex(State())
    /// Raised when something changed that a report should say soon.
    let changed = Signal()
    /// Raised, before `changed`, when that report should not wait for its turn.
    let urgent = Signal()

    /// What is known of the set `name`.
    func set(_ name: String) -> SetState {
        state.withLock { $0.sets[name] ?? SetState() }
    }

    /// Names of the sets about which something is known, ascending.
    var names: [String] { state.withLock { $0.sets.keys.sorted() } }

    /// Changes what is known of the set `name`; `isNews` wakes the reporter, `isUrgent` lets it not wait for its turn.
    func update(
        _ name: String, isNews: Bool = true, isUrgent: Bool = false, _ change: (inout SetState) -> Void
    ) {
        state.withLock { change(&$0.sets[name, default: SetState()]) }
        if isUrgent { urgent.raise() }
        if isNews { changed.raise() }
    }

    /// Takes note of a problem; the same one again only renews it.
    func raise(_ problem: Problem, now: Int64) {
        let isNew = state.withLock { state in
            let known = state.problems.firstIndex { $0.problem == problem }
            if let known { state.problems.remove(at: known) }
            state.problems.append((problem, now))
            if state.problems.count > Self.problemLimit { state.problems.removeFirst() }
            return known == nil
        }
        if isNew { changed.raise() }
    }

    /// Forgets problems of one kind: they are over.
    func settle(_ code: String) {
        let wasThere = state.withLock { state in
            let count = state.problems.count
            state.problems.removeAll { $0.problem.code == code }
            return state.problems.count < count
        }
        if wasThere { changed.raise() }
    }

    /// Problems that are not too old, in the order in which they were last seen.
    func problems(now: Int64) -> [Problem] {
        state.withLock { state in
            state.problems.removeAll { now - $0.raisedAt > Self.problemLifetime }
            return state.problems.map(\.problem)
        }
    }

    /// The plan that is followed.
    var generation: Generation? {
        get { state.withLock { $0.generation } }
        set { state.withLock { $0.generation = newValue } }
    }
}
