import FleetModel
import Logging
import STOQ
import STOQTransport
import Store
import Synchronization
import Trust

/// The floor of a host without state: what peers serve, proved by signed metadata, before its first release of a set.
extension SetSync {
    /// All peers together are waited for no longer than this.
    private static let floorPatience = Duration.seconds(10)

    /// Takes the metadata of up to `trust.floor` peers, and says what is the newest release that they serve; nil if this
    /// host serves one of the set already, or is not to ask.
    ///
    /// A claim counts if the set's keys signed a release of that number: so a peer that lies can neither hold this host
    /// back nor keep it from beginning. Peers that do not answer in time are left out, and the log and the summary say so.
    func floorOfPeers() async throws -> FloorSummary? {
        guard limits.floorPeers > 0, let receipts,
            try await pool.run({ [store, line] in try store.head(set: line.set) == nil })
        else { return nil }
        let peers = ReceiptExchange.hosts(line.sources + line.peers, receipts.neighbours(), except: host)
            .prefix(limits.floorPeers)
        let claims = await claims(of: Array(peers), receipts.endpoint)
        let signed = trust.repository?.sequences(ofSet: line.set) ?? []
        let proved = claims.compactMapValues { $0 }.filter { signed.contains($0.value) }
        let floor = FloorSummary(
            sequence: proved.values.max(), peers: proved.filter { $0.value == proved.values.max() }.keys.sorted(),
            asked: peers.count, answered: claims.count)
        logger.log(
            level: floor.answered < limits.floorPeers ? .notice : .info, "the floor before the first release",
            metadata: [
                "set": "\(line.set)", "floor": "\(floor.sequence ?? 0)", "answered": "\(floor.answered)",
                "asked": "\(floor.asked)", "wanted": "\(limits.floorPeers)",
            ])
        return floor
    }

    /// The head of the set that each peer claims whose metadata was taken, or is no newer than ours; nil in it: none.
    private func claims(of peers: [Neighbour], _ endpoint: STOQEndpoint) async -> [String: UInt64?] {
        let claims = FloorClaims()
        // Beside this task: one that cannot be reached is not waited for beyond the deadline.
        var askers: [Task<Void, Never>] = []
        for peer in peers { askers.append(Task { await ask(peer, endpoint, claims) }) }
        defer { for asker in askers { asker.cancel() } }
        let deadline = ContinuousClock.now + Self.floorPatience
        while true {
            let seen = claims.answered.count
            guard seen < peers.count, ContinuousClock.now < deadline, !Task.isCancelled else { return claims.all }
            await claims.answered.wait(after: seen, atMost: deadline - .now)
        }
    }

    private func ask(_ peer: Neighbour, _ endpoint: STOQEndpoint, _ claims: FloorClaims) async {
        do {
            let connection = try await endpoint.connection(
                to: peer.name, role: nil, host: peer.address.host, port: peer.address.port)
            try await MetadataExchange(trust: trust, store: store, pool: pool).update(from: connection)
            claims.add(peer.name, connection.greeting?.heads.first { $0.set == line.set }?.sequence)
        } catch {
            logger.info("no floor from a peer", metadata: ["peer": "\(peer.name)", "error": "\(error)"])
        }
        claims.answered.raise()
    }
}

/// What peers claim, as it comes.
private final class FloorClaims: Sendable {
    private let heads = Mutex<[String: UInt64?]>([:])
    /// Raised once for every peer, whether it had anything to say or not.
    let answered = Signal()

    var all: [String: UInt64?] { heads.withLock { $0 } }

    func add(_ name: String, _ head: UInt64?) {
        heads.withLock { $0[name] = .some(head) }
    }
}
