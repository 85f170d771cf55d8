package import FleetCertificates

/// What an endpoint tells of one of its connections.
package struct ConnectionSnapshot: Hashable, Sendable {
    /// Who is at the other end, as its certificate says.
    package let peer: FleetIdentity
    /// Whether this side made the connection.
    package let isDialled: Bool
    /// The group of the key exchange as negotiated, e.g. "X25519MLKEM768".
    package let negotiatedGroup: String
    /// Bytes of frames received, before TLS.
    package let bytesIn: UInt64
    /// Bytes of frames sent, before TLS.
    package let bytesOut: UInt64
    /// The shortest round trip measured; nil before the first.
    package let roundTrip: Duration?
}
