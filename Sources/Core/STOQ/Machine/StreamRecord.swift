/// What a machine knows of one stream.
struct StreamRecord: Sendable {
    let kind: StreamKind
    /// Whether this side opened it.
    let isOurs: Bool

    // Receiving

    /// The message whose parts are arriving.
    var incoming: STOQMessage?
    /// What the peer may still send.
    var receiveCredit: Int
    /// The cost of messages that arrived, also in part, and that nobody took yet.
    var heldCost = 0
    /// The cost of messages that were taken and that the peer was not told of yet.
    var creditDue = 0
    /// Whether the stream is among those whose credit is to be returned.
    var isCreditQueued = false
    var hasReceivedMessage = false
    var isRemoteFinished = false

    // Sending

    var sendCredit: Int
    var queue: [OutgoingMessage] = []
    /// Bytes of the first message of the queue that are sent; nil if it was not begun.
    var sentBytes: Int?
    var finishWanted = false
    var isLocalFinished = false
    /// Whether the stream is in the ring of its kind.
    var isQueued = false
    /// Whether this side has reset it and waits for the peer's last word.
    var isDraining = false

    // Time

    let openedAt: STOQTime
    var deadline: STOQTime?
    /// When the peer last sent something, or this side last took something.
    var lastReceived: STOQTime
    /// When this side last could send something, or last had nothing to send.
    var lastSent: STOQTime

    init(
        kind: StreamKind, isOurs: Bool, receiveCredit: Int, sendCredit: Int, openedAt: STOQTime, deadline: STOQTime?
    ) {
        self.kind = kind
        self.isOurs = isOurs
        self.receiveCredit = receiveCredit
        self.sendCredit = sendCredit
        self.openedAt = openedAt
        self.deadline = deadline
        lastReceived = openedAt
        lastSent = openedAt
    }

    /// Whether there is something to send, credit aside.
    var wantsToSend: Bool { !queue.isEmpty || (finishWanted && !isLocalFinished) }
}
