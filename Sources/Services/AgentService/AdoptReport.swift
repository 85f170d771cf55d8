import FleetAPI
import FleetModel

/// What `fleet-agent adopt` says.
struct AdoptReport {
    private static let interval = Duration.seconds(2)

    private let clock = ContinuousClock()
    private let began = ContinuousClock().now
    private var next: ContinuousClock.Instant?

    /// A line of progress, when it is time for one.
    mutating func line(_ progress: CommandProgress) -> String? {
        let now = clock.now
        guard now >= next ?? began + Self.interval else { return nil }
        next = now + Self.interval
        return "\(progress.files) files, \(Quantity.describe(bytes: progress.bytes))"
    }

    /// What came of it, for an operator: what was taken, what was left and why, what comes next.
    static func text(_ summary: AdoptedSummary, _ set: String) -> String {
        var lines = [
            "\(count(summary.files)) of \(set), \(Quantity.describe(bytes: summary.bytes)):"
                + " \(summary.linkedFiles) linked, \(summary.heldFiles) equal to others"
                + (summary.knownFiles > 0 ? ", \(summary.knownFiles) of these by an earlier run" : "")
        ]
        func left(_ number: UInt64, _ reason: String) {
            if number > 0 { lines.append("left alone: \(count(number)) \(reason)") }
        }
        left(summary.otherOwner, "of another owner than the agent (chown, then adopt again)")
        left(summary.otherMode, "with a mode that is not 0644 or 0755 (chmod, then adopt again)")
        left(summary.extended, "with extended attributes")
        left(summary.otherFileSystem, "on another file system")
        left(summary.changed, "that changed meanwhile")
        left(summary.unusable, "that no release can hold, or that cannot be linked")
        if let kept = summary.keptAs {
            lines.append("the first sync puts a link in the folder's place, and the folder is kept as \(kept)")
        } else {
            lines.append("the folder stays where it is; when the set is in step nothing needs it")
        }
        return lines.joined(separator: "\n")
    }

    private static func count(_ number: UInt64) -> String { "\(number) \(number == 1 ? "file" : "files")" }
}
