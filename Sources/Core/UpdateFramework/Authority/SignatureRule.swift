/// One rule that a document has to satisfy: `threshold` of these keys, because `delegator` says so.
package struct SignatureRule: Sendable {
    /// Whose document.
    package let role: RoleName
    /// The role that says who signs.
    package let delegator: RoleName
    /// The version of its document that says so.
    package let delegatorVersion: Int64
    /// Who signs.
    package let grant: RoleGrant
    private let ring: KeyRing

    init(_ role: RoleName, by signers: RoleSigners, owners: KeyOwners) {
        self.role = role
        delegator = signers.delegator
        delegatorVersion = signers.delegatorVersion
        grant = RoleGrant(signers.keys, ring: signers.ring, owners: owners)
        ring = signers.ring
    }

    /// How far `document` satisfies the rule.
    package func state(of document: SignedMetadata) -> RuleState {
        let signers = Set(ring.signers(of: document, by: grant.roleKeys, limit: .max))
        return RuleState(
            rule: self, signed: grant.keys.filter { signers.contains($0.key.id) },
            unsigned: grant.keys.filter { !signers.contains($0.key.id) })
    }
}

/// How far a document satisfies a rule.
package struct RuleState: Sendable {
    /// The rule.
    package let rule: SignatureRule
    /// Keys whose signature verifies.
    package let signed: [OwnedKey]
    /// The others.
    package let unsigned: [OwnedKey]

    /// Whether enough have signed.
    package var isMet: Bool { signed.count >= rule.grant.threshold }
}

extension RootMetadata {
    /// What this root asks of the document of `role`, one of the four.
    package func rule(for role: RoleName) -> SignatureRule {
        SignatureRule(role, by: delegation(of: role), owners: owners)
    }
}

extension TargetsMetadata {
    /// What these targets ask of the document of a role that they delegate to, for a document of version `version` of
    /// themselves; nil if they do not delegate to it.
    package func rule(for role: RoleName) -> SignatureRule? {
        guard let delegation = delegations.first(where: { $0.role == role }) else { return nil }
        let signers = RoleSigners(
            delegator: .targets, delegatorVersion: version, ring: keys, keys: delegation.keys)
        return SignatureRule(role, by: signers, owners: owners)
    }
}
