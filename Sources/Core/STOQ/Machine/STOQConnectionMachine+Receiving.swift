import Content

/// What arrives.
extension STOQConnectionMachine {
    /// Takes bytes as they come, cut anywhere. Anything that breaks a rule ends in ``STOQAction/close(_:)`` with the
    /// rule; what follows it is not looked at.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: STOQTime) -> [STOQAction] {
        guard !bytes.isEmpty, phase != .closed else { return [] }
        lastByte = now
        var rest = bytes
        do throws(STOQViolation) {
            while phase != .closed, !rest.isEmpty {
                let taken = try step(rest, now: now)
                rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            }
        } catch {
            end(STOQError(error.code, "\(error)"))
        }
        return takeActions()
    }

    /// Takes bytes from the front of `bytes`, at least one; how many.
    private mutating func step(_ bytes: UnsafeRawBufferPointer, now: STOQTime) throws(STOQViolation) -> Int {
        switch position {
        case .header:
            let taken = collect(bytes, upTo: STOQFrameHeader.byteCount)
            guard collected.count == STOQFrameHeader.byteCount else { return taken }
            let header = collected.withUnsafeBytes { STOQFrameHeader($0) }
            collected.removeAll(keepingCapacity: true)
            try begin(header, now: now)
            return taken
        case .payload(let header):
            let taken = collect(bytes, upTo: Int(header.length))
            guard collected.count == Int(header.length) else { return taken }
            let payload = collected
            collected.removeAll(keepingCapacity: payload.count < 1 << 10)
            position = .header
            try handle(header, payload, now: now)
            return taken
        case .lengths(let header):
            let taken = collect(bytes, upTo: STOQFrame.Lengths.byteCount)
            guard collected.count == STOQFrame.Lengths.byteCount else { return taken }
            let (wire, plain) = collected.withUnsafeBytes {
                (
                    UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt32.self)),
                    UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                )
            }
            collected.removeAll(keepingCapacity: true)
            try beginMessage(header, wire: wire, plain: plain, now: now)
            return taken
        case .body(let header, let left):
            let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
            streams[header.stream]?.incoming?.append(part)
            position = .body(header, left: left - part.count)
            if part.count == left { try endPart(header, now: now) }
            return part.count
        case .skip(let left):
            let taken = min(left, bytes.count)
            position = taken == left ? .header : .skip(left: left - taken)
            return taken
        }
    }

    /// Collects up to `count` bytes altogether; how many were taken now.
    private mutating func collect(_ bytes: UnsafeRawBufferPointer, upTo count: Int) -> Int {
        let taken = min(count - collected.count, bytes.count)
        collected.append(contentsOf: bytes.prefix(taken))
        return taken
    }

    // MARK: - Frames

    private mutating func begin(_ header: STOQFrameHeader, now: STOQTime) throws(STOQViolation) {
        // Before anything else, so that a web browser or a port scanner learns nothing but this.
        if phase == .hello, header.type != STOQFrameType.hello.rawValue { throw .noHello }
        guard header.length <= UInt32(limits.frameBytes) else {
            throw .frameTooLarge(length: header.length, limit: limits.frameBytes)
        }
        guard let type = STOQFrameType(rawValue: header.type) else {
            guard header.type >= STOQFrameType.firstIgnorable, phase == .open else {
                throw .unknownFrame(type: header.type)
            }
            position = header.length == 0 ? .header : .skip(left: Int(header.length))
            return
        }
        try check(header, type)
        if type == .message {
            try beginPart(header, now: now)
        } else {
            position = .payload(header)
        }
    }

    /// What every frame of a type has in common.
    private func check(_ header: STOQFrameHeader, _ type: STOQFrameType) throws(STOQViolation) {
        let (flags, lengths, isOnStream): (UInt8, ClosedRange<Int>, Bool?) =
            switch type {
            case .hello: (0, 1...STOQHello.byteLimit, false)
            case .greeting: (0, 1...limits.frameBytes, false)
            case .open: (0, 1...1, true)
            case .message:
                (STOQFrameFlag.begins | STOQFrameFlag.zstd | STOQFrameFlag.finishes, 0...limits.frameBytes, true)
            case .credit: (0, 5...5, nil)
            case .reset: (0, 2...2 + STOQLimits.reasonBytes, true)
            case .ping: (STOQFrameFlag.answers, 8...8, false)
            case .goAway: (0, 2...2 + STOQLimits.reasonBytes, false)
            }
        guard header.flags & ~flags == 0, header.reserved == 0 else {
            throw .unknownFlags(type: header.type, flags: header.flags, reserved: header.reserved)
        }
        guard lengths.contains(Int(header.length)) else {
            throw .badLength(type: header.type, length: header.length)
        }
        if let isOnStream, (header.stream != 0) != isOnStream {
            throw .badStream(type: header.type, stream: header.stream)
        }
        let isInPlace =
            switch type {
            case .hello: phase == .hello
            case .greeting: phase == .greeting || phase == .open
            // A peer may give up, and prove that it lives, before it has greeted.
            case .goAway, .ping: phase != .hello
            default: phase == .open
            }
        guard isInPlace else { throw .unexpectedFrame(type: header.type) }
    }

    private mutating func handle(_ header: STOQFrameHeader, _ payload: [UInt8], now: STOQTime) throws(STOQViolation) {
        switch STOQFrameType(rawValue: header.type) {
        case .hello: try handleHello(payload)
        case .greeting: try handleGreeting(payload, now: now)
        case .open: try handleOpen(header.stream, kind: payload[0], now: now)
        case .credit: try handleCredit(header.stream, payload, now: now)
        case .reset: try handleReset(header.stream, payload)
        case .ping: try handlePing(header, payload, now: now)
        case .goAway: handleGoAway(payload)
        case .message, nil: break
        }
    }

    private mutating func handleHello(_ payload: [UInt8]) throws(STOQViolation) {
        let hello = try STOQHello(decoding: payload)
        _ = try hello.commonVersion()
        peer = hello.limits
        for kind in StreamKind.allCases {
            kinds[Int(kind.rawValue)].sendCredit = peer.windows[kind]
            kinds[Int(kind.rawValue)].sendWindow = peer.windows[kind]
        }
        phase = .greeting
        if let greeting = ownGreeting {
            ownGreeting = nil
            sendGreeting(greeting)
        }
    }

    private mutating func handleGreeting(_ payload: [UInt8], now: STOQTime) throws(STOQViolation) {
        let greeting: STOQGreeting
        do {
            greeting = try STOQGreeting(decoding: payload)
        } catch {
            throw .badGreeting(error)
        }
        guard phase == .greeting else {
            actions.append(.greeted(greeting))
            return
        }
        phase = .open
        if hasGreeted { becomeReady(greeting, now: now) } else { heldGreeting = greeting }
    }

    private mutating func handleOpen(_ stream: STOQStreamID, kind: UInt8, now: STOQTime) throws(STOQViolation) {
        let isTheirs = (stream & 1 == 1) == (side == .listener)
        guard isTheirs else { throw .badStream(type: STOQFrameType.open.rawValue, stream: stream) }
        guard stream > lastPeerStream else { throw .streamReused(stream: stream, last: lastPeerStream) }
        guard let kind = StreamKind(rawValue: kind) else { throw .unknownKind(stream: stream, kind: kind) }
        guard peerStreams < limits.streams else { throw .tooManyStreams(limit: limits.streams) }
        lastPeerStream = stream
        peerStreams += 1
        streams[stream] = StreamRecord(
            kind: kind, isOurs: false, receiveCredit: limits.streamWindow, sendCredit: peer.streamWindow,
            openedAt: now, deadline: nil)
        guard !isClosing, hasGreeted else { return abandon(stream, .shuttingDown, "this side takes no new streams") }
        actions.append(.opened(stream, kind))
    }

    private mutating func handleCredit(
        _ stream: STOQStreamID, _ payload: [UInt8], now: STOQTime
    ) throws(STOQViolation) {
        let credit = payload[1...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard credit > 0 else { throw .badCredit(stream: stream, credit: 0) }
        guard stream != 0 else {
            guard let kind = StreamKind(rawValue: payload[0]) else { throw .unknownKind(stream: 0, kind: payload[0]) }
            let index = Int(kind.rawValue)
            let sum = kinds[index].sendCredit + Int(credit)
            guard sum <= kinds[index].sendWindow else { throw .badCredit(stream: 0, credit: UInt64(sum)) }
            kinds[index].sendCredit = sum
            return
        }
        guard payload[0] == 0 else { throw .unknownKind(stream: stream, kind: payload[0]) }
        guard var record = try live(stream) else { return }
        let sum = record.sendCredit + Int(credit)
        guard sum <= peer.streamWindow else { throw .badCredit(stream: stream, credit: UInt64(sum)) }
        record.sendCredit = sum
        if !record.isDraining { schedule(stream, &record) }
        streams[stream] = record
    }

    private mutating func handleReset(_ stream: STOQStreamID, _ payload: [UInt8]) throws(STOQViolation) {
        guard let record = try live(stream) else { return }
        if !record.isDraining {
            // The peer counts the stream as open until it knows that nothing more comes.
            enqueue(STOQFrame(.reset, stream: stream, payload: Self.payload(.done, "")))
            actions.append(.reset(stream, Self.error(payload)))
        }
        forget(stream)
    }

    private mutating func handlePing(
        _ header: STOQFrameHeader, _ payload: [UInt8], now: STOQTime
    ) throws(STOQViolation) {
        if header.flags & STOQFrameFlag.answers == 0 {
            guard pongsQueued < Self.pongLimit else { throw .flood(type: header.type) }
            pongsQueued += 1
            enqueue(STOQFrame(.ping, flags: STOQFrameFlag.answers, payload: payload))
        } else if let sentAt = pingSentAt, payload == Self.pingPayload(sentAt) {
            pingSentAt = nil
            note(roundTrip: now.elapsed(since: sentAt))
        }
    }

    private mutating func handleGoAway(_ payload: [UInt8]) {
        let error = Self.error(payload)
        if !isPeerClosing { actions.append(.goingAway(error)) }
        isPeerClosing = true
        // A peer that gives up before it has greeted has nothing to finish.
        if phase == .open { closeIfDone() } else { end(error) }
    }

    // MARK: - Messages

    private mutating func beginPart(_ header: STOQFrameHeader, now: STOQTime) throws(STOQViolation) {
        let stream = header.stream
        let begins = header.flags & STOQFrameFlag.begins != 0
        let finishes = header.flags & STOQFrameFlag.finishes != 0
        if header.flags & STOQFrameFlag.zstd != 0, !begins {
            throw .unknownFlags(type: header.type, flags: header.flags, reserved: 0)
        }
        guard let record = try live(stream) else { throw .streamFinished(stream: stream) }
        guard !record.isRemoteFinished else { throw .streamFinished(stream: stream) }
        if begins {
            guard header.length >= UInt32(STOQFrame.Lengths.byteCount) else {
                throw .badLength(type: header.type, length: header.length)
            }
            guard record.incoming == nil else { throw .partOutOfOrder(stream: stream) }
            position = .lengths(header)
            return
        }
        if record.isDraining {
            // Parts of what was under way when this side lost interest.
            position = header.length == 0 ? .header : .skip(left: Int(header.length))
            if finishes { forget(stream) }
            return
        }
        let length = Int(header.length)
        if length == 0, finishes {
            guard record.incoming == nil else { throw .finishInMessage(stream: stream) }
            position = .header
            return finishRemote(stream, now: now)
        }
        guard let incoming = record.incoming else { throw .partOutOfOrder(stream: stream) }
        try checkPart(stream, length: length, missing: incoming.missing, finishes: finishes)
        position = .body(header, left: length)
    }

    /// A message begins, and pays for itself at once, so that one that was begun can always be ended.
    private mutating func beginMessage(
        _ header: STOQFrameHeader, wire: UInt32, plain: UInt32, now: STOQTime
    ) throws(STOQViolation) {
        let stream = header.stream
        guard var record = streams[stream] else { throw .streamNotOpened(stream: stream) }
        let isCompressed = header.flags & STOQFrameFlag.zstd != 0
        guard plain <= UInt32(limits.messageBytes) else {
            throw .messageTooLarge(stream: stream, length: plain, limit: limits.messageBytes)
        }
        guard isCompressed ? wire < plain && wire > 0 : wire == plain else {
            throw .badMessageLengths(stream: stream, wire: wire, plain: plain)
        }
        let finishes = header.flags & STOQFrameFlag.finishes != 0
        let length = Int(header.length) - STOQFrame.Lengths.byteCount
        try checkPart(stream, length: length, missing: Int(wire), finishes: finishes)
        let cost = STOQLimits.cost(Int(plain))
        let kind = Int(record.kind.rawValue)
        guard cost <= kinds[kind].receiveCredit else {
            throw .creditExceeded(stream: 0, cost: cost, credit: kinds[kind].receiveCredit)
        }
        kinds[kind].receiveCredit -= cost
        kinds[kind].lastReceived = now
        if record.isDraining {
            giveKindCredit(record.kind, cost)
            position = length == 0 ? .header : .skip(left: length)
            if finishes { forget(stream) }
            return
        }
        guard cost <= record.receiveCredit else {
            throw .creditExceeded(stream: stream, cost: cost, credit: record.receiveCredit)
        }
        record.receiveCredit -= cost
        record.heldCost += cost
        record.incoming = STOQMessage(
            capacity: Int(wire), encoding: isCompressed ? .zstd(plainByteCount: Int(plain)) : .plain, pool: pool)
        streams[stream] = record
        position = .body(header, left: length)
        if length == 0 { try endPart(header, now: now) }
    }

    private func checkPart(
        _ stream: STOQStreamID, length: Int, missing: Int, finishes: Bool
    ) throws(STOQViolation) {
        guard length <= missing else { throw .messageOverrun(stream: stream, excess: length - missing) }
        guard length == missing || length >= STOQLimits.partFloor else {
            throw .partTooShort(stream: stream, length: length)
        }
        guard length == missing || !finishes else { throw .finishInMessage(stream: stream) }
    }

    /// A part of a message is complete, and perhaps the message.
    private mutating func endPart(_ header: STOQFrameHeader, now: STOQTime) throws(STOQViolation) {
        position = .header
        let stream = header.stream
        guard var record = streams[stream] else { return }
        record.lastReceived = now
        kinds[Int(record.kind.rawValue)].lastReceived = now
        if let message = record.incoming, message.missing == 0 {
            record.incoming = nil
            record.hasReceivedMessage = true
            actions.append(.message(stream, message))
        }
        streams[stream] = record
        if header.flags & STOQFrameFlag.finishes != 0 { finishRemote(stream, now: now) }
    }

    private mutating func finishRemote(_ stream: STOQStreamID, now: STOQTime) {
        streams[stream]?.isRemoteFinished = true
        streams[stream]?.lastReceived = now
        // Nothing more comes on the stream, so nobody needs its own credit any more.
        streams[stream]?.creditDue = 0
        actions.append(.finished(stream))
        closeIfFinished(stream)
    }

    // MARK: - Looking up

    /// The stream, nil if it was open and is over. Throws if it was never opened.
    private func live(_ stream: STOQStreamID) throws(STOQViolation) -> StreamRecord? {
        if let record = streams[stream] { return record }
        let isOurs = (stream & 1 == 1) == (side == .dialler)
        guard isOurs ? stream < nextStream : stream <= lastPeerStream else { throw .streamNotOpened(stream: stream) }
        return nil
    }

    private static func error(_ payload: [UInt8]) -> STOQError {
        STOQError(fromPeer: UInt16(payload[0]) | UInt16(payload[1]) << 8, reason: payload[2...])
    }
}
