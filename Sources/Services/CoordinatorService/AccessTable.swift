package import FleetAPI
package import FleetCertificates

/// Who may call what: the only place that says so.
///
/// A row is an endpoint, a column a role in a certificate. What is more than a role is checked where it is known:
/// a report is taken only of the mirror that the certificate names, a release only of the set's own origin, and an
/// agent or origin must be named in fleet.yaml, with that role, to call anything at all.
package enum AccessTable {
    /// Whether a peer of that role may call that endpoint.
    package static func allows(_ role: FleetRole, _ route: Route) -> Bool {
        switch (route, role) {
        case (.submitReport, .agent), (.submitReport, .origin): true
        case (.assignments, .agent), (.assignments, .origin): true
        case (.registerRelease, .origin), (.registerRelease, .operator): true
        case (.submitMetadata, .agent), (.submitMetadata, .origin), (.submitMetadata, .operator): true
        case (.listReleases, .agent), (.listReleases, .origin), (.listReleases, .operator): true
        case (.release, .agent), (.release, .origin), (.release, .operator): true
        case (.listReports, .operator): true
        case (.makePlan, .operator): true
        case (.currentPlan, .operator): true
        case (.plan, .operator): true
        case (.term, .operator): true
        case (.declareTerm, .operator): true
        case (.status, .operator): true
        case (.fleet, .operator): true
        case (.health, .agent), (.health, .origin), (.health, .operator): true
        default: false
        }
    }

    /// The roles that may call an endpoint, for messages.
    package static func roles(_ route: Route) -> [FleetRole] {
        [.agent, .origin, .operator, .coordinator].filter { allows($0, route) }
    }
}
