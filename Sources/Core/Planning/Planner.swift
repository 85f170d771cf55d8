package import FleetModel
package import UpdateFramework

/// Makes plans. Pure: the same input gives the same plan, byte for byte, whatever the order of its parts.
///
/// Rules, in the order in which they are tried for one mirror and set:
/// 1. A set without a release asks for nothing.
/// 2. A mirror that is paused, drained, unknown, down or stale is neither target nor source.
/// 3. A mirror that is failing is no source, and a target only for the sets that fail: that is what repairs it.
/// 4. An origin publishes; it is sent nothing but what repairs its tree.
/// 5. A mirror without room on its disk for all that the plan would send it is neither target nor source.
/// 6. A release above the quota of its set is sent to nobody.
/// 7. A mirror that the signed policy of a set does not let fetch it is sent nothing of it.
/// 8. Without a source there is nothing to do.
/// 9. A release that fewer mirrors would hold, all in all, than the signed policy asks for before it is served, is sent to
///    nobody: they would wait for each other for ever.
package enum Planner {
    /// A plan with one line for every mirror and set asked about.
    /// - Parameters:
    ///   - releases: every registered release that is known, in any order; the head of a set has the highest sequence.
    ///   - inventory: what was seen of the mirrors, in any order.
    ///   - request: the sets and mirrors asked about; a name that is not in the fleet gets a line that says so.
    ///   - parent: the generation of the plan before; nil for the first.
    ///   - policies: what is signed of each set; a set that is not named is bound by nothing.
    ///   - generation: the number of this plan; the caller makes it higher than the parent's.
    ///   - now: Unix seconds of the coordinator's clock.
    package static func plan(
        fleet: Fleet, releases: [RegisteredRelease], inventory: [MirrorObservation], request: PlanRequest,
        parent: Generation?, generation: Generation, policies: [String: SignedPolicy] = [:], now: Int64
    ) -> Plan {
        let draft = PlanDraft(
            fleet: fleet, history: ReleaseHistory(releases),
            mirrors: MirrorAssessment.all(fleet: fleet, releases: releases, inventory: inventory, now: now),
            request: request, policies: policies)
        return Plan(generation: generation, parent: parent, createdAt: now, lines: draft.lines())
    }
}
