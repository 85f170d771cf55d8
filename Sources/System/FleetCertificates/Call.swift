package import UpdateFramework

/// Everything that one host can ask of another: the endpoints of the coordinator's API, by the names of `Route`, and the
/// kinds of requests between hosts.
package enum Call: String, CaseIterable, Sendable {
    // The coordinator's API.
    case authority
    case join
    case renewCertificate
    case enrol
    case submitStandings
    case submitReport
    case listReports
    case assignments
    case registerRelease
    case submitMetadata
    case listReleases
    case release
    case makePlan
    case currentPlan
    case plan
    case term
    case declareTerm
    case status
    case metrics
    case fleet
    case applyFleet
    case health
    case receipts
    case members
    case override
    // Between hosts.
    /// Releases and all that they name. A set's signed policy may keep it from some.
    case content
    /// To take part in the swarm of a release. A set's signed policy may keep it from some.
    case swarm
    /// Metadata, yanked paths, standings, receipts: what every member has to hear, also one that may fetch a set no more.
    case news
    /// An operator's command to an agent.
    case command
    /// A host's command to its own agent; the agent takes it from a certificate with its own name only.
    case ownCommand
}

/// Who may ask for what: the only place that says so.
///
/// A row is a call, a column the role in a verified certificate, or nobody known: who has none. What is more than a role
/// is checked where it is known: a report is taken only of the mirror that the certificate names, a release only of the
/// set's own origin, a host must be named in fleet.yaml with its role to call the coordinator at all, and a peer is
/// answered for sets that the host carries.
package enum AccessTable {
    private typealias Roles = Set<FleetRole>

    private static let hosts: Roles = [.agent, .origin]
    private static let watchers: Roles = [.operator, .reader]

    private static func roles(_ call: Call) -> Roles {
        switch call {
        case .authority, .join: Roles(FleetRole.allCases)
        case .renewCertificate: [.agent]
        case .enrol: [.operator]
        case .submitStandings: hosts.union([.operator])
        case .submitReport, .assignments, .receipts: hosts
        case .registerRelease: [.origin, .operator]
        case .submitMetadata: hosts.union([.operator])
        case .listReleases, .release, .health: hosts.union(watchers)
        case .listReports, .currentPlan, .plan, .term, .status, .metrics, .fleet, .members: watchers
        case .makePlan, .declareTerm, .override, .applyFleet: [.operator]
        case .content, .news: hosts.union(watchers)
        case .swarm: hosts
        case .command: [.operator]
        case .ownCommand: hosts
        }
    }

    /// Whether a peer of that role may ask for it; nil: one without a certificate.
    package static func allows(_ role: FleetRole?, _ call: Call) -> Bool {
        guard let role else { return call == .authority || call == .join }
        return roles(call).contains(role)
    }

    /// The same for what is of one set, by a rule of who may fetch it; nil: whoever may at all. Operators look at
    /// everything.
    package static func allows(_ peer: FleetIdentity, _ call: Call, by rule: FetchRule?) -> Bool {
        guard allows(peer.role, call) else { return false }
        guard call == .content || call == .swarm, peer.role != .operator else { return true }
        return rule?.allows(peer.name) ?? true
    }

    /// Whether a peer of that role may connect to a host at all.
    package static func mayConnect(_ role: FleetRole) -> Bool {
        allows(role, .content) || allows(role, .command)
    }

    /// The roles that may ask for it, for messages.
    package static func allowed(_ call: Call) -> [FleetRole] {
        FleetRole.allCases.filter { allows($0, call) }
    }
}
