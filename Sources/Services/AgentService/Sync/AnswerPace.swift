import STOQ

/// How long an answer may take: time to begin, and then as long as its bytes take at the least pace. Time that is spent
/// here, on what was received, does not count.
///
/// A pure value; the protocol itself ends an answer of which no byte comes for 15 s.
package struct AnswerPace: Sendable {
    /// For a busy source to get to the request, and for us to be late.
    private static let allowance = Duration.seconds(30)
    /// Bytes a second. Below this a source is of no use, also not the only one: 32 kbit/s for each of its streams.
    private static let leastPace = 4_096
    /// A message is seen as a whole: there is time for the one under way.
    private static let messageBytes = STOQLimits.messageCeiling

    private var received = 0
    private var waited = Duration.zero

    /// An answer of which nothing came yet.
    package init() {}

    /// How long the next message may be waited for.
    package var patience: Duration {
        let bytes = received.addingReportingOverflow(Self.messageBytes)
        let seconds = bytes.overflow ? Int.max / Self.leastPace : bytes.partialValue / Self.leastPace
        return Self.allowance + .seconds(seconds) - waited
    }

    /// Takes note of a message of `byteCount` bytes that came after `time`.
    package mutating func received(_ byteCount: Int, after time: Duration) {
        let sum = received.addingReportingOverflow(max(byteCount, 0))
        received = sum.overflow ? .max : sum.partialValue
        waited += time
    }
}
