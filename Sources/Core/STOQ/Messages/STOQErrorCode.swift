/// Why a stream was reset or a connection closed, as it goes over the wire.
package enum STOQErrorCode: UInt16, Sendable, CaseIterable {
    /// No reason given, or one that this version does not know.
    case unspecified = 0
    /// What was asked for is not there.
    case notFound = 1
    /// The peer's certificate does not allow it.
    case notAllowed = 2
    /// Try again later.
    case busy = 3
    /// A frame or message that breaks the protocol.
    case malformed = 4
    /// Larger than a limit.
    case tooLarge = 5
    /// The peer failed inside.
    case `internal` = 6
    /// The peer is about to end.
    case shuttingDown = 7
    /// Nothing moved for too long.
    case deadline = 8
    /// Nobody waits for the answer any more.
    case cancelled = 9
    /// The two share no version of the protocol.
    case version = 10
}
