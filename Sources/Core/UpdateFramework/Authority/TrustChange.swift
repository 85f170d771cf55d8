/// A change of trust on its way: the next root, the next targets, or both, with the signatures that they have so far. It
/// counts once every rule is met, and then as a whole, so that no root is without targets that it accepts.
package struct TrustChange: Sendable {
    /// What it follows; nil for the first root and targets of a fleet.
    package let base: FleetTrust?
    /// The fleet.
    package let fleet: [UInt8]
    /// The next documents, root first.
    package private(set) var documents: [ChangedDocument]
    /// The root as it will be.
    package let root: RootMetadata
    /// The targets as they will be.
    package let targets: TargetsMetadata

    /// The change that leads from `base` to `plan`. What is signed again counts until `expires`, unless the plan says
    /// another time. Throws ``TrustChangeError``.
    package init(from base: FleetTrust, to plan: TrustPlan, expires: MetadataTime) throws(TrustChangeError) {
        let held = TrustPlan(base)
        var root: RootMetadata?
        if plan.roles != held.roles || plan.expiries[.root] != nil {
            root = RootMetadata(
                version: base.root.version + 1, expires: plan.expiries[.root] ?? expires, grants: plan.roles)
        }
        var targets: TargetsMetadata?
        // Keys of targets that are gone may have been the ones that signed it.
        let isSigned = (root ?? base.root).rule(for: .targets).state(of: base.targetsDocument).isMet
        if plan.sets != held.sets || plan.policies != held.policies || plan.expiries[.targets] != nil || !isSigned {
            targets = TargetsMetadata(
                version: base.targets.version + 1, expires: plan.expiries[.targets] ?? expires,
                targets: base.targets.targets, sets: plan.sets, policies: plan.policies)
        }
        guard root != nil || targets != nil else { throw .nothingChanges }
        try self.init(fleet: base.fleet, base: base, root: root, targets: targets)
    }

    /// The first root and targets of a fleet. Throws ``TrustChangeError``.
    package init(fleet: [UInt8], first plan: TrustPlan, expires: MetadataTime) throws(TrustChangeError) {
        try self.init(
            fleet: fleet, base: nil, root: RootMetadata(version: 1, expires: expires, grants: plan.roles),
            targets: TargetsMetadata(
                version: 1, expires: expires, sets: plan.sets, policies: plan.policies))
    }

    private init(
        fleet: [UInt8], base: FleetTrust?, root: RootMetadata?, targets: TargetsMetadata?
    ) throws(TrustChangeError) {
        let writer = MetadataWriter(profile: .fleet(fleet))
        var documents: [(RoleName, [UInt8])] = []
        if let root {
            documents.append((.root, MetadataWriter.document(writer.signed(root, role: .root), signatures: [])))
        }
        if let targets {
            documents.append(
                (.targets, MetadataWriter.document(writer.signed(targets, role: .targets), signatures: [])))
        }
        do throws(UpdateError) {
            try self.init(fleet: fleet, base: base, documents: documents)
        } catch {
            guard case .badMetadata(let role, let reason) = error else {
                preconditionFailure("what was just written: \(error)")
            }
            throw .invalid(role, reason)
        }
    }

    /// The change of these documents, as they were kept or sent. Throws ``UpdateError`` if one is not the next version of
    /// what `base` has.
    package init(
        fleet: [UInt8], base: FleetTrust?, documents texts: [(role: RoleName, bytes: [UInt8])]
    ) throws(UpdateError) {
        let verifier = FleetTrust.verifier(fleet)
        var documents: [RoleName: SignedMetadata] = [:]
        for (role, bytes) in texts { documents[role] = try verifier.document(bytes, of: role) }
        var root = base?.root
        if let document = documents[.root] {
            let new: RootMetadata = try verifier.interpret(document, of: .root)
            let held = base?.root.version ?? 0
            guard new.version == held + 1 else { throw .rootOutOfOrder(held: held, found: new.version) }
            root = new
        }
        var targets = base?.targets
        if let document = documents[.targets] {
            let new: TargetsMetadata = try verifier.interpret(document, of: .targets)
            let held = base?.targets.version ?? 0
            guard new.version == held + 1 else { throw .rollback(.targets, held: held, found: new.version) }
            targets = new
        }
        guard let root else { throw .missing(.root, version: nil) }
        guard let targets else { throw .missing(.targets, version: nil) }
        self.fleet = fleet
        self.base = base
        self.root = root
        self.targets = targets
        self.documents = []
        if let document = documents[.root] {
            let rules = (base.map { [$0.root.rule(for: .root)] } ?? []) + [root.rule(for: .root)]
            self.documents.append(
                ChangedDocument(role: .root, version: root.version, rules: rules, document: document))
        }
        if let document = documents[.targets] {
            self.documents.append(
                ChangedDocument(
                    role: .targets, version: targets.version, rules: [root.rule(for: .targets)], document: document))
        }
    }

    /// Whether every rule is met.
    package var isComplete: Bool { documents.allSatisfy(\.isComplete) }

    /// The keys that could still sign something that is needed, each with the roles of the documents.
    package var missing: [(owned: OwnedKey, roles: [RoleName])] {
        var missing: [(owned: OwnedKey, roles: [RoleName])] = []
        for document in documents {
            for owned in document.states.filter({ !$0.isMet }).flatMap(\.unsigned) {
                if let place = missing.firstIndex(where: { $0.owned.key.id == owned.key.id }) {
                    if !missing[place].roles.contains(document.role) { missing[place].roles.append(document.role) }
                } else {
                    missing.append((owned, [document.role]))
                }
            }
        }
        return missing
    }

    /// The documents that the key could sign and has not signed.
    package func unsignedRoles(by id: KeyID) -> [RoleName] {
        documents.filter { $0.states.contains { state in state.unsigned.contains { $0.key.id == id } } }.map(\.role)
    }

    /// Adds the signatures of `signer` to every document that its key is named for; which these are. Throws what the
    /// signer throws.
    package mutating func sign(with signer: any MetadataSigner) throws -> [RoleName] {
        let roles = unsignedRoles(by: signer.key.id)
        for place in documents.indices where roles.contains(documents[place].role) {
            try documents[place].add([MetadataWriter.signature(over: documents[place].document.signed, by: signer)])
        }
        return roles
    }

    /// Takes over the signatures of the same change that was signed elsewhere; how many were new and right. Throws
    /// ``UpdateError`` if a document is another one.
    package mutating func merge(_ other: TrustChange) throws(UpdateError) -> Int {
        guard fleet == other.fleet else {
            throw .otherFleet(.root, expected: fleet, found: other.fleet)
        }
        var count = 0
        for place in documents.indices {
            let mine = documents[place]
            guard let theirs = other.documents.first(where: { $0.role == mine.role }) else { continue }
            guard theirs.document.signedBytes == mine.document.signedBytes else {
                throw .otherBytes(mine.role, listedBy: mine.role, version: mine.version)
            }
            count += documents[place].add(theirs.document.signatures)
        }
        return count
    }
}

