import FleetModel

/// Whom a target may ask for a release, best first, and who holds it and is left out.
///
/// Mirrors of the target's region come first, then the others, the origin last. Among equals every target begins with
/// the one whose name follows its own, so that not all ask the same one first.
struct SourceChoice {
    private(set) var sources: [PlanSource] = []
    /// Sorted by name.
    private(set) var leftOut: [LeftOutSource] = []

    init(
        target: MirrorAssessment, head: RegisteredRelease, mirrors: [MirrorAssessment], shortages: [String: Reason]
    ) {
        var fit: [MirrorAssessment] = []
        for mirror in mirrors where mirror.policy.name != target.policy.name {
            guard let set = mirror.sets.first(where: { $0.policy.name == head.set }) else { continue }
            let isOrigin = mirror.policy.role == .origin
            // An origin that is no source is always worth a word: everything came from it.
            guard isOrigin || set.report?.sequence == head.sequence else { continue }
            let obstacle =
                SetVerdict.standing(mirror) ?? SetVerdict.failing(mirror) ?? shortages[mirror.policy.name]
                ?? Self.absence(mirror, set, head)
            if let obstacle {
                leftOut.append(LeftOutSource(name: mirror.policy.name, reason: obstacle))
            } else {
                fit.append(mirror)
            }
        }
        sources = fit.sorted { Self.order($0, target) < Self.order($1, target) }.map {
            PlanSource(name: $0.policy.name, address: $0.policy.address, sequence: head.sequence)
        }
    }

    /// Why a mirror that is well does not have exactly this release; nil when it has it.
    ///
    /// A release is registered only after its origin has committed it, so an origin whose last report is older than
    /// that holds it as well.
    private static func absence(
        _ mirror: MirrorAssessment, _ set: SetAssessment, _ head: RegisteredRelease
    ) -> Reason? {
        if set.servesHead { return nil }
        if mirror.policy.role == .origin, let seen = mirror.observation?.receivedAt, seen <= head.registeredAt {
            return nil
        }
        let served = set.report?.sequence.map { "\($0)" } ?? "no release"
        return Reason(
            code: .behind, text: "\(mirror.policy.name) serves \(served) of \(head.set) and not \(head.sequence)")
    }

    private static func order(_ mirror: MirrorAssessment, _ target: MirrorAssessment) -> (Int, Int, String) {
        let distance =
            mirror.policy.role == .origin ? 2 : mirror.policy.region == target.policy.region ? 0 : 1
        return (distance, mirror.policy.name > target.policy.name ? 0 : 1, mirror.policy.name)
    }
}
