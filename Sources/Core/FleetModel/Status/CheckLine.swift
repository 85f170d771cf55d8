/// The line and exit code of `fleetctl check`, as Nagios and its kin want them. docs/reference/check.md has the rules.
package struct CheckLine: Sendable, Hashable {
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    package var exitCode: Int32
    /// `FLEET WORD - text|performance data`, without a line end. The part before the bar has at most 80 characters.
    package var line: String

    /// What plugins may write on their first line.
    private static let characterLimit = 80

    /// The verdict on `status`.
    package static func render(_ status: FleetStatus, limits: CheckLimits = CheckLimits()) -> CheckLine {
        let mirrors = status.mirrors.filter { $0.role == .mirror && $0.state != .paused && $0.state != .drained }
        let good = mirrors.filter { $0.state == .inSync || $0.state == .syncing }
        if status.mirrors.isEmpty { return CheckLine(exitCode: 3, text: "no mirror in the fleet", figures: "") }
        let figures = figures(status, mirrors: mirrors, good: good.count, limits)
        if !mirrors.isEmpty, mirrors.allSatisfy({ $0.state == .unknown }) {
            return CheckLine(exitCode: 3, text: "no mirror has reported yet", figures: figures)
        }
        let critical = critical(status, mirrors: mirrors, good: good.count, limits)
        let warnings = warnings(status, limits)
        var clauses = critical
        for warning in warnings where !clauses.contains(warning) { clauses.append(warning) }
        clauses.insert("\(good.count)/\(mirrors.count) mirrors in sync", at: critical.count)
        if clauses.count == 1 { clauses.append(summary(status)) }
        let exitCode: Int32 = critical.isEmpty ? (warnings.isEmpty ? 0 : 1) : 2
        return CheckLine(exitCode: exitCode, text: joined(clauses, exitCode), figures: figures)
    }

    /// The verdict when no status can be had, e.g. because the coordinator is not reachable.
    package static func unknown(_ why: String) -> CheckLine {
        let text = why.unicodeScalars.map { scalar -> String in
            scalar == "|" || scalar.properties.generalCategory == .control ? " " : String(scalar)
        }
        let room = characterLimit - prefix(3).count
        return CheckLine(exitCode: 3, text: String(text.joined().prefix(room)), figures: "")
    }

    private init(exitCode: Int32, text: String, figures: String) {
        self.exitCode = exitCode
        line = Self.prefix(exitCode) + text + (figures.isEmpty ? "" : "|\(figures)")
    }

    private static func prefix(_ exitCode: Int32) -> String {
        "FLEET \(["OK", "WARNING", "CRITICAL", "UNKNOWN"][Int(exitCode)]) - "
    }

    /// As many clauses as fit, and how many did not.
    private static func joined(_ clauses: [String], _ exitCode: Int32) -> String {
        var text = ""
        for (index, clause) in clauses.enumerated() {
            let longer = text.isEmpty ? clause : "\(text), \(clause)"
            let left = clauses.count - index - 1
            let room = characterLimit - prefix(exitCode).count - (left > 0 ? ", +\(left) more".count : 0)
            if longer.count > room {
                return text.isEmpty ? String(clause.prefix(room)) : "\(text), +\(clauses.count - index) more"
            }
            text = longer
        }
        return text
    }

    private static func summary(_ status: FleetStatus) -> String {
        let released = status.sets.filter { $0.head != nil }.count
        switch released {
        case 0: return "no set has a release"
        case 1: return "1 set"
        default: return "\(released) sets"
        }
    }

    private static func critical(
        _ status: FleetStatus, mirrors: [MirrorStatus], good: Int, _ limits: CheckLimits
    ) -> [String] {
        var clauses: [String] = []
        for set in status.sets where set.head != nil && set.replicasCurrent < set.replicasWanted {
            clauses.append("\(set.name) \(set.replicasCurrent)/\(set.replicasWanted) copies")
        }
        if good == 0, !mirrors.isEmpty, mirrors.allSatisfy({ [.down, .failing, .unknown].contains($0.state) }) {
            clauses.append("no mirror works")
        }
        if let limit = limits.criticalLagSeconds { clauses += lagging(status, above: limit) }
        return clauses
    }

    private static func warnings(_ status: FleetStatus, _ limits: CheckLimits) -> [String] {
        var clauses: [String] = []
        for mirror in status.mirrors {
            switch mirror.state {
            case .paused, .drained: continue
            case .inSync, .syncing:
                if mirror.health != .ok { clauses.append("\(mirror.name) \(mirror.health.rawValue)") }
            case .lagging:
                let lag = mirror.sets.compactMap(\.lagSeconds).max() ?? 0
                clauses.append("\(mirror.name) lag \(Quantity.describe(seconds: lag))")
            case .failing:
                let bad = mirror.sets.reduce(0) { $0 + $1.badPaths }
                let count = bad == 0 ? "" : " (\(bad) bad \(bad == 1 ? "path" : "paths"))"
                clauses.append("\(mirror.name) failing\(count)")
            case .unknown, .down, .stale:
                clauses.append("\(mirror.name) \(mirror.state.rawValue)")
            }
        }
        if let limit = limits.warningLagSeconds { clauses += lagging(status, above: limit) }
        return clauses
    }

    private static func lagging(_ status: FleetStatus, above limit: Int64) -> [String] {
        status.mirrors.filter { $0.state != .paused && $0.state != .drained }.compactMap { mirror in
            guard let lag = mirror.sets.compactMap(\.lagSeconds).max(), lag > limit else { return nil }
            return "\(mirror.name) lag \(Quantity.describe(seconds: lag))"
        }
    }

    /// `'label'=value[UOM];warn;crit;min;max` of the monitoring plugins' guidelines.
    private static func figures(
        _ status: FleetStatus, mirrors: [MirrorStatus], good: Int, _ limits: CheckLimits
    ) -> String {
        let lag = mirrors.flatMap(\.sets).compactMap(\.lagSeconds).max() ?? 0
        let warning = limits.warningLagSeconds.map(String.init) ?? ""
        let critical = limits.criticalLagSeconds.map(String.init) ?? ""
        var figures = ["lag_max=\(lag)s;\(warning);\(critical);0"]
        figures.append("mirrors_ok=\(good);\(mirrors.count):;;0;\(mirrors.count)")
        let released = status.sets.filter { $0.head != nil }
        // Of the sets the one that is nearest to too few copies.
        let tightest = released.min {
            ($0.replicasCurrent - $0.replicasWanted, $0.name) < ($1.replicasCurrent - $1.replicasWanted, $1.name)
        }
        if let tightest {
            figures.append("replicas_min=\(tightest.replicasCurrent);;\(tightest.replicasWanted):;0")
        }
        figures.append("problems=\(status.problems.count);;;0")
        return figures.joined(separator: " ")
    }
}
