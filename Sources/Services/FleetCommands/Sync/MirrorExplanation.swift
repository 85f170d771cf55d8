package import FleetModel

/// Why a mirror is where it is. Pure: the status and reports in, sentences and what to do out.
package struct MirrorExplanation: Codable, Equatable {
    /// What one other host thinks of it.
    package struct Opinion: Codable, Equatable {
        package var by: String
        package var score: Int
        /// How often it sent that host wrong bytes.
        package var offences: Int
        /// Until when that host asks it for nothing, in Unix seconds of that host's clock.
        package var cutOffUntil: Int64?
    }

    /// The version of this format.
    package var version = 1
    package var mirror: MirrorStatus
    /// What others think of it, worst first; whoever is not named has nothing against it.
    package var opinions: [Opinion]
    /// Those of whom it thinks badly itself, worst first.
    package var distrusted: [SourceStanding]
    /// Problems that concern it.
    package var problems: [Problem]
    /// What to do, the most urgent first: commands without `fleetctl -f FILE`, or sentences.
    package var remedies: [String]

    /// Nil if the status does not have it.
    package init?(of name: String, _ status: FleetStatus, _ reports: [MirrorReport]) {
        guard let mirror = status.mirrors.first(where: { $0.name == name }) else { return nil }
        self.mirror = mirror
        opinions = reports.flatMap { report in
            report.standings.filter { $0.name == name }.map {
                Opinion(by: report.mirror, score: $0.score, offences: $0.offences, cutOffUntil: $0.cutOffUntil)
            }
        }.sorted { ($0.score, $0.by) < ($1.score, $1.by) }
        let own = reports.first { $0.mirror == name }?.standings ?? []
        distrusted = own.sorted { ($0.score, $0.name) < ($1.score, $1.name) }
        problems = status.problems.filter { $0.mirror == name }
        remedies = Self.remedies(mirror, opinions, problems)
    }

    private static func remedies(_ mirror: MirrorStatus, _ opinions: [Opinion], _ problems: [Problem]) -> [String] {
        var remedies: [String] = []
        if [.down, .stale, .unknown].contains(mirror.state) {
            remedies.append("see whether fleet-agent runs on \(mirror.name), and reaches the coordinator")
        }
        for override in mirror.overrides {
            switch override.kind {
            case .paused: remedies.append("mirror resume \(mirror.name)")
            case .drained: remedies.append("mirror undrain \(mirror.name)")
            case .limited: remedies.append("mirror limit \(mirror.name)")
            }
        }
        if opinions.contains(where: { $0.offences > 0 }) {
            remedies.append("verify \(mirror.name)")
            if opinions.contains(where: { $0.cutOffUntil != nil }) {
                remedies.append("mirror pardon \(mirror.name)")
            }
        }
        for hint in problems.compactMap(\.hint) where !remedies.contains(hint) { remedies.append(hint) }
        return remedies
    }

    /// For people; commands are those of `command`, `fleetctl -f FILE`.
    package func text(command: String) -> String {
        var lines = ["\(mirror.name)  \(mirror.role.rawValue) in \(mirror.region)  \(mirror.state.rawValue)"]
        lines.append(
            "  health      \(mirror.health.rawValue)" + mirror.reasons.map { "\n                \($0)" }.joined())
        lines.append(
            "  seen        " + (mirror.lastSeenSeconds.map { "\(Quantity.describe(seconds: $0)) ago" } ?? "never"))
        for override in mirror.overrides { lines.append("  operators   \(override.sentence)") }
        for set in mirror.sets { lines.append("  \(Self.line(set))") }
        for opinion in opinions {
            lines.append(
                "  \(opinion.by) says  score \(opinion.score) of 1000"
                    + (opinion.offences > 0 ? ", wrong bytes \(opinion.offences)x" : "")
                    + (opinion.cutOffUntil.map { ", asked for nothing until \(CivilTime.text($0))" } ?? ""))
        }
        for standing in distrusted {
            lines.append(
                "  it says     \(standing.name) has score \(standing.score) of 1000"
                    + (standing.cutOffUntil.map { ", and is asked for nothing until \(CivilTime.text($0))" } ?? ""))
        }
        for problem in problems { lines.append("  problem     \(problem.message)") }
        if !remedies.isEmpty { lines.append("what to do:") }
        for remedy in remedies {
            let isCommand = remedy.hasPrefix("mirror ") || remedy.hasPrefix("verify ")
            lines.append("  " + (isCommand ? "\(command) \(remedy)" : remedy))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ set: MirrorSetStatus) -> String {
        var line = "\(set.name)  \(set.state.rawValue), release \(set.sequence.map { "\($0)" } ?? "none")"
        if let releases = set.lagReleases, releases > 0 { line += ", \(releases) behind" }
        if set.badPaths > 0 { line += ", \(set.badPaths) bad paths" }
        if let progress = set.progress {
            line += ", \(progress.phase): \(Quantity.describe(bytes: progress.bytesDone)) of"
            line += " \(Quantity.describe(bytes: progress.bytesTotal))"
        }
        if let failure = set.lastSync?.failure { line += ", the last sync failed: \(failure)" }
        return line
    }
}
