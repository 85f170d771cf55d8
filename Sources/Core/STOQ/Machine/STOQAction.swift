/// The number of a stream on its connection: odd if the dialling side opened it, even if the listening one did.
package typealias STOQStreamID = UInt32

/// What a machine tells its shell. Frames are not among them: the shell takes them with
/// ``STOQConnectionMachine/takeFrame(now:)`` when it can write.
package enum STOQAction: Sendable {
    /// Both sides have greeted; streams may be opened.
    case ready(STOQGreeting)
    /// The peer has greeted again.
    case greeted(STOQGreeting)
    /// The peer opened a stream.
    case opened(STOQStreamID, StreamKind)
    /// A message arrived. Its cost is to be told to ``STOQConnectionMachine/consumed(_:cost:now:)`` when somebody took
    /// it.
    case message(STOQStreamID, STOQMessage)
    /// The peer's last word on a stream.
    case finished(STOQStreamID)
    /// A message has left the queue: there is room for another.
    case sent(STOQStreamID)
    /// A stream has ended before its time, in both directions. Nothing more comes for it.
    case reset(STOQStreamID, STOQError)
    /// A stream has ended in good order, in both directions. Nothing more comes for it.
    case closed(STOQStreamID)
    /// A stream of this side has ended: another may be opened.
    case slotFree
    /// The peer takes no new streams; the connection ends when the open ones have.
    case goingAway(STOQError)
    /// The connection is over: write the frames that are left, then close it. All streams are gone.
    case close(STOQError)
}