/// A document of a change, with the rules that it has to meet.
package struct ChangedDocument: Sendable {
    /// Root or targets.
    package let role: RoleName
    /// Its version.
    package let version: Int64
    /// All of them have to be met.
    package let rules: [SignatureRule]
    /// With the signatures so far.
    package private(set) var document: SignedMetadata

    init(role: RoleName, version: Int64, rules: [SignatureRule], document: SignedMetadata) {
        self.role = role
        self.version = version
        self.rules = rules
        self.document = document
    }

    /// How far each rule is met.
    package var states: [RuleState] { rules.map { $0.state(of: document) } }
    /// Whether all rules are.
    package var isComplete: Bool { states.allSatisfy(\.isMet) }

    /// Adds those signatures that verify by a key of a rule and are not there; how many were added.
    @discardableResult
    mutating func add(_ signatures: [MetadataSignature]) -> Int {
        let before = Set(states.flatMap(\.signed).map(\.key.id))
        let named = Set(rules.flatMap { $0.grant.keys.map(\.key.id) })
        var kept = document.signatures.filter { before.contains($0.keyID) }
        for signature in signatures where named.contains(signature.keyID) && !before.contains(signature.keyID) {
            kept.append(signature)
        }
        let candidate = MetadataWriter.document(document.signed, signatures: kept)
        guard let read = try? SignedMetadata(candidate, byteCount: MetadataLimits.byteCount(of: role)) else { return 0 }
        let valid = Set(rules.flatMap { $0.state(of: read).signed }.map(\.key.id))
        let right = kept.filter { valid.contains($0.keyID) }
        let written = MetadataWriter.document(document.signed, signatures: right)
        guard let final = try? SignedMetadata(written, byteCount: MetadataLimits.byteCount(of: role)) else { return 0 }
        document = final
        return valid.subtracting(before).count
    }
}
