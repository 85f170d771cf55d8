import FleetModel

/// Whom a target may ask for a release, best first, and who holds it and is left out.
///
/// Mirrors of the target's region come first, then the others, the origin last. Among equals the targets
/// of one plan take turns in whom they ask first, so that not all ask the same one.
struct SourceChoice {
    private(set) var sources: [PlanSource] = []
    /// Sorted by name.
    private(set) var leftOut: [LeftOutSource] = []

    /// - Parameters:
    ///   - turn: how many targets of this release came before in the plan.
    ///   - mirrors: every mirror, sorted by name.
    ///   - shortages: the mirrors that are short of disk.
    init(
        target: MirrorAssessment, turn: Int, head: RegisteredRelease, mirrors: [MirrorAssessment],
        shortages: [String: Reason]
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
        for tier in 0...2 {
            let equals = fit.filter { Self.tier($0, target) == tier }
            guard !equals.isEmpty else { continue }
            let start = turn % equals.count
            sources += (equals[start...] + equals[..<start]).map {
                PlanSource(
                    name: $0.policy.name, address: $0.policy.address, sequence: head.sequence, region: $0.policy.region)
            }
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

    /// 0 for the target's own region, 1 for another, 2 for an origin.
    private static func tier(_ mirror: MirrorAssessment, _ target: MirrorAssessment) -> Int {
        if mirror.policy.role == .origin { return 2 }
        return mirror.policy.region == target.policy.region ? 0 : 1
    }
}
