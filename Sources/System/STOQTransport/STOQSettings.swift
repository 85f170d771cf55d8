package import FleetCertificates
package import STOQ

/// How an endpoint behaves.
package struct STOQSettings: Sendable {
    /// Who we are, and whose certificates we take.
    package var credentials: HostCredentials
    /// Refuse a peer that does not take part in the hybrid key exchange X25519MLKEM768.
    package var requireHybridKeyExchange = true
    /// What a peer may make us hold.
    package var limits = STOQLimits()
    /// A peer that is silent for so long is pinged; for three times as long, it is given up.
    package var keepAlive = Duration.seconds(15)
    /// From the first packet to both hellos.
    package var handshakeTimeout = Duration.seconds(10)
    /// A request that gets no byte for so long is given up.
    package var progressTimeout = Duration.seconds(30)
    /// Connections that have not said hello yet; further ones are closed at once.
    package var pendingConnections = 128
    /// Connections in all.
    package var connections = 2_048

    /// Settings with defaults for everything else.
    package init(credentials: HostCredentials) {
        self.credentials = credentials
    }
}

/// What an endpoint answers its peers with.
package protocol STOQService: Sendable {
    /// What we tell a peer when a connection begins.
    func greeting() async -> STOQGreeting
    /// Answers `request` on `stream`. If it throws, the stream is reset.
    func serve(_ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream) async throws
    /// What a peer told us when its connection began.
    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async
}
