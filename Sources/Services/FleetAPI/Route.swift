package import FleetCertificates

/// The endpoints of the coordinator's API: one case for each, with its method and its path.
///
/// Participants: agents, the origin and operators, each with a certificate of the fleet, and one coordinator.
/// Goals: one list that client, server, access table and documentation share. Non-goals: versions beside `/v1`.
package enum Route: String, CaseIterable, Sendable {
    /// `GET /v1/authority`: the certificate of the fleet's authority; anybody may ask.
    case authority
    /// `POST /v1/join`: a new host uses its token; who has one may ask.
    case join
    /// `POST /v1/certificate`: a newer certificate for the agent that asks.
    case renewCertificate
    /// `POST /v1/enrolments`: admit a host, which joins with a token.
    case enrol
    /// `POST /v1/standings`: what operators said of hosts that lost their standing.
    case submitStandings
    /// `GET /v1/members`: how the hosts of fleet.yaml belong to the fleet.
    case members
    /// `POST /v1/overrides`: say something of a host beyond fleet.yaml, or take it back.
    case override
    /// `POST /v1/reports`: a mirror's signed report.
    case submitReport
    /// `GET /v1/reports`: the last report of every mirror.
    case listReports
    /// `GET /v1/assignments`: long poll of a mirror's lines of the current plan.
    case assignments
    /// `POST /v1/releases`: register a release with the metadata that signs it.
    case registerRelease
    /// `POST /v1/metadata`: newer TUF documents.
    case submitMetadata
    /// `GET /v1/releases?set=S`: registered releases, ascending by set and sequence.
    case listReleases
    /// `GET /v1/releases/{set}/{sequence}`: one registered release.
    case release
    /// `GET /v1/receipts/{set}/{release}`: which mirrors say that they hold a release, by its digest.
    case receipts
    /// `POST /v1/plans`: make a plan, or only show it.
    case makePlan
    /// `GET /v1/plans/current`: the newest plan.
    case currentPlan
    /// `GET /v1/plans/{generation}`: one plan of the past.
    case plan
    /// `GET /v1/term`: the term of new plans, and whether a new one is needed.
    case term
    /// `POST /v1/term`: begin a new term that an operator has signed.
    case declareTerm
    /// `GET /v1/status`: the state of the fleet; long poll by a change counter.
    case status
    /// `GET /metrics`: the state of the fleet for Prometheus.
    case metrics
    /// `GET /v1/fleet`: the accepted fleet.yaml.
    case fleet
    /// `POST /v1/fleet`: go over to a changed fleet.yaml, or say what that would change.
    case applyFleet
    /// `GET /v1/health`: whether the coordinator answers, and which it is.
    case health

    /// The HTTP method, in capitals.
    package var method: String {
        switch self {
        case .submitReport, .registerRelease, .submitMetadata, .makePlan, .declareTerm, .join, .renewCertificate,
            .enrol, .submitStandings, .override, .applyFleet:
            "POST"
        case .authority, .members, .listReports, .assignments, .listReleases, .release, .receipts, .currentPlan, .plan,
            .term, .status, .metrics, .fleet, .health:
            "GET"
        }
    }

    /// The path; parts in braces are filled in by the caller.
    package var path: String {
        switch self {
        case .authority: "/v1/authority"
        case .join: "/v1/join"
        case .renewCertificate: "/v1/certificate"
        case .enrol: "/v1/enrolments"
        case .submitStandings: "/v1/standings"
        case .members: "/v1/members"
        case .override: "/v1/overrides"
        case .submitReport, .listReports: "/v1/reports"
        case .assignments: "/v1/assignments"
        case .registerRelease, .listReleases: "/v1/releases"
        case .submitMetadata: "/v1/metadata"
        case .release: "/v1/releases/{set}/{sequence}"
        case .receipts: "/v1/receipts/{set}/{release}"
        case .makePlan: "/v1/plans"
        case .currentPlan: "/v1/plans/current"
        case .plan: "/v1/plans/{generation}"
        case .term, .declareTerm: "/v1/term"
        case .status: "/v1/status"
        case .metrics: "/metrics"
        case .fleet, .applyFleet: "/v1/fleet"
        case .health: "/v1/health"
        }
    }
}

extension Route {
    /// Its row in the table of who may ask for what.
    package var call: Call {
        switch self {
        case .authority: .authority
        case .join: .join
        case .renewCertificate: .renewCertificate
        case .enrol: .enrol
        case .submitStandings: .submitStandings
        case .members: .members
        case .override: .override
        case .submitReport: .submitReport
        case .listReports: .listReports
        case .assignments: .assignments
        case .registerRelease: .registerRelease
        case .submitMetadata: .submitMetadata
        case .listReleases: .listReleases
        case .release: .release
        case .receipts: .receipts
        case .makePlan: .makePlan
        case .currentPlan: .currentPlan
        case .plan: .plan
        case .term: .term
        case .declareTerm: .declareTerm
        case .status: .status
        case .metrics: .metrics
        case .fleet: .fleet
        case .applyFleet: .applyFleet
        case .health: .health
        }
    }
}
