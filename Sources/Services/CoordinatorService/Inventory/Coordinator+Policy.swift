import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Logging
import Synchronization

/// The hosts that fleet.yaml names, with their roles, for those who let peers in.
final class FleetMembers: Sendable {
    private let roles: Mutex<[String: MirrorRole]>

    init(_ fleet: Fleet) {
        roles = Mutex(Self.roles(fleet))
    }

    /// The role of a host; nil if fleet.yaml does not name it.
    func role(of name: String) -> MirrorRole? { roles.withLock { $0[name] } }

    /// Goes by another fleet.yaml from now on.
    func take(_ fleet: Fleet) {
        roles.withLock { $0 = Self.roles(fleet) }
    }

    private static func roles(_ fleet: Fleet) -> [String: MirrorRole] {
        Dictionary(fleet.mirrors.map { ($0.name, $0.role) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Coordinator {
    /// What is read once, when the coordinator starts.
    private static let readAtStart = ["coordinator.listen", "trust"]

    /// Goes over to a changed fleet.yaml, or only says what that would change. Durable when it returns. Refused as a whole
    /// if one rule is broken that the operator did not allow.
    func apply(_ order: PolicyOrder, by identity: FleetIdentity) throws -> PolicyAnswer {
        let next: AcceptedPolicy
        let changes: [PolicyChange]
        do {
            next = try AcceptedPolicy(text: order.text.bytes, file: policy.file)
            changes = try FleetFile.changes(from: policy.text, to: next.text, file: policy.file)
        } catch let error as StartError {
            throw RequestError.unacceptable(
                RefusalCode.policyRefused, "this fleet.yaml cannot be used: \(error.message)", hint: error.hint)
        } catch {
            throw RequestError.unacceptable(RefusalCode.policyRefused, "this fleet.yaml cannot be used: \(error)")
        }
        try settleOverrides()
        let refusals = try refusals(of: next.fleet, order)
        let isApplied = !order.dryRun && refusals.isEmpty
        let answer = PolicyAnswer(
            before: policy.digest, after: next.digest, isApplied: isApplied, changes: changes, refusals: refusals,
            afterRestart: Self.readAtStart.filter { path in changes.contains { $0.isWithin(path) } })
        guard isApplied else { return answer }
        if next.digest != policy.digest { try rule(by: next) }
        if let name = order.expunge { try forget(name) }
        logger.notice(
            "fleet.yaml applied",
            metadata: ["fleet.changes": "\(changes.count)", "fleet.by": "\(identity.uri)"])
        return answer
    }

    private func refusals(of next: Fleet, _ order: PolicyOrder) throws -> [PolicyRefusal] {
        if let name = order.expunge, next.mirror(named: name) != nil {
            throw RequestError.unacceptable(
                RefusalCode.policyRefused, "\(name) is in this fleet.yaml", hint: "take it out first")
        }
        let kept = inventory.overrides.filter { $0.mirror != order.expunge }
        return PolicyRules(
            from: policy.fleet, to: next, heads: inventory.heads, observations: inventory.observations, overrides: kept
        ).refusals().filter { !$0.code.canBeAllowed || !order.allow.contains($0.code) }
    }

    private func rule(by next: AcceptedPolicy) throws {
        let acceptedAt = try database.accept(text: next.text, digest: next.digest, at: now())
        arrive(.policySaved)
        policy = next
        fleetAnswer = FleetAnswer(
            name: next.fleet.name, digest: next.digest, text: next.text, acceptedAt: acceptedAt)
        inventory.rule(by: next.fleet)
        hosts.take(next.fleet)
        changed()
        // Each hears of its neighbours, its bandwidth and its sets at once.
        polls.wakeAssignments { _ in true }
    }

    /// A host that left for good: what is kept of it goes, but an operator's word that it is no member.
    private func forget(_ name: String) throws {
        try database.forget(mirror: name)
        inventory.forget(name)
        inventory.override(inventory.overrides.filter { $0.mirror != name })
        changed()
    }
}
