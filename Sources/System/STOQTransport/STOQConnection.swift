package import FleetCertificates
package import STOQ
import Synchronization

/// An open connection to a peer, whoever dialled: both sides may ask.
package final class STOQConnection: Sendable {
    /// Who the peer is, from its certificate.
    package let peer: FleetIdentity
    /// The key exchange group, as read from the handshake, e.g. `X25519MLKEM768`.
    package let negotiatedGroup: String
    /// What the peer said of itself when the connection began.
    package let greeting: STOQGreeting
    private let wire: STOQWire
    private let traffic: Traffic

    /// Bytes of plaintext in each direction.
    final class Traffic: Sendable {
        private let counts = Mutex((received: UInt64(0), sent: UInt64(0)))

        var received: UInt64 { counts.withLock { $0.received } }
        var sent: UInt64 { counts.withLock { $0.sent } }

        func add(received: Int = 0, sent: Int = 0) {
            counts.withLock { counts in
                counts.received += UInt64(received)
                counts.sent += UInt64(sent)
            }
        }
    }

    init(peer: FleetIdentity, negotiatedGroup: String, greeting: STOQGreeting, wire: STOQWire, traffic: Traffic) {
        self.peer = peer
        self.negotiatedGroup = negotiatedGroup
        self.greeting = greeting
        self.wire = wire
        self.traffic = traffic
    }

    /// Begins a stream with `request`. The answers are taken with ``STOQStream/next()``. Throws ``STOQError``.
    package func open(_ request: STOQRequest, kind: StreamKind) async throws -> STOQStream {
        try await wire.open(request.encode(), kind: kind)
    }

    /// Says goodbye and closes; streams that are open fail.
    package func close() {
        wire.close(.shuttingDown, "closing")
    }

    /// What there is to report of the connection.
    var snapshot: ConnectionSnapshot {
        ConnectionSnapshot(
            peer: peer, negotiatedGroup: negotiatedGroup, bytesIn: traffic.received, bytesOut: traffic.sent)
    }
}

/// One connection at one moment.
package struct ConnectionSnapshot: Sendable {
    package let peer: FleetIdentity
    package let negotiatedGroup: String
    package let bytesIn: UInt64
    package let bytesOut: UInt64
}
