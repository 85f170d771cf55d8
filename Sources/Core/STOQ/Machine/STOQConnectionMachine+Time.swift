/// What happens because nothing happens.
///
/// The handshake's deadline is not here: one deadline of the shell covers TLS and greetings together.
extension STOQConnectionMachine {
    /// How late a stream's deadline may be noticed.
    private static let streamCheckInterval = Duration.milliseconds(250)

    /// When ``tick(now:)`` should be called next.
    package func nextTimer(now: STOQTime) -> STOQTime {
        let keepAlive = lastByte.advanced(by: limits.keepAlive)
        let silence = pingSentAt.map { max($0, lastByte).advanced(by: limits.keepAlive) } ?? keepAlive
        let connection = max(now, max(keepAlive, silence))
        return streams.isEmpty ? connection : min(connection, now.advanced(by: Self.streamCheckInterval))
    }

    /// Looks at what is overdue: a silent peer, streams past their deadline, streams on which nothing moves.
    package mutating func tick(now: STOQTime) -> [STOQAction] {
        guard phase == .open else { return [] }
        checkPeer(now: now)
        guard phase == .open, !streams.isEmpty else { return takeActions() }
        // Ascending, so that the order of resets does not depend on that of a dictionary.
        let overdue = streams.compactMap { stream, record in reason(of: record, now: now).map { (stream, $0) } }
            .sorted { $0.0 < $1.0 }
        for (stream, error) in overdue {
            abandon(stream, error.code, error.reason)
            guard phase == .open else { break }
            actions.append(.reset(stream, error))
        }
        return takeActions()
    }

    private mutating func checkPeer(now: STOQTime) {
        let silence = now.elapsed(since: lastByte)
        guard silence >= limits.keepAlive else { return }
        guard let sentAt = pingSentAt else { return sendPing(now: now) }
        guard now.elapsed(since: max(sentAt, lastByte)) >= limits.keepAlive else { return }
        end(STOQError(.silent, "nothing heard for \(silence.components.seconds) s"))
    }

    mutating func sendPing(now: STOQTime) {
        pingSentAt = now
        enqueue(STOQFrame(.ping, payload: Self.pingPayload(now)))
    }

    static func pingPayload(_ time: STOQTime) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: time.nanoseconds >> (8 * UInt64($0))) }
    }

    /// Why a stream must end now; nil if it need not.
    private func reason(of record: StreamRecord, now: STOQTime) -> STOQError? {
        guard !record.isDraining else { return nil }
        if let deadline = record.deadline, now >= deadline {
            return STOQError(.deadline, "not done in time")
        }
        if !record.isOurs, !record.hasReceivedMessage, now.elapsed(since: record.openedAt) >= limits.requestTimeout {
            return STOQError(.deadline, "no request came")
        }
        if isOwed(record) {
            // A request that waits for its turn at the peer is no worse off while others of its kind are answered.
            let kind = kinds[Int(record.kind.rawValue)].lastReceived
            let last = record.hasReceivedMessage ? record.lastReceived : max(record.lastReceived, kind)
            if now.elapsed(since: last) >= limits.progressTimeout {
                return STOQError(.noProgress, "nothing came for \(limits.progressTimeout.components.seconds) s")
            }
        }
        if record.wantsToSend, now.elapsed(since: record.lastSent) >= limits.creditTimeout {
            return STOQError(.noProgress, "no credit for \(limits.creditTimeout.components.seconds) s")
        }
        return nil
    }

    /// Whether the peer could send something that this side waits for: it opened the stream, has taken all that came,
    /// and there is credit. Commands take as long as they take.
    private func isOwed(_ record: StreamRecord) -> Bool {
        guard record.isOurs, record.kind != .control, !record.isRemoteFinished else { return false }
        if record.incoming != nil { return true }
        // Another stream whose messages nobody takes may hold the credit of the kind.
        let credit = kinds[Int(record.kind.rawValue)].receiveCredit
        return record.heldCost == 0 && credit >= STOQLimits.cost(STOQLimits.messageCeiling)
    }
}
