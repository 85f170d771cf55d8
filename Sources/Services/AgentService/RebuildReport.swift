import FleetModel
import Store

/// What `fleet-agent rebuild` says.
struct RebuildReport {
    private static let interval = Duration.seconds(2)

    private let clock = ContinuousClock()
    private var next: ContinuousClock.Instant?

    /// A line of progress, when it is time for one.
    mutating func line(_ progress: RebuildProgress) -> String? {
        let now = clock.now
        guard now >= next ?? now else { return nil }
        next = now + Self.interval
        return "read \(progress.files) of \(progress.totalFiles) files, \(progress.bytes) bytes"
    }

    /// Tells what came of it, for an operator: what is known again, and what the next sync has to do.
    static func print(_ outcome: RebuildOutcome) {
        Swift.print("\(outcome.files) files, \(outcome.bytes) bytes: hashed again and entered")
        for release in outcome.releases {
            let place = "\(release.set) release \(release.sequence)\(release.isServed ? ", served" : "")"
            guard let fault = release.fault else {
                Swift.print("\(place): as it was signed")
                continue
            }
            Swift.print("\(place): \(fault)\(release.isServed ? "; the next sync repairs it" : "; not kept")")
        }
        for set in outcome.unknownSets {
            Swift.print(
                "\(set): served, but its signed release is not here; the next sync fetches it, without its chunks")
        }
        for name in outcome.bad { Swift.print("bad blob, moved to quarantine: \(name)") }
        if let old = outcome.oldDatabase {
            Swift.print("the old database is kept as \(old); remove it when all is well")
        }
    }
}
