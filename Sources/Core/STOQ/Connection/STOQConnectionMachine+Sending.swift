/// The sending half: what waits, and whose turn it is.
extension STOQConnectionMachine {
    /// A frame to send: its header, and where its payload is.
    package struct OutgoingFrame: Sendable {
        package let header: STOQFrameHeader
        package let message: [UInt8]
        package let range: Range<Int>
        /// With this frame a message of the stream is sent completely.
        package let endsMessage: Bool
    }

    /// Queues a message on a stream. False if the stream is over: the message is dropped.
    package mutating func send(_ message: [UInt8], isCompressed: Bool, on number: UInt32) -> Bool {
        precondition(message.count <= STOQLimits.messageByteCount, "a message of \(message.count) bytes")
        guard var stream = streams[number], !stream.isEndQueued else { return false }
        stream.outgoing.append(message)
        stream.outgoingFlags.append(isCompressed ? STOQFrameHeader.Flags.compressed : 0)
        streams[number] = stream
        wait(number, stream.kind)
        return true
    }

    /// Sends nothing more on a stream once what is queued went out.
    package mutating func finish(_ number: UInt32) {
        guard var stream = streams[number], !stream.isEndQueued else { return }
        stream.isEndQueued = true
        streams[number] = stream
        wait(number, stream.kind)
    }

    /// Messages on a stream that wait to be sent, the one being sent included.
    package func queuedMessages(_ number: UInt32) -> Int { streams[number]?.outgoing.count ?? 0 }

    private mutating func wait(_ number: UInt32, _ kind: StreamKind) {
        if !turns[kind.urgency].contains(number) { turns[kind.urgency].append(number) }
    }

    /// The next frame to send: the most urgent kind first, streams of a kind in turn. Nil when nothing may be sent.
    package mutating func nextFrame() -> OutgoingFrame? {
        guard isReady else { return nil }
        for urgency in turns.indices {
            // Each stream once: one without credit keeps its place for when it gets some.
            for _ in 0..<turns[urgency].count {
                let number = turns[urgency].removeFirst()
                guard let stream = streams[number], !stream.outgoing.isEmpty || stream.isEndQueued else { continue }
                if let frame = frame(of: number, stream) {
                    if let left = streams[number], !left.outgoing.isEmpty { turns[urgency].append(number) }
                    return frame
                }
                turns[urgency].append(number)
            }
        }
        return nil
    }

    private mutating func frame(of number: UInt32, _ before: Stream) -> OutgoingFrame? {
        var stream = before
        guard let message = stream.outgoing.first else {
            stream.isSendClosed = true
            streams[number] = stream
            closeIfDone(number)
            return OutgoingFrame(
                header: STOQFrameHeader(
                    type: STOQFrameHeader.FrameType.data, flags: STOQFrameHeader.Flags.endOfStream, stream: number,
                    length: 0),
                message: [], range: 0..<0, endsMessage: false)
        }
        let left = message.count - stream.sentOfFirst
        let allowed = Int(min(UInt64(STOQLimits.framePayloadByteCount), min(stream.sendCredit, sendCredit)))
        let count = min(left, allowed)
        guard count > 0 || left == 0 else { return nil }
        let range = stream.sentOfFirst..<stream.sentOfFirst + count
        let endsMessage = count == left
        var flags: UInt8 = 0
        if endsMessage {
            flags = STOQFrameHeader.Flags.endOfMessage | stream.outgoingFlags[0]
            stream.outgoing.removeFirst()
            stream.outgoingFlags.removeFirst()
            stream.sentOfFirst = 0
            if stream.outgoing.isEmpty, stream.isEndQueued {
                flags |= STOQFrameHeader.Flags.endOfStream
                stream.isSendClosed = true
            }
        } else {
            stream.sentOfFirst += count
        }
        stream.sendCredit -= UInt64(count)
        sendCredit -= UInt64(count)
        streams[number] = stream
        if stream.isSendClosed { closeIfDone(number) }
        return OutgoingFrame(
            header: STOQFrameHeader(
                type: STOQFrameHeader.FrameType.data, flags: flags, stream: number, length: count),
            message: message, range: range, endsMessage: endsMessage)
    }
}
