import FleetModel
import SigningKeys
import UpdateFramework

/// Who signs for which role, as `trust show` prints it.
struct TrustSummary: Encodable {
    struct Key: Encodable {
        var id: String
        var kind: String
        var owner: String
        /// Whether this operator has the secret half.
        var isHere: Bool
    }

    struct Role: Encodable {
        var role: String
        var threshold: Int
        /// Of the document, if it is signed with the keys of this folder.
        var version: Int64?
        var expires: String?
        var keys: [Key]
    }

    /// What binds every host of a set, in the words of fleet.yaml.
    struct Policy: Encodable {
        var set: String
        var flipQuorum: Int
        /// In percent.
        var maxDelete: Int?
        /// In percent.
        var maxShrink: Int?
        /// Every host that may fetch the set; nil: all members.
        var fetch: [String]?
    }

    var fleet: String
    /// By set, of those of which something is signed.
    var policies: [Policy] = []
    private var policyLines: [String] = []
    var roles: [Role]
    /// The change that waits for signatures.
    var pending: TrustOutcome?

    private enum CodingKeys: CodingKey { case fleet, policies, roles, pending }

    init(_ state: TrustState, held: [HeldKey]) {
        fleet = String(decoding: state.fleet, as: UTF8.self)
        pending = state.pending.map(TrustOutcome.init)
        let here = Set(held.map(\.contents.key.id))
        guard let trust = state.trust else {
            roles = []
            return
        }
        let plan = TrustPlan(trust)
        for (set, policy) in plan.policies.sorted(by: { $0.key < $1.key }) {
            policies.append(
                Policy(
                    set: set, flipQuorum: policy.flipQuorum, maxDelete: policy.maxDelete, maxShrink: policy.maxShrink,
                    fetch: policy.fetch?.names))
            policyLines.append(
                "policy of \(set): " + policy.words.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        }
        let names = [RoleName.root, .targets, .snapshot, .timestamp] + plan.sets.map(\.role)
        roles = names.compactMap { name in
            guard let grant = plan.grant(of: name) else { return nil }
            let contents: (any MetadataContents)? = name == .root ? trust.root : name == .targets ? trust.targets : nil
            return Role(
                role: "\(name)", threshold: grant.threshold, version: contents?.version,
                expires: contents.map { "\($0.expires)" },
                keys: grant.keys.map { owned in
                    Key(
                        id: owned.key.id.text, kind: String(decoding: owned.key.keyType, as: UTF8.self),
                        owner: String(decoding: owned.owner, as: UTF8.self), isHere: here.contains(owned.key.id))
                })
        }
    }

    /// One line a key.
    var table: String {
        var table = TextTable(["ROLE", "NEEDS", "VERSION", "EXPIRES", "KEY", "KIND", "HERE", "OWNER"])
        for role in roles {
            for (index, key) in role.keys.enumerated() {
                let isFirst = index == 0
                table.add([
                    isFirst ? role.role : "", isFirst ? "\(role.threshold) of \(role.keys.count)" : "",
                    isFirst ? role.version.map { "\($0)" } ?? "-" : "", isFirst ? role.expires ?? "-" : "",
                    String(key.id.prefix(16)), key.kind, key.isHere ? "yes" : "-", key.owner,
                ])
            }
        }
        return table.text(width: nil) + policyLines.map { $0 + "\n" }.joined()
    }
}
