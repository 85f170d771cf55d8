/// What a machine knows of all streams of one kind together.
struct KindRecord: Sendable {
    /// What this side may still send.
    var sendCredit: Int
    /// The most that this side may ever have.
    var sendWindow: Int
    /// What the peer may still send.
    var receiveCredit: Int
    /// The cost of messages that were taken and that the peer was not told of yet.
    var creditDue = 0
    /// Streams with something to send.
    var ring = StreamRing()
    /// The stream that waits for credit of the kind: no other may begin a message before it.
    var claimant: STOQStreamID?
    /// When the peer last sent something of this kind.
    var lastReceived: STOQTime
}
