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
            self = .act(Self.repair(set, head, fault, mirror, history))
            return
        }
        if set.servesHead, set.missingBytes == 0 || set.report?.activity == .syncing {
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
        self = .act(Self.work(set, head, mirror, history))
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
        _ set: SetAssessment, _ head: RegisteredRelease, _ fault: SetFault, _ mirror: MirrorAssessment,
        _ history: ReleaseHistory
    ) -> Work {
        let (bytes, basis) = estimate(set, head, mirror, history)
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
    private static func work(
        _ set: SetAssessment, _ head: RegisteredRelease, _ mirror: MirrorAssessment, _ history: ReleaseHistory
    ) -> Work {
        let (bytes, basis) = estimate(set, head, mirror, history)
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
        _ set: SetAssessment, _ head: RegisteredRelease, _ mirror: MirrorAssessment, _ history: ReleaseHistory
    ) -> (bytes: UInt64, basis: String) {
        if set.missingBytes > 0 {
            return (set.missingBytes, "\(Quantity.describe(bytes: set.missingBytes)) to move as it reports missing")
        }
        let whole = Quantity.describe(bytes: head.bytes)
        guard let sequence = set.report?.sequence ?? storedSequence(set, mirror, history) else {
            return (head.bytes, "about \(whole) to move, the whole release")
        }
        if sequence == head.sequence { return (0, "no bytes known to be missing") }
        guard let held = history.release(sequence, of: set.policy.name) else {
            return (head.bytes, "at most \(whole) to move, what it holds is not known")
        }
        guard head.bytes > held.bytes else { return (0, "how much to move is not known, the set did not grow") }
        let growth = head.bytes - held.bytes
        return (growth, "at least \(Quantity.describe(bytes: growth)) to move, estimated by how much the set grew")
    }

    /// The release that a mirror without a served tree served last, if its store is large enough to hold it still: a
    /// link moved by hand must not look like a lost disk.
    private static func storedSequence(
        _ set: SetAssessment, _ mirror: MirrorAssessment, _ history: ReleaseHistory
    ) -> UInt64? {
        for case .noTree(let last) in set.faults {
            guard let held = history.release(last, of: set.policy.name) else { return nil }
            return mirror.observation?.report.disk.storeBytes ?? 0 >= held.bytes ? last : nil
        }
        return nil
    }
}
