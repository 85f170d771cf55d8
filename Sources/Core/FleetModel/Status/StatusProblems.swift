/// The problems of a fleet, one line each, with what to do.
enum StatusProblems {
    /// Bad paths named one by one for each set of a mirror; a dying disk has thousands, and the first few tell the story.
    private static let namedPathLimit = 20

    static func list(_ assessments: [MirrorAssessment], _ sets: [SetStatus]) -> [Problem] {
        var problems: [Problem] = []
        let yanks = Dictionary(
            sets.compactMap { set in set.trust?.yanked.map { (set.name, $0) } }, uniquingKeysWith: { first, _ in first }
        )
        for set in sets where set.head != nil && set.replicasCurrent < set.replicasWanted {
            problems.append(
                Problem(
                    code: "under-replicated", set: set.name,
                    message: "\(set.name) has \(set.replicasCurrent) of \(set.replicasWanted) wanted copies",
                    hint: "fleetctl sync \(set.name) --wait"))
        }
        for mirror in assessments {
            problems += contact(mirror)
            for set in mirror.sets { problems += faults(mirror, set) + pendingYanks(mirror, set, yanks) }
            problems += (mirror.observation?.report.problems ?? []).map {
                var problem = $0
                problem.mirror = mirror.policy.name
                return problem
            }
        }
        return problems.sorted { key($0).lexicographicallyPrecedes(key($1)) }
    }

    private static func key(_ problem: Problem) -> [String] {
        [
            problem.mirror ?? "", problem.set ?? "", problem.path ?? "", problem.code, problem.message,
            problem.hint ?? "",
        ]
    }

    /// Nobody is told that a mirror is silent which they paused or drained themselves.
    private static func contact(_ mirror: MirrorAssessment) -> [Problem] {
        guard mirror.policy.override == nil, let contact = mirror.contact else { return [] }
        let name = mirror.policy.name
        let message =
            if let age = mirror.ageSeconds {
                "\(name) is \(contact.rawValue): no report for \(Quantity.describe(seconds: age)),"
                    + " \(mirror.missedReports) missed"
            } else {
                "\(name) never reported"
            }
        return [
            Problem(
                code: contact.rawValue, mirror: name, message: message,
                hint: "see on \(name) whether fleet-agent runs and what its log says")
        ]
    }

    /// Also of a mirror that is paused or drained: it may serve clients still.
    private static func pendingYanks(
        _ mirror: MirrorAssessment, _ set: SetAssessment, _ yanks: [String: String]
    ) -> [Problem] {
        guard let wanted = yanks[set.policy.name], set.report?.yanked != wanted, set.report?.sequence != nil else {
            return []
        }
        let name = mirror.policy.name
        return [
            Problem(
                code: "yank-pending", mirror: name, set: set.policy.name,
                message: "\(name) has not said that it serves nothing more of what was yanked from \(set.policy.name)",
                hint: "see on \(name) whether fleet-agent runs and reaches its neighbours; else stop its web server")
        ]
    }

    private static func faults(_ mirror: MirrorAssessment, _ set: SetAssessment) -> [Problem] {
        let name = mirror.policy.name
        let setName = set.policy.name
        let sync = "fleetctl sync \(setName) --mirror \(name) --wait"
        var problems: [Problem] = []
        for fault in set.faults {
            if case .badPaths = fault, let paths = set.report?.badPaths {
                problems += paths.sorted { $0.path < $1.path }.prefix(namedPathLimit).map {
                    Problem(
                        code: "bad-path", mirror: name, set: setName, path: $0.path,
                        message: "\(name): \(setName)/\($0.path) is bad (\($0.reason)), it is no longer served",
                        hint: sync)
                }
                if paths.count <= namedPathLimit { continue }
            }
            problems.append(
                Problem(
                    code: fault.code, mirror: name, set: setName, message: "\(name): \(setName): \(fault.text)",
                    hint: sync))
        }
        guard set.head != nil, mirror.standing == nil else { return problems }
        if set.isLagging {
            let message = "\(name): \(setName) is \(StatusComputation.lagText(set))"
            problems.append(Problem(code: "lagging", mirror: name, set: setName, message: message, hint: sync))
        }
        if let head = set.head, let sequence = set.report?.sequence, sequence > head.sequence {
            let message =
                "\(name) serves \(setName) \(sequence), which is not registered; the newest known is \(head.sequence)"
            problems.append(
                Problem(
                    code: "unregistered-release", mirror: name, set: setName, message: message,
                    hint: "publish again from the origin, or restore the coordinator's state"))
        }
        return problems
    }
}
