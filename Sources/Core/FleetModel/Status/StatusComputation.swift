/// Computes the state of the fleet from what is wanted and what was seen. Pure: same input, same value.
package enum StatusComputation {
    /// The status of `fleet`.
    /// - Parameters:
    ///   - releases: every registered release that is still known, in any order; the head of a set is the one with the
    ///     highest sequence.
    ///   - inventory: what was seen of the mirrors, in any order; of mirrors that are not in the fleet nothing is said.
    ///   - overrides: what operators said of hosts beyond fleet.yaml; `fleet` has it in force already.
    ///   - trust: what the fleet's metadata says of a set, of those that it knows.
    ///   - now: Unix seconds of the coordinator's clock.
    package static func status(
        fleet: Fleet, releases: [RegisteredRelease], inventory: [MirrorObservation],
        overrides: [HostOverride] = [], trust: [String: SetTrust] = [:], now: Int64
    ) -> FleetStatus {
        let assessments = MirrorAssessment.all(fleet: fleet, releases: releases, inventory: inventory, now: now)
        let history = ReleaseHistory(releases)
        let sets = fleet.sets.sorted { $0.name < $1.name }.map {
            setStatus($0, history, assessments, trust[$0.name])
        }
        let ordered =
            assessments.filter { $0.policy.role == .origin } + assessments.filter { $0.policy.role == .mirror }
        return FleetStatus(
            fleet: fleet.name, sets: sets, mirrors: ordered.map { mirrorStatus($0, overrides) },
            problems: StatusProblems.list(assessments, sets), generatedAt: now)
    }

    private static func setStatus(
        _ policy: SetPolicy, _ history: ReleaseHistory, _ assessments: [MirrorAssessment], _ trust: SetTrust?
    ) -> SetStatus {
        let head = history.head(of: policy.name).map {
            HeadStatus(
                sequence: $0.sequence, root: $0.root, files: $0.files, bytes: $0.bytes, publishedAt: $0.publishedAt,
                digest: $0.digest, registeredAt: $0.registeredAt)
        }
        // A paused or drained mirror still has its copy; one that does not report, or serves a wrong tree, is not counted.
        let copies = assessments.filter { $0.policy.role == .mirror && $0.contact == nil }
            .compactMap { mirror in mirror.sets.first { $0.policy.name == policy.name } }
        let share = OriginShare(
            origin: policy.origin, received: copies.compactMap { $0.report?.received(of: head?.sequence) })
        return SetStatus(
            name: policy.name, head: head, replicas: copies.filter(\.servesHead).count,
            replicasCurrent: copies.filter(\.isCurrentCopy).count, replicasWanted: policy.replicas, trust: trust,
            originBytes: share.bytes, originCopies: share.copies)
    }

    private static func mirrorStatus(_ mirror: MirrorAssessment, _ overrides: [HostOverride]) -> MirrorStatus {
        let (health, reasons) = health(mirror)
        let report = mirror.observation?.report
        let groups = Set(report?.connections.map(\.group) ?? []).sorted()
        return MirrorStatus(
            name: mirror.policy.name, role: mirror.policy.role, region: mirror.policy.region, state: mirror.state,
            health: health, reasons: reasons, sets: mirror.sets.map { setStatus($0, mirror.standing) },
            lastSeenSeconds: mirror.ageSeconds, reportNumber: report?.number,
            keyExchange: groups.isEmpty ? nil : groups.joined(separator: ","),
            generation: report?.generation?.description, disk: report?.disk, agentVersion: report?.agentVersion,
            overrides: overrides.filter { $0.mirror == mirror.policy.name }.sorted { $0.kind < $1.kind })
    }

    private static func setStatus(_ set: SetAssessment, _ standing: MirrorState?) -> MirrorSetStatus {
        MirrorSetStatus(
            name: set.policy.name, sequence: set.report?.sequence, root: set.report?.root,
            state: standing ?? set.state, lagSeconds: set.lagSeconds, lagReleases: set.lagReleases,
            verifiedAt: set.report?.verifiedAt, missingBytes: set.missingBytes,
            propagationSeconds: set.propagationSeconds, badPaths: set.report?.badPaths.count ?? 0,
            activity: set.report?.activity, progress: set.report?.progress, lastSync: set.report?.lastSync)
    }

    /// Health looks at the mirror itself, whether or not the operator paused or drained it.
    private static func health(_ mirror: MirrorAssessment) -> (Health, [String]) {
        guard let observation = mirror.observation, let age = mirror.ageSeconds else {
            return (.unknown, ["never reported"])
        }
        var failing: [String] = []
        var degraded: [String] = []
        let silence = "no report for \(Quantity.describe(seconds: age)), \(mirror.missedReports) missed"
        if mirror.contact == .down { failing.append(silence) }
        if mirror.contact == .stale { degraded.append(silence) }
        for set in mirror.sets where set.head != nil {
            failing += set.faults.map { "\(set.policy.name): \($0.text)" }
            if set.isLagging { degraded.append("\(set.policy.name): \(lagText(set))") }
            if let failure = set.report?.lastFailure, !set.faults.contains(where: { !$0.concernsTree }) {
                degraded.append("\(set.policy.name): the last sync failed: \(failure)")
            }
        }
        if let reserve = mirror.reserveBytes, observation.report.disk.freeBytes < reserve {
            let free = Quantity.describe(bytes: observation.report.disk.freeBytes)
            degraded.append("disk: \(free) free, less than the reserve of \(Quantity.describe(bytes: reserve))")
        }
        degraded += observation.report.problems.map(\.message)
        if !failing.isEmpty { return (.failing, failing + degraded) }
        return (degraded.isEmpty ? .ok : .degraded, degraded)
    }

    /// `2h30m (3 releases) behind, max_lag is 1h`.
    static func lagText(_ set: SetAssessment) -> String {
        let releases = set.lagReleases ?? 0
        let time = Quantity.describe(seconds: set.lagSeconds ?? 0)
        let count = releases == 1 ? "1 release" : "\(releases) releases"
        return "\(time) (\(count)) behind, max_lag is \(Quantity.describe(seconds: set.policy.maxLagSeconds))"
    }
}
