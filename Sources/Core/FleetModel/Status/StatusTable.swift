import Content

/// The status as text for people.
package enum StatusTable {
    /// The whole text, with line ends. Without colour it says all that it says with colour.
    /// - Parameter width: the columns of the terminal; nil for no limit. What does not fit is left out, least needed first.
    package static func render(_ status: FleetStatus, width: Int? = nil) -> String {
        let mirrors = status.mirrors.filter { $0.role == .mirror }.count
        let regions = Set(status.mirrors.map(\.region)).count
        var text = "\(status.fleet)  \(plural(mirrors, "mirror")) in \(plural(regions, "region"))\n"
        text += sets(status, width: width)
        text += "\n"
        text += self.mirrors(status, width: width)
        text += overrides(status)
        if !status.problems.isEmpty { text += "\n" + problems(status) }
        return text
    }

    private static func sets(_ status: FleetStatus, width: Int?) -> String {
        var table = TextTable(
            ["SET", "RELEASE", "PUBLISHED", "FILES", "SIZE", "COPIES", "ORIGIN SENT", "SIGNED BY", "ROOT"],
            rightAligned: [1, 3, 4, 6])
        for set in status.sets {
            let signers = set.trust.map { "\($0.threshold) of \(plural($0.keys, "key"))" } ?? "-"
            guard let head = set.head else {
                table.add([set.name, "-", "-", "-", "-", "0 (\(set.replicasWanted) wanted)", "-", signers, "-"])
                continue
            }
            let age = max(0, status.generatedAt - head.publishedAt)
            table.add([
                set.name, "\(head.sequence)", "\(Quantity.describe(seconds: age)) ago", "\(head.files)",
                Quantity.describe(bytes: head.bytes), "\(set.replicas) (\(set.replicasWanted) wanted)",
                set.originCopies.map { "\(hundredths($0))x" } ?? "-", signers, String(head.root.prefix(12)),
            ])
        }
        return table.text(width: width, dispensable: [8, 3, 7, 6, 2])
    }

    private static func mirrors(_ status: FleetStatus, width: Int?) -> String {
        var table = TextTable(
            ["MIRROR", "REGION", "ROLE", "STATE", "SET", "RELEASE", "LAG", "MISSING", "SEEN", "KEX"],
            rightAligned: [5, 6, 7, 8])
        for mirror in status.mirrors {
            let seen = mirror.lastSeenSeconds.map { Quantity.describe(seconds: $0) } ?? "never"
            let place = [mirror.name, mirror.region, mirror.role.rawValue]
            let end = [seen, mirror.keyExchange ?? "-"]
            if mirror.sets.isEmpty { table.add(place + [mirror.state.rawValue, "-", "-", "-", "-"] + end) }
            for set in mirror.sets {
                table.add(
                    place + [
                        state(set), set.name, set.sequence.map { "\($0)" } ?? "-", lag(set),
                        set.missingBytes == 0 ? "-" : Quantity.describe(bytes: set.missingBytes),
                    ] + end)
            }
        }
        return table.text(width: width, dispensable: [9, 2, 1, 8, 7])
    }

    private static func state(_ set: MirrorSetStatus) -> String {
        guard set.state == .syncing, let progress = set.progress, progress.bytesTotal > 0 else {
            return set.state.rawValue
        }
        let share = Double(progress.bytesDone) / Double(progress.bytesTotal) * 100
        return "syncing \(Int(max(0, min(100, share))))%"
    }

    private static func lag(_ set: MirrorSetStatus) -> String {
        guard let seconds = set.lagSeconds else { return "-" }
        guard let releases = set.lagReleases, releases > 0 else { return Quantity.describe(seconds: seconds) }
        return "\(Quantity.describe(seconds: seconds)) (\(releases))"
    }

    /// Who said what of a host beyond fleet.yaml, for how long already and still.
    private static func overrides(_ status: FleetStatus) -> String {
        let lines = status.mirrors.flatMap(\.overrides).map { override in
            let age = Quantity.describe(seconds: max(0, status.generatedAt - override.since))
            let rest = override.until.map {
                ", for another \(Quantity.describe(seconds: max(0, $0 - status.generatedAt)))"
            }
            let reason = override.reason.map { " (\(TerminalText.escape(Array($0.utf8))))" }
            return "  \(override.mirror) \(override.words), by \(override.by) \(age) ago\(rest ?? "")\(reason ?? "")\n"
        }
        return lines.isEmpty ? "" : "\n\(plural(lines.count, "override")):\n" + lines.joined()
    }

    private static func problems(_ status: FleetStatus) -> String {
        var text = "\(plural(status.problems.count, "problem")):\n"
        for problem in status.problems {
            text += "  \(problem.message)\n"
            if let hint = problem.hint { text += "    hint: \(hint)\n" }
        }
        return text
    }

    /// A small number with two digits after the point.
    private static func hundredths(_ value: Double) -> String {
        let scaled = Int(min(max(value, 0), 1e9) * 100 + 0.5)
        return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }

    private static func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
