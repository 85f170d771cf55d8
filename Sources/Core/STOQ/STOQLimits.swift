/// What one side of a connection takes, and how long it waits. The other side learns the sizes in the HELLO; times are
/// never the peer's business.
package struct STOQLimits: Hashable, Sendable {
    /// Bytes of credit for all streams of one kind.
    package struct Windows: Hashable, Sendable {
        private var bytes: [Int]

        /// Together below 16 MiB, which is what one connection may cost its receiver.
        package init(
            control: Int = 1_310_720, metadata: Int = 4 << 20, interactive: Int = 2 << 20, bulk: Int = 8 << 20
        ) {
            bytes = [control, metadata, interactive, bulk]
        }

        package subscript(kind: StreamKind) -> Int {
            get { bytes[Int(kind.rawValue)] }
            set { bytes[Int(kind.rawValue)] = newValue }
        }
    }

    /// No frame has a longer payload, whatever the sides agree on.
    package static let frameCeiling = 256 << 10
    /// A chunk of a mebibyte, its place in the answer, and room for many small ones.
    package static let messageCeiling = (1 << 20) + (64 << 10)
    /// No side lets the other open more streams at once.
    package static let streamCeiling = 256
    /// No window is larger.
    package static let windowCeiling = 256 << 20
    /// What each message costs beyond its bytes, so that very many very short ones are not free.
    package static let messageOverhead = 256
    /// A part that is not the last of its message has at least as many bytes, so that a peer cannot keep this side
    /// busy with headers.
    package static let partFloor = 4 << 10
    /// The longest text in RESET and GOAWAY.
    package static let reasonBytes = 256

    /// The longest payload of a frame that this side takes.
    package var frameBytes = frameCeiling
    /// The longest payload of a frame that this side sends. Shorter frames let urgent ones overtake sooner.
    package var sentFrameBytes = 128 << 10
    /// The longest message that this side takes.
    package var messageBytes = messageCeiling
    /// Streams that the other side may have open at once.
    package var streams = streamCeiling
    /// Credit of one stream: twice what is under way on a path of 200 Mbit/s and 80 ms.
    package var streamWindow = 4 << 20
    /// Credit of all streams of a kind.
    package var windows = Windows()

    /// Silence after which the peer is asked whether it lives; as long again without a byte closes the connection.
    package var keepAlive = Duration.seconds(15)
    /// Time without a byte of an answer after which a request is given up; control streams wait as long as it takes.
    package var progressTimeout = Duration.seconds(15)
    /// Time that a stream opened by the peer may take to bring its request.
    package var requestTimeout = Duration.seconds(10)
    /// Time that the peer may let an answer wait for credit, and a request for a free stream.
    package var creditTimeout = Duration.seconds(120)

    package init() {}

    /// What a message of `byteCount` bytes, uncompressed, costs.
    package static func cost(_ byteCount: Int) -> Int { byteCount + messageOverhead }

    /// Whether a machine can work with these values: every window has room for the longest message.
    var isValid: Bool {
        let least = Self.cost(Self.messageCeiling)
        let windowRange = least...Self.windowCeiling
        return (16 << 10...Self.frameCeiling).contains(frameBytes)
            && (16 << 10...Self.frameCeiling).contains(sentFrameBytes)
            && messageBytes == Self.messageCeiling && (1...Self.streamCeiling).contains(streams)
            && windowRange.contains(streamWindow)
            && StreamKind.allCases.allSatisfy { windowRange.contains(windows[$0]) }
    }
}
