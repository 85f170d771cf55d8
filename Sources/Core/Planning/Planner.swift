package import FleetModel

/// Makes plans. Pure: the same input gives the same plan, byte for byte, whatever the order of its parts.
package enum Planner {
    /// A plan with one line for every mirror and set asked about.
    /// - Parameters:
    ///   - releases: every registered release that is known, in any order; the head of a set has the highest sequence.
    ///   - inventory: what was seen of the mirrors, in any order.
    ///   - request: the sets and mirrors asked about; a name that is not in the fleet gets a line that says so.
    ///   - parent: the generation of the plan before; nil for the first.
    ///   - generation: the number of this plan.
    ///   - now: Unix seconds of the coordinator's clock.
    package static func plan(
        fleet: Fleet, releases: [RegisteredRelease], inventory: [MirrorObservation], request: PlanRequest,
        parent: Generation?, generation: Generation, now: Int64
    ) -> Plan {
        Plan(generation: generation, parent: parent, createdAt: now, lines: [])
    }
}
