/// What one mirror's report about one set means.
package struct SetAssessment: Sendable, Hashable {
    /// The set's policy.
    package var policy: SetPolicy
    /// The set's head; nil when it has no release.
    package var head: RegisteredRelease?
    /// What the mirror reported; nil when it never did.
    package var report: SetReport?
    /// Why it is failing; empty when it is not. Worst first.
    package var faults: [SetFault]
    /// Whether it serves exactly the head: same sequence, root and document.
    package var servesHead: Bool
    /// Releases behind the head; nil when it never reported or there is no head.
    package var lagReleases: UInt64?
    /// Seconds behind the head, on the coordinator's clock; nil as above.
    package var lagSeconds: Int64?
    /// Seconds from registering the head to the report that first named it.
    package var propagationSeconds: Int64?

    /// Bytes known to be missing: as reported, or the sizes of the bad blobs when that is more.
    package var missingBytes: UInt64 { report.map(Self.missingBytes) ?? 0 }

    private static func missingBytes(_ report: SetReport) -> UInt64 {
        let bad = report.badPaths.reduce(UInt64(0)) { sum, path in
            let (total, overflow) = sum.addingReportingOverflow(path.bytes)
            return overflow ? .max : total
        }
        return max(bad, report.missingBytes)
    }

    /// Behind the head for longer than the set's `max_lag`.
    package var isLagging: Bool { (lagReleases ?? 0) > 0 && (lagSeconds ?? 0) > policy.maxLagSeconds }

    /// Whether its tree is a complete copy that is the head, or behind it for no longer than `max_lag`.
    package var isCurrentCopy: Bool {
        head != nil && report?.sequence != nil && !isLagging && !faults.contains(where: \.concernsTree)
    }

    /// The state of the set alone, without what applies to the whole mirror.
    package var state: MirrorState {
        if !faults.isEmpty { return .failing }
        if report?.activity == .syncing { return .syncing }
        return isLagging ? .lagging : .inSync
    }

    /// Compares what was reported with what is registered.
    init(policy: SetPolicy, history: ReleaseHistory, observation: MirrorObservation?, now: Int64) {
        self.policy = policy
        let head = history.head(of: policy.name)
        let report = observation?.report.set(named: policy.name)
        let named = observation?.firstNamed[policy.name] ?? [:]
        self.head = head
        self.report = report
        servesHead = false
        faults = Self.faults(report, lastNamed: named.keys.max(), history)
        guard let head, observation != nil else { return }
        let behind = history.releases(of: policy.name, above: report?.sequence)
        lagReleases = UInt64(behind.count)
        // Behind since the first release that it does not have: else a mirror that is stuck would never lag as long as
        // releases keep coming.
        lagSeconds = behind.first.map { max(0, now - $0.registeredAt) } ?? 0
        servesHead = Self.serves(head, report) && !faults.contains(where: \.concernsTree)
        propagationSeconds = named[head.sequence].map { max(0, $0 - head.registeredAt) }
    }

    /// Whether the report says that exactly this release is served.
    package static func serves(_ release: RegisteredRelease, _ report: SetReport?) -> Bool {
        guard let report, report.sequence == release.sequence, report.root == release.root else { return false }
        return report.release == nil || report.release == release.digest
    }

    private static func faults(
        _ report: SetReport?, lastNamed: UInt64?, _ history: ReleaseHistory
    ) -> [SetFault] {
        guard let report else {
            return lastNamed.map { [.noTree(lastNamed: $0)] } ?? []
        }
        var faults: [SetFault] = []
        if let sequence = report.sequence {
            if let release = history.release(sequence, of: report.name), !serves(release, report) {
                faults.append(.wrongRoot(sequence: sequence, served: report.root, released: release.root))
            }
            if let lastNamed, lastNamed > sequence {
                faults.append(.movedBack(sequence: sequence, lastNamed: lastNamed))
            }
        } else if let lastNamed {
            faults.append(.noTree(lastNamed: lastNamed))
        }
        if !report.badPaths.isEmpty {
            faults.append(.badPaths(count: report.badPaths.count, missingBytes: missingBytes(report)))
        }
        if let message = report.lastFailure,
            report.isFailureFinal || report.failedAttempts >= SetFault.failedAttemptLimit
        {
            faults.append(
                .failedSync(attempts: report.failedAttempts, isFinal: report.isFailureFinal, message: message))
        }
        return faults
    }
}
