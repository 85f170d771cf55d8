/// A change of trust on its way: the next root, the next targets, or both, with the signatures that they have so far. It
/// counts once every rule is met, and then as a whole, so that no root is without targets that it accepts.
package struct TrustChange: SignatureRequest, Sendable {
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

    package mutating func add(_ signatures: [MetadataSignature], toDocument place: Int) -> Int {
        documents[place].add(signatures)
    }

    /// Takes over the signatures of the same change that was signed elsewhere; how many were new and right. Throws
    /// ``UpdateError`` if a document is another one.
    package mutating func merge(_ other: TrustChange) throws(UpdateError) -> Int {
        guard fleet == other.fleet else {
            throw .otherFleet(.root, expected: fleet, found: other.fleet)
        }
        return try merge(other.documents)
    }
}
