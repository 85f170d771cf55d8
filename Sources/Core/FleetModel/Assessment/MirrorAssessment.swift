/// What is known of one mirror, and what state that makes: the ground of status and plans alike, so that they agree.
package struct MirrorAssessment: Sendable, Hashable {
    /// The mirror's policy.
    package var policy: MirrorPolicy
    /// What was seen of it; nil when it never reported.
    package var observation: MirrorObservation?
    /// Seconds since its last report; nil when it never reported.
    package var ageSeconds: Int64?
    /// Reports that should have come since the last one.
    package var missedReports: Int64
    /// `unknown`, `down` or `stale`; nil when reports come in time.
    package var contact: MirrorState?
    /// Its sets, sorted by name.
    package var sets: [SetAssessment]

    /// This many missed reports make a mirror down.
    package static let downLimit: Int64 = 10
    /// This many missed reports make a mirror stale.
    package static let staleLimit: Int64 = 3

    /// Compares what was seen of the mirror with what is wanted and registered.
    package init(
        policy: MirrorPolicy, fleet: Fleet, history: ReleaseHistory, observation: MirrorObservation?, now: Int64
    ) {
        self.policy = policy
        self.observation = observation
        let age = observation.map { max(0, now - $0.receivedAt) }
        ageSeconds = age
        // A report is missed once the next second after it was due has begun.
        missedReports = age.map { max(0, $0 - 1) / max(1, fleet.coordinator.reportIntervalSeconds) } ?? 0
        contact =
            if age == nil {
                .unknown
            } else if missedReports >= Self.downLimit {
                .down
            } else if missedReports >= Self.staleLimit {
                .stale
            } else {
                nil
            }
        sets = fleet.sets.filter { policy.sets.contains($0.name) }.sorted { $0.name < $1.name }.map { set in
            SetAssessment(policy: set, history: history, observation: observation, now: now)
        }
    }

    /// What applies to the whole mirror before its sets are looked at; nil when nothing does.
    package var standing: MirrorState? {
        switch policy.override {
        case .paused: .paused
        case .drained: .drained
        case nil: contact
        }
    }

    /// The first state that applies, over the sets that have a release.
    package var state: MirrorState {
        standing ?? sets.filter { $0.head != nil }.map(\.state).min() ?? .inSync
    }

    /// The sets with a release that are failing.
    package var failingSets: [SetAssessment] { sets.filter { $0.head != nil && !$0.faults.isEmpty } }

    /// Bytes that a plan must leave free on its disk; nil when it never reported.
    package var reserveBytes: UInt64? {
        guard let disk = observation?.report.disk else { return nil }
        return policy.diskReserve?.bytes(ofDisk: disk.totalBytes) ?? DiskReserve.defaultBytes(ofDisk: disk.totalBytes)
    }

    /// Every mirror of the fleet, sorted by name.
    package static func all(
        fleet: Fleet, releases: [RegisteredRelease], inventory: [MirrorObservation], now: Int64
    ) -> [MirrorAssessment] {
        let history = ReleaseHistory(releases)
        var observations: [String: MirrorObservation] = [:]
        for observation in inventory {
            let name = observation.report.mirror
            // Of two the later counts, and of two at once the one with the higher number.
            if let other = observations[name],
                (other.receivedAt, other.report.number) >= (observation.receivedAt, observation.report.number)
            {
                continue
            }
            observations[name] = observation
        }
        return fleet.mirrors.sorted { $0.name < $1.name }.map { policy in
            MirrorAssessment(
                policy: policy, fleet: fleet, history: history, observation: observations[policy.name], now: now)
        }
    }
}
