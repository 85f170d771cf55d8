package import FleetCertificates
package import STOQ

/// How an endpoint works. Everything but the credentials has a default.
package struct STOQSettings: Sendable {
    /// This host's certificate and key, and the fleet's authority.
    package var credentials: HostCredentials
    /// Which groups of the key exchange are agreed on.
    package var keyExchange = KeyExchange.hybrid
    /// What a connection takes, and how long it waits.
    package var limits = STOQLimits()
    /// From the first packet to the greeting.
    package var handshakeTimeout = Duration.seconds(10)
    /// Until a dialled host takes the connection.
    package var connectTimeout = Duration.seconds(10)
    /// How long open streams may go on after ``STOQEndpoint/shutdown()``.
    package var shutdownGrace = Duration.seconds(3)
    /// Connections that others made. Each costs a descriptor, and some 50 KiB while it is idle.
    package var connectionLimit = 2_048
    /// Connections that others made and that have not greeted yet; beyond it, the oldest of the busiest address makes
    /// way.
    package var handshakeLimit = 64
    /// Connections that one peer made, so that no certificate takes all of them. Hosts keep one to each other; an
    /// operator has one for each command.
    package var connectionsPerPeer = 32
    /// Requests of each kind of one connection that are answered at once; more wait for their turn.
    package var servedAtOnce: [StreamKind: Int] = [.control: 16, .metadata: 16, .interactive: 32, .bulk: 8]

    package init(credentials: HostCredentials) {
        self.credentials = credentials
    }
}
