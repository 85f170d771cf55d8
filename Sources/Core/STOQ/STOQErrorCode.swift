/// Why a stream was reset or a connection closed, as it stands in RESET and GOAWAY frames.
package enum STOQErrorCode: UInt16, CaseIterable, Hashable, Sendable {
    /// Nothing is wrong: the end was wanted.
    case done = 0
    /// What was asked for is not here.
    case notFound = 1
    /// The peer may not ask for this.
    case notAllowed = 2
    /// Too much is going on; trying again later may help.
    case busy = 3
    /// A request, message or compressed frame that is not valid.
    case malformed = 4
    /// Something is above its limit.
    case tooLarge = 5
    /// The answering side failed; its log says why.
    case `internal` = 6
    /// The peer is going away.
    case shuttingDown = 7
    /// The deadline of the stream, or of the handshake, passed.
    case deadline = 8
    /// Nothing moved on the stream for too long.
    case noProgress = 9
    /// The side that asked lost interest.
    case cancelled = 10
    /// Frames that break a rule of the protocol.
    case violation = 11
    /// More bytes than there was credit for, or more credit than there may be.
    case flow = 12
    /// The two sides have no protocol version in common.
    case unsupportedVersion = 13
    /// A kind of request that this side does not know.
    case unsupported = 14
    /// The certificate is of another fleet or of a role that has no business here.
    case wrongPeer = 15
    /// The peer was silent although it was asked whether it lives.
    case silent = 16

    // Never on the wire: what a side finds out by itself.

    /// TLS or the certificates could not be agreed on.
    case handshake = 0xFF01
    /// No connection could be made.
    case unreachable = 0xFF02
    /// The connection is gone.
    case disconnected = 0xFF03

    /// Whether a peer may send this code.
    package var isOnWire: Bool { rawValue < 0xFF00 }

    /// The code that a peer sent; one that this version does not know counts as `internal`.
    package init(wire: UInt16) {
        let code = STOQErrorCode(rawValue: wire)
        self = code.flatMap { $0.isOnWire ? $0 : nil } ?? .internal
    }
}
