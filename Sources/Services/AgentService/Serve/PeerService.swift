import Content
import FleetCertificates
import FleetModel
import Logging
package import STOQ
import STOQTransport
import Store
import Trust
import UpdateFramework

/// What this host answers its peers: releases, manifest nodes, chunk lists, changesets and chunks of its sets, and the
/// commands of operators.
///
/// Every request names its set and is answered only for a set that this host carries, so nothing tells whether another
/// set has a chunk.
struct PeerService: STOQService {
    let settings: LiveSettings
    let store: Store
    let trust: TrustedRepository
    let pool: BlockingPool
    let content: ContentService
    /// Knows who lost their standing.
    let verifier: PeerVerifier
    let commands: CommandService
    let logger: Logger
    /// Takes what a peer said about itself, by its name.
    let greeted: @Sendable (STOQGreeting, String) -> Void

    func greeting() async -> STOQGreeting {
        let heads = try? await pool.run { [store] in
            try store.sets().compactMap { set in
                try store.head(set: set).map {
                    STOQGreeting.Head(set: set, sequence: $0.sequence, release: $0.releaseDigest)
                }
            }
        }
        return STOQGreeting(
            fleet: settings.fleet, name: settings.name, heads: heads ?? [],
            timestampVersion: UInt64(max(0, trust.versions[.timestamp])))
    }

    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async {
        logger.debug("greeted", metadata: ["peer": "\(peer.name)", "heads": "\(greeting.heads.count)"])
        if peer.role == .agent || peer.role == .origin { greeted(greeting, peer.name) }
    }

    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws {
        do {
            if let refusal = refusal(of: request, from: peer) { throw refusal }
            if case .command(let bytes) = request {
                guard peer.role == .operator else {
                    return stream.reset(.notAllowed, "only operators may send commands")
                }
                try await commands.run(bytes, from: peer, on: stream)
            } else if case .ownCommand(let bytes) = request {
                guard peer.name == settings.name else {
                    return stream.reset(.notAllowed, "only \(settings.name) itself may ask for that")
                }
                try await commands.run(bytes, from: peer, isOwnHost: true, on: stream)
            } else if case .standings = request {
                try await content.send([verifier.list.encode()], on: stream)
            } else {
                try await content.answer(request, on: stream)
            }
            try await stream.finish()
        } catch let refusal as ServeRefusal {
            stream.reset(refusal.code, refusal.reason)
        } catch let error as StoreError {
            logger.error("a request failed", metadata: ["peer": "\(peer.name)", "error": "\(error)"])
            stream.reset(.internal, "the store of \(settings.name) failed")
        }
    }
}

extension PeerService {
    /// Why a request about a set is not answered for this peer; nil: it may be. Says the same whether the set is here or
    /// not.
    private func refusal(of request: STOQRequest, from peer: FleetIdentity) -> ServeRefusal? {
        guard let set = request.set else { return nil }
        guard AccessTable.allows(peer, request.call, by: trust.policy(ofSet: set).fetch) else {
            return ServeRefusal(
                .notAllowed,
                "the signed policy of \(set) does not let \(peer.name) fetch it: fleetctl trust policy \(set) --fetch"
                    + " mirror=\(peer.name),...")
        }
        guard AccessTable.allows(peer, request.call, by: settings.trust.fetchRule(ofSet: set)) else {
            return ServeRefusal(
                .notAllowed,
                "\(settings.name) does not let \(peer.name) fetch \(set) from it: `trust.fetch` in its agent.yaml")
        }
        return nil
    }
}

/// A request that is refused in good order.
package struct ServeRefusal: Error {
    /// What the stream is reset with.
    package let code: STOQErrorCode
    /// Why, for the peer.
    package let reason: String

    init(_ code: STOQErrorCode, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
