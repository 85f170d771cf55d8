import FleetAPI
import FleetCertificates
import FleetModel
import Logging

extension Coordinator {
    /// Keeps what an operator says of a host beyond fleet.yaml, or takes it back, and tells the host.
    func override(_ order: OverrideOrder, by identity: FleetIdentity) throws -> OverrideList {
        guard inventory.fleet.mirror(named: order.mirror) != nil else {
            throw RequestError.unknownMirror(order.mirror, known: inventory.fleet.mirrors.map(\.name))
        }
        guard order.seconds.map({ (1...OverrideOrder.longest).contains($0) }) ?? true,
            (order.kind == .limited && order.isSet) == (order.limits != nil),
            order.reason.map({ $0.utf8.count <= HostOverride.reasonByteCount }) ?? true
        else {
            throw RequestError.badRequest(
                "an override counts for 1 s to a year, a limit has limits, a reason at most "
                    + "\(HostOverride.reasonByteCount) bytes")
        }
        try settleOverrides()
        var overrides = inventory.overrides.filter { $0.mirror != order.mirror || $0.kind != order.kind }
        if order.isSet {
            overrides.append(
                HostOverride(
                    mirror: order.mirror, kind: order.kind, limits: order.limits, by: identity.name, since: now(),
                    until: order.seconds.map { now() + $0 }, reason: order.reason))
        }
        try apply(overrides)
        logger.info(
            order.isSet ? "override set" : "override taken back",
            metadata: [
                "fleet.mirror": "\(order.mirror)", "fleet.kind": "\(order.kind.rawValue)",
                "fleet.by": "\(identity.uri)",
            ])
        return OverrideList(overrides: inventory.overrides(of: order.mirror))
    }

    /// Forgets overrides whose time is over; to be called before one is looked at.
    func settleOverrides() throws {
        let time = now()
        let left = inventory.overrides.filter { $0.counts(at: time) }
        guard left.count < inventory.overrides.count else { return }
        for over in inventory.overrides where !over.counts(at: time) {
            logger.info(
                "override over", metadata: ["fleet.mirror": "\(over.mirror)", "fleet.kind": "\(over.kind.rawValue)"])
        }
        try apply(left)
    }

    private func apply(_ overrides: [HostOverride]) throws {
        try database.save(overrides)
        inventory.override(overrides)
        changed()
        // Neighbours of a mirror that is paused hear of it, too.
        polls.wakeAssignments { _ in true }
    }
}
