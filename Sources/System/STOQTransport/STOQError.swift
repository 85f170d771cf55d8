package import STOQ

/// How a request or a connection failed.
package enum STOQError: Error, Sendable, CustomStringConvertible {
    /// No connection could be made.
    case unreachable(String)
    /// The handshake failed or took too long; certificates or key exchange do not fit.
    case handshake(String)
    /// The other end is not who it should be.
    case wrongPeer(expected: String, found: String)
    /// The peer gave the stream up.
    case reset(STOQErrorCode, String)
    /// The connection ended before the answer was complete.
    case closed(String)
    /// Nothing moved for too long.
    case stalled

    package var description: String {
        switch self {
        case .unreachable(let why): "unreachable: \(why)"
        case .handshake(let why): "the handshake failed: \(why)"
        case .wrongPeer(let expected, let found): "it is \(found), not \(expected)"
        case .reset(let code, let reason): reason.isEmpty ? "refused (\(code))" : "\(reason) (\(code))"
        case .closed(let why): "the connection ended: \(why)"
        case .stalled: "nothing came for too long"
        }
    }
}
