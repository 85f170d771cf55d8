import ArgumentParser
import FleetModel
import UpdateFramework

/// `fleetctl trust policy`: what binds every host of a set.
struct TrustPolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Sign what binds every host of a set: removals, quorum, who may fetch it.",
        discussion: """
            Hosts take these rules from signed metadata alone; agent.yaml can be stricter, and nothing that comes from the
            coordinator counts. Without options it signs what fleet.yaml says (flip_quorum, max_delete, max_shrink and
            fetch of the set, or of all sets if none is named), no more and no less: a rule that is signed and not in the
            file is taken away. `none` takes a rule away, too.

            --fetch takes mirror=NAME,NAME, region=NAME,NAME and reader=NAME (of a certificate), and may be given more than once. A region stands for the
            hosts that fleet.yaml has in it now: after a change of those, sign again. The set's origin may always fetch.

            EXAMPLES
              fleetctl -f fleet.yaml trust policy
              fleetctl -f fleet.yaml trust policy debian --max-delete 30% --flip-quorum 2
              fleetctl -f fleet.yaml trust policy debian --fetch mirror=fra1,ams1 --fetch region=eu
              fleetctl -f fleet.yaml trust policy debian --fetch none
            """)

    @Argument(help: "The set. (default: all that fleet.yaml says something of)") var set: String?
    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption
    @Option(help: "How many mirrors must hold all of a release before one serves it; 0: it serves it at once.")
    var flipQuorum: String?
    @Option(help: "The part of the set that a release may remove without --confirm-delete, e.g. 30%.")
    var maxDelete: String?
    @Option(help: "The part by which the set may shrink in the same way.") var maxShrink: String?
    @Option(
        help: "Who may fetch the set: mirror=NAME,..., region=NAME,... or reader=NAME,...; may be given more than once."
    )
    var fetch: [String] = []

    private var isEdit: Bool { flipQuorum != nil || maxDelete != nil || maxShrink != nil || !fetch.isEmpty }

    func validate() throws {
        if isEdit, set == nil { throw ValidationError("name the set whose policy changes") }
    }

    func run() async throws {
        let session = try options.place.session()
        let editing = try TrustEditing(options.place)
        var plan = TrustPlan(editing.trust)
        if let set, isEdit {
            try plan.setPolicy(try edited(plan.policy(ofSet: set), set, session), ofSet: set)
            if let session { warn(plan, set, session) }
        } else {
            guard let session else {
                throw FleetctlError(
                    .usage, "nothing says what is to be signed",
                    hint: "name the fleet's file with -f FILE, or the rules: --max-delete 30%")
            }
            guard let wanted = try editing.plan(by: session.fleet, set: set) else { return try noteNothing() }
            plan = wanted
        }
        guard plan.policies != TrustPlan(editing.trust).policies else { return try noteNothing() }
        let source = try passphrase.source()
        try await options.finish(
            editing.carryOut(plan, more: options.signers, passphrases: source), editing.folder, source)
    }

    /// Says what fleet.yaml says otherwise: the next that signs by it takes this back.
    private func warn(_ plan: TrustPlan, _ set: String, _ session: FleetSession) {
        for need in session.fleet.signatureNeeds(signed: plan.policies).lines where need.set == set {
            session.terminal.warn(
                "\(session.file) says otherwise (\(need.set): \(need.key): \(need.wanted)), and the next `apply --sign` goes by"
                    + " it: change it there, too")
        }
    }

    private func noteNothing() throws {
        switch options.output.format {
        case .json: try printJSON(TrustOutcome.unchanged)
        case .table: print("it is signed already")
        }
    }

    /// `policy` with what the options say. Throws a `FleetctlError`.
    private func edited(
        _ policy: SignedPolicy, _ set: String, _ session: FleetSession?
    ) throws -> SignedPolicy {
        var policy = policy
        if let flipQuorum { policy.flipQuorum = try quorum(flipQuorum, set, session) }
        if let maxDelete { policy.maxDelete = try percent(maxDelete, "--max-delete") }
        if let maxShrink { policy.maxShrink = try percent(maxShrink, "--max-shrink") }
        if fetch == ["none"] {
            policy.fetch = nil
        } else if !fetch.isEmpty {
            policy.fetch = try fetchRule(set, session)
        }
        return policy
    }

    private func quorum(_ text: String, _ set: String, _ session: FleetSession?) throws -> Int {
        if text == "none" { return 0 }
        guard let quorum = Int(text), SignedPolicy.quorumRange.contains(quorum) else {
            throw FleetctlError(
                .usage, "--flip-quorum \(text) is no number from 0 to \(SignedPolicy.quorumRange.upperBound)")
        }
        guard let fleet = session?.fleet else { return quorum }
        let carriers = fleet.mirrors.filter { $0.role == .mirror && $0.sets.contains(set) }.count
        guard quorum <= carriers else {
            throw FleetctlError(
                .refused,
                "\(quorum) mirrors would have to hold a release of \(set) before it is served, and"
                    + " \(carriers == 1 ? "only 1 carries" : "only \(carriers) carry") it: none would ever be",
                hint: "ask for \(carriers) at most, or let more mirrors carry it")
        }
        return quorum
    }

    private func percent(_ text: String, _ option: String) throws -> Int? {
        if text == "none" { return nil }
        guard text.hasSuffix("%"), let percent = Int(text.dropLast()), (0...100).contains(percent) else {
            throw FleetctlError(.usage, "\(option) \(text) is no percentage", hint: "write 0% to 100%, or none")
        }
        return percent
    }

    private func fetchRule(_ set: String, _ session: FleetSession?) throws -> FetchRule {
        var wanted = FetchPolicy()
        for text in fetch {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let names = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
            switch parts.first {
            case "mirror" where !names.isEmpty: wanted.mirrors += names
            case "reader" where !names.isEmpty: wanted.readers += names
            case "region" where !names.isEmpty: wanted.regions += names
            default:
                throw FleetctlError(
                    .usage, "--fetch \(text) says not who", hint: "write mirror=NAME,NAME or region=NAME,NAME, or none")
            }
        }
        guard let session else {
            guard wanted.regions.isEmpty else {
                throw FleetctlError(
                    .usage, "nothing says which hosts are in region \(wanted.regions[0])",
                    hint: "name the fleet's file with -f FILE")
            }
            return FetchRule(mirrors: wanted.mirrors + wanted.readers)
        }
        for name in wanted.mirrors { _ = try session.mirror(name) }
        for region in wanted.regions where !session.fleet.mirrors.contains(where: { $0.region == region }) {
            throw FleetctlError(
                .usage, "\(session.file) has no mirror in region \"\(region)\"",
                hint: "its regions are: \(Set(session.fleet.mirrors.map(\.region)).sorted().joined(separator: ", "))")
        }
        return session.fleet.fetchRule(wanted, ofSet: try session.set(set))
    }
}
