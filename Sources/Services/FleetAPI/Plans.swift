package import FleetModel

/// Body of `POST /v1/plans`: what is to be planned.
package struct PlanOrder: Codable, Sendable, Equatable {
    /// Names of the sets to plan for; nil: every one.
    package var sets: [String]?
    /// Names of the mirrors to plan for; nil: every one.
    package var mirrors: [String]?
    /// Only show the plan: it is neither kept nor handed out.
    package var dryRun: Bool
    /// How long to wait for fresh reports, in seconds (at most 30); 0: plan from the reports at hand.
    package var refreshSeconds: Int

    /// An order.
    package init(sets: [String]? = nil, mirrors: [String]? = nil, dryRun: Bool = false, refreshSeconds: Int = 5) {
        self.sets = sets
        self.mirrors = mirrors
        self.dryRun = dryRun
        self.refreshSeconds = refreshSeconds
    }
}

/// Answer to `POST /v1/plans`.
package struct PlanAnswer: Codable, Sendable, Equatable {
    /// The plan. If it was not kept, its generation is the one it would have had.
    package var plan: Plan
    /// Whether it is now the current plan.
    package var isKept: Bool
    /// Mirrors that gave no fresh report in time, ascending: away, or too slow.
    package var unanswered: [String]
    /// Mirrors that follow a plan above this one and so refuse it, ascending: the coordinator's state is older than
    /// theirs, or they lie.
    package var refusing: [String]

    /// An answer.
    package init(plan: Plan, isKept: Bool, unanswered: [String], refusing: [String] = []) {
        self.plan = plan
        self.isKept = isKept
        self.unanswered = unanswered
        self.refusing = refusing
    }
}
