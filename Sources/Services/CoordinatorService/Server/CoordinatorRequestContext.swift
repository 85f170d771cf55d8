import FleetAPI
import Hummingbird
import HummingbirdCore
import NIOCore

/// What a request knows besides itself: its connection and, past `PeerGate`, who sent it.
struct CoordinatorRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel
    private var provenPeer: Peer?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        provenPeer = nil
    }

    /// Who sent the request; throws 401 before `PeerGate` has set it.
    var peer: Peer {
        get throws {
            guard let provenPeer else { throw RequestError.noIdentity }
            return provenPeer
        }
    }

    /// Who sent the request; nil if it has no certificate.
    var knownPeer: Peer? { provenPeer }

    /// This context with its peer.
    func with(_ peer: Peer) -> CoordinatorRequestContext {
        var copy = self
        copy.provenPeer = peer
        return copy
    }
}
