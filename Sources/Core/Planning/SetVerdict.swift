import FleetModel

/// Whether a mirror has something to do for a set, before disk and sources are looked at.
enum SetVerdict {
    /// Nothing, and why.
    case nothing(Reason)
    /// Something.
    case act(Work)

    /// What is to be done.
    struct Work {
        var action: PlanAction
        /// Bytes to move, an estimate.
        var bytes: UInt64
        var reason: Reason
    }

    var reason: Reason {
        switch self {
        case .nothing(let reason): reason
        case .act(let work): work.reason
        }
    }

    init(mirror: MirrorAssessment, set: SetAssessment, history: ReleaseHistory) {
        let name = mirror.policy.name
        guard let head = set.head else {
            self = .nothing(Reason(code: .noRelease, text: "\(set.policy.name) has no release"))
            return
        }
        if let reason = Self.standing(mirror) {
            self = .nothing(reason)
            return
        }
        if mirror.policy.role == .origin, !set.faults.contains(where: \.concernsTree) {
            let text = "\(name) publishes \(set.policy.name), it is not sent releases"
            self = .nothing(Reason(code: .publishes, text: text))
            return
        }
        if let fault = set.faults.first {
            self = .act(Self.repair(set, head, fault, history))
            return
        }
        if set.servesHead, set.report?.missingBytes ?? 0 == 0 || set.report?.activity == .syncing {
            self = .nothing(Reason(code: .inSync, text: "\(name) serves the head \(head.sequence)"))
            return
        }
        if let sequence = set.report?.sequence, sequence > head.sequence {
            let text = "\(name) serves \(sequence), newer than the newest registered release \(head.sequence)"
            self = .nothing(Reason(code: .ahead, text: text))
            return
        }
        if let failing = Self.failing(mirror) {
            self = .nothing(failing)
            return
        }
        self = .act(Self.work(set, head, history))
    }

    /// Why the mirror as a whole takes no part: the operator's word, or that it does not report.
    static func standing(_ mirror: MirrorAssessment) -> Reason? {
        let name = mirror.policy.name
        let silence =
            "no report for \(Quantity.describe(seconds: mirror.ageSeconds ?? 0)), \(mirror.missedReports) missed"
        switch mirror.standing {
        case .paused: return Reason(code: .paused, text: "\(name) is paused in fleet.yaml")
        case .drained: return Reason(code: .drained, text: "\(name) is drained in fleet.yaml")
        case .unknown: return Reason(code: .unknown, text: "\(name) never reported")
        case .down: return Reason(code: .down, text: "\(name) is down: \(silence)")
        case .stale: return Reason(code: .stale, text: "\(name) is stale: \(silence)")
        default: return nil
        }
    }

    /// That the mirror is failing, and by which sets.
    static func failing(_ mirror: MirrorAssessment) -> Reason? {
        let faults = mirror.failingSets.compactMap { set in
            set.faults.first.map { "\(set.policy.name): \($0.text)" }
        }
        guard !faults.isEmpty else { return nil }
        return Reason(
            code: .failing, text: "\(mirror.policy.name) is failing: \(faults.joined(separator: "; "))")
    }

    /// What makes a failing set whole: the same release again, or the head when that is newer.
    private static func repair(
        _ set: SetAssessment, _ head: RegisteredRelease, _ fault: SetFault, _ history: ReleaseHistory
    ) -> Work {
        let (bytes, basis) = estimate(set, head, history)
        let code: ReasonCode =
            switch fault {
            case .badPaths: .badPaths
            case .wrongRoot, .noTree, .movedBack: .wrongTree
            case .failedSync: .retry
            }
        let target = set.report?.sequence == head.sequence ? "makes \(head.sequence) whole" : "brings \(head.sequence)"
        return Work(
            action: fault.concernsTree ? .repair : .sync, bytes: bytes,
            reason: Reason(code: code, text: "\(fault.text); \(target), \(basis)"))
    }

    /// What brings a sound mirror to the head.
    private static func work(_ set: SetAssessment, _ head: RegisteredRelease, _ history: ReleaseHistory) -> Work {
        let (bytes, basis) = estimate(set, head, history)
        guard let sequence = set.report?.sequence else {
            let text = "has no release yet, the head is \(head.sequence); \(basis)"
            return Work(action: .sync, bytes: bytes, reason: Reason(code: .firstRelease, text: text))
        }
        if set.servesHead {
            let text = "serves the head \(sequence) and misses bytes of it; \(basis)"
            return Work(action: .repair, bytes: bytes, reason: Reason(code: .missing, text: text))
        }
        let text = "serves \(sequence), \(set.lagReleases ?? 0) behind the head \(head.sequence); \(basis)"
        return Work(action: .sync, bytes: bytes, reason: Reason(code: .behind, text: text))
    }

    /// Bytes to move, and what that figure rests on.
    private static func estimate(
        _ set: SetAssessment, _ head: RegisteredRelease, _ history: ReleaseHistory
    ) -> (bytes: UInt64, basis: String) {
        let missing = set.report?.missingBytes ?? 0
        if missing > 0 {
            return (missing, "\(Quantity.describe(bytes: missing)) to move as it reports missing")
        }
        guard let sequence = set.report?.sequence else {
            return (head.bytes, "about \(Quantity.describe(bytes: head.bytes)) to move, the whole release")
        }
        if sequence == head.sequence { return (0, "no bytes known to be missing") }
        guard let held = history.release(sequence, of: set.policy.name) else {
            let text = "at most \(Quantity.describe(bytes: head.bytes)) to move, what it holds is not known"
            return (head.bytes, text)
        }
        let growth = head.bytes - min(head.bytes, held.bytes)
        return (growth, "about \(Quantity.describe(bytes: growth)) to move, estimated by how much the set grew")
    }
}
