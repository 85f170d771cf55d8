import FleetModel
import STOQ
import Swarm
import Synchronization

/// Which requests for chunks this host answers at the same time: the shell of ``UploadSlots``.
final class UploadGate: Sendable {
    private let slots = Mutex(UploadSlots(UploadGate.limits(SwarmPolicy())))

    /// Holds from now on; requests that are being answered go on.
    func set(_ policy: SwarmPolicy) { slots.withLock { $0.limits = Self.limits(policy) } }

    /// Runs `work` in a slot. Throws ``ServeRefusal`` if there is none, with words that say when to ask again, and what
    /// `work` throws.
    func serve(_ peer: String, _ set: String, _ work: () async throws -> Void) async throws {
        guard slots.withLock({ $0.take(peer: peer, set: set) }) else {
            throw ServeRefusal(.busy, UploadSlots.refusal)
        }
        defer { slots.withLock { $0.leave(peer: peer, set: set) } }
        try await work()
    }

    private static func limits(_ policy: SwarmPolicy) -> UploadSlots.Limits {
        UploadSlots.Limits(
            total: policy.sharing.uploadSlots ?? SharingLimits.standardSlots,
            ofPeer: policy.sharing.requestsPerPeer ?? SharingLimits.standardRequests, ofSet: policy.setSlots)
    }
}
