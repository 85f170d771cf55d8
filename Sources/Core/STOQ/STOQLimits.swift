/// What one side lets the other make it do. All of it is checked by the receiver.
package struct STOQLimits: Sendable, Hashable {
    /// Payload of a frame: small enough that an urgent one soon gets its turn.
    package static let framePayloadByteCount = 256 << 10
    /// Bytes of items in a message.
    package static let payloadByteCount = 1 << 20
    /// A whole message: the items, and room for their header.
    package static let messageByteCount = payloadByteCount + (64 << 10)
    /// A hello, with the heads of every set that a host carries.
    package static let helloByteCount = 64 << 10
    /// Text of a reset or goodbye.
    package static let reasonByteCount = 1_024

    /// Open streams that the peer may have begun.
    package var streams = 256
    /// Bytes of messages that the peer may send on a stream before we take any.
    package var streamCredit = 4 << 20
    /// The same over all streams of a connection: what a peer can make us hold.
    package var connectionCredit = 16 << 20
    /// Messages on one stream that wait to be taken.
    package var waitingMessages = 1_024

    package init() {}
}
