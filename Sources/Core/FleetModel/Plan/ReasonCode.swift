/// A stable word for why a plan does or does not do something.
///
/// A plain word and no closed enum, so that an older agent can read a newer coordinator's plan.
package struct ReasonCode: RawRepresentable, Codable, Sendable, Hashable, CustomStringConvertible {
    /// The word.
    package var rawValue: String

    /// Takes any word.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// The word.
    package var description: String { rawValue }

    /// The mirror holds no release of the set yet.
    package static let firstRelease = ReasonCode(rawValue: "first-release")
    /// The mirror serves an older release.
    package static let behind = ReasonCode(rawValue: "behind")
    /// Paths of what it serves are bad.
    package static let badPaths = ReasonCode(rawValue: "bad-paths")
    /// Bytes of what it serves are missing.
    package static let missing = ReasonCode(rawValue: "missing")
    /// The served link names something else than the agent put there.
    package static let wrongTree = ReasonCode(rawValue: "wrong-tree")
    /// Earlier attempts failed; this one tries again.
    package static let retry = ReasonCode(rawValue: "retry")
    /// The coordinator is away, and neighbours have a newer release.
    package static let heard = ReasonCode(rawValue: "heard")
    /// It serves the head already.
    package static let inSync = ReasonCode(rawValue: "in-sync")
    /// It serves a newer release than the coordinator knows.
    package static let ahead = ReasonCode(rawValue: "ahead")
    /// The set has no release.
    package static let noRelease = ReasonCode(rawValue: "no-release")
    /// The host publishes the set, it is not sent releases.
    package static let publishes = ReasonCode(rawValue: "publishes")
    /// The operator paused the mirror.
    package static let paused = ReasonCode(rawValue: "paused")
    /// The operator drained the mirror.
    package static let drained = ReasonCode(rawValue: "drained")
    /// The mirror never reported.
    package static let unknown = ReasonCode(rawValue: "unknown")
    /// The mirror missed ten reports or more.
    package static let down = ReasonCode(rawValue: "down")
    /// The mirror missed three reports or more.
    package static let stale = ReasonCode(rawValue: "stale")
    /// The mirror is failing, and this would not repair it.
    package static let failing = ReasonCode(rawValue: "failing")
    /// The mirror's disk has no room for the plan.
    package static let shortOfDisk = ReasonCode(rawValue: "short-of-disk")
    /// The release is larger than the quota of its set.
    package static let overQuota = ReasonCode(rawValue: "over-quota")
    /// The signed policy does not let the mirror fetch the set.
    package static let notAllowed = ReasonCode(rawValue: "not-allowed")
    /// Fewer mirrors would hold the release than must before it is served.
    package static let tooFewMirrors = ReasonCode(rawValue: "too-few-mirrors")
    /// Nobody fit to be a source holds the release.
    package static let noSource = ReasonCode(rawValue: "no-source")
    /// The mirror was asked for by name and does not carry the set.
    package static let notCarried = ReasonCode(rawValue: "not-carried")
    /// The mirror or the set asked for is not in fleet.yaml.
    package static let notInFleet = ReasonCode(rawValue: "not-in-fleet")
}
