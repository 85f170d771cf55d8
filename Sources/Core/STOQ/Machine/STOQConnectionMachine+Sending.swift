/// What goes out.
extension STOQConnectionMachine {
    /// The next frame to write, the most urgent first; nil if nothing may be sent now. Frames for the connection and
    /// for ends and beginnings of streams come before all messages, then credit, then messages by kind; the streams of
    /// a kind take turns frame by frame. Actions that come of it are told by ``takeEvents()``.
    ///
    /// Where bandwidth is limited, `frameBytes` is how long parts of messages may be, and `mayGo` is asked before each part
    /// with its stream's kind and number and its bytes: a stream that may not go keeps its turn for the next call.
    package mutating func takeFrame(
        now: STOQTime, frameBytes: Int? = nil, mayGo: ((StreamKind, STOQStreamID, Int) -> Bool)? = nil
    ) -> STOQFrame? {
        if let frame = takeQueuedFrame() { return frame }
        guard phase == .open, hasGreeted else { return nil }
        if let frame = takeCreditFrame() { return frame }
        for kind in StreamKind.byUrgency {
            if let frame = takeMessageFrame(kind, now: now, frameBytes, mayGo) { return frame }
        }
        return nil
    }

    /// Actions that came of taking frames.
    package mutating func takeEvents() -> [STOQAction] { takeActions() }

    private mutating func takeQueuedFrame() -> STOQFrame? {
        guard nextFrame < frames.count else { return nil }
        let frame = frames[nextFrame]
        nextFrame += 1
        if nextFrame == frames.count {
            frames.removeAll(keepingCapacity: true)
            nextFrame = 0
        }
        if frame.header.type == STOQFrameType.ping.rawValue, frame.header.flags & STOQFrameFlag.answers != 0 {
            pongsQueued -= 1
        }
        return frame
    }

    // MARK: - Credit

    /// Credit is returned when a quarter of a window is due, or earlier if the peer could not send the longest message
    /// without it.
    static func isWorthReturning(_ due: Int, window: Int) -> Bool {
        due > 0 && due >= min(window / 4, window - STOQLimits.cost(STOQLimits.messageCeiling))
    }

    private mutating func takeCreditFrame() -> STOQFrame? {
        for kind in StreamKind.byUrgency {
            let index = Int(kind.rawValue)
            let due = kinds[index].creditDue
            guard Self.isWorthReturning(due, window: limits.windows[kind]) else { continue }
            kinds[index].creditDue = 0
            kinds[index].receiveCredit += due
            return Self.creditFrame(stream: 0, kind: kind.rawValue, due)
        }
        while let stream = creditStreams.first {
            creditStreams.removeFirst()
            guard var record = streams[stream], record.creditDue > 0 else { continue }
            let due = record.creditDue
            record.creditDue = 0
            record.receiveCredit += due
            record.isCreditQueued = false
            streams[stream] = record
            return Self.creditFrame(stream: stream, kind: 0, due)
        }
        return nil
    }

    private static func creditFrame(stream: STOQStreamID, kind: UInt8, _ credit: Int) -> STOQFrame {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: credit >> (8 * $0)) }
        return STOQFrame(.credit, stream: stream, payload: [kind] + bytes)
    }

    // MARK: - Messages

    /// The next frame of a kind: of the first stream in the ring that may send, which then goes to its end.
    private mutating func takeMessageFrame(
        _ kind: StreamKind, now: STOQTime, _ frameBytes: Int?, _ mayGo: ((StreamKind, STOQStreamID, Int) -> Bool)?
    ) -> STOQFrame? {
        let index = Int(kind.rawValue)
        var turns = kinds[index].ring.count
        while turns > 0, let stream = kinds[index].ring.first {
            turns -= 1
            kinds[index].ring.removeFirst()
            guard var record = streams[stream], record.isQueued else { continue }
            record.isQueued = false
            if record.isDraining || !record.wantsToSend {
                streams[stream] = record
                continue
            }
            switch admit(stream, &record, kind: index) {
            case .waitForStream:
                // CREDIT puts it back.
                streams[stream] = record
                continue
            case .waitForKind:
                // Others may go on with what they have begun.
                schedule(stream, &record)
                streams[stream] = record
                continue
            case .send:
                let room = room(for: record, frameBytes)
                if let mayGo, let message = record.queue.first,
                    !mayGo(kind, stream, min(room, message.wire.byteCount - (record.sentBytes ?? 0)))
                {
                    schedule(stream, &record)
                    streams[stream] = record
                    continue
                }
                let frame = part(of: stream, &record, room: room, now: now)
                schedule(stream, &record)
                streams[stream] = record
                closeIfFinished(stream)
                return frame
            }
        }
        return nil
    }

    private enum Admission {
        case send
        case waitForStream
        case waitForKind
    }

    /// Pays for the first message of the queue if it was not begun.
    private mutating func admit(
        _ stream: STOQStreamID, _ record: inout StreamRecord, kind: Int
    ) -> Admission {
        guard let message = record.queue.first, record.sentBytes == nil else { return .send }
        guard message.cost <= record.sendCredit else { return .waitForStream }
        // Who waits longest for the share of the kind is first to get it; else small messages would starve large ones.
        if let claimant = kinds[kind].claimant, claimant != stream, streams[claimant]?.isQueued == true {
            return .waitForKind
        }
        guard message.cost <= kinds[kind].sendCredit else {
            kinds[kind].claimant = stream
            return .waitForKind
        }
        kinds[kind].claimant = nil
        record.sendCredit -= message.cost
        kinds[kind].sendCredit -= message.cost
        record.sentBytes = 0
        return .send
    }

    /// Bytes of a message that the next frame of a stream has room for.
    private func room(for record: StreamRecord, _ frameBytes: Int?) -> Int {
        let most = min(peer.frameBytes, limits.sentFrameBytes, max(frameBytes ?? .max, 2 * STOQLimits.partFloor))
        return most - (record.sentBytes == 0 ? STOQFrame.Lengths.byteCount : 0)
    }

    private mutating func part(
        of stream: STOQStreamID, _ record: inout StreamRecord, room: Int, now: STOQTime
    ) -> STOQFrame {
        record.lastSent = now
        guard let message = record.queue.first, let sent = record.sentBytes else {
            record.isLocalFinished = true
            return STOQFrame(.message, flags: STOQFrameFlag.finishes, stream: stream, payload: [])
        }
        let begins = sent == 0
        let left = message.wire.byteCount - sent
        let end = sent + min(left, room)
        var flags: UInt8 = begins ? STOQFrameFlag.begins : 0
        if begins, message.isCompressed { flags |= STOQFrameFlag.zstd }
        if end == message.wire.byteCount {
            record.queue.removeFirst()
            record.sentBytes = nil
            actions.append(.sent(stream))
            if record.finishWanted, record.queue.isEmpty {
                record.isLocalFinished = true
                flags |= STOQFrameFlag.finishes
            }
        } else {
            record.sentBytes = end
        }
        let lengths = STOQFrame.Lengths(wire: UInt32(message.wire.byteCount), plain: UInt32(message.plainByteCount))
        return STOQFrame(
            part: sent..<end, of: message.wire, flags: flags, stream: stream, lengths: begins ? lengths : nil)
    }
}
