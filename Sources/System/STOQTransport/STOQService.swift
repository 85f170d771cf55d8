package import FleetCertificates
package import STOQ

/// What a host does with what its peers ask. Calls come from many tasks at once.
package protocol STOQService: Sendable {
    /// What this host says about itself now. It is asked once for every connection, and again by
    /// ``STOQEndpoint/announce()``.
    func greeting() async -> STOQGreeting

    /// Answers a request; the peer's certificate is verified, and its role may ask for this kind of request. Which sets
    /// it may have is for the service to say. When it returns, the stream is finished if it was not; when it throws,
    /// the stream is reset with the code of a `STOQError`, or `internal`. The task is cancelled when the stream ends.
    func serve(
        _ request: STOQRequest, kind: StreamKind, from peer: FleetIdentity, on stream: STOQStream
    ) async throws

    /// A peer has greeted, for the first time or again. One call at a time for each connection, always with the newest.
    func peerGreeting(_ greeting: STOQGreeting, from peer: FleetIdentity) async
}
