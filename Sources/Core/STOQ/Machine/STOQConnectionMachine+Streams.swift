/// How streams end.
extension STOQConnectionMachine {
    /// More than all streams of both sides.
    private static let ringLimit = 4 * STOQLimits.streamCeiling

    /// Resets a stream from this side. Until the peer has said its last word on it, it counts as open.
    mutating func abandon(_ stream: STOQStreamID, _ code: STOQErrorCode, _ reason: String) {
        guard var record = streams[stream], !record.isDraining else { return }
        enqueue(STOQFrame(.reset, stream: stream, payload: Self.payload(code, reason)))
        guard phase != .closed else { return }
        release(&record)
        record.isDraining = true
        record.queue = []
        record.sentBytes = nil
        streams[stream] = record
    }

    /// Gives back the credit that the stream's messages hold.
    mutating func release(_ record: inout StreamRecord) {
        giveKindCredit(record.kind, record.heldCost)
        record.heldCost = 0
        record.incoming = nil
        record.creditDue = 0
    }

    /// Forgets a stream that both sides are done with.
    mutating func forget(_ stream: STOQStreamID) {
        guard var record = streams.removeValue(forKey: stream) else { return }
        release(&record)
        if record.isOurs {
            ourStreams -= 1
            if isOpen { actions.append(.slotFree) }
        } else {
            peerStreams -= 1
        }
        closeIfDone()
    }

    /// Ends a connection that goes away when its last stream is over.
    mutating func closeIfDone() {
        guard phase != .closed, streams.isEmpty else { return }
        if isClosing {
            end(STOQError(.done, "this side went away"))
        } else if isPeerClosing {
            end(STOQError(.done, "the peer went away"))
        }
    }

    /// Forgets a stream if both sides have said their last word.
    mutating func closeIfFinished(_ stream: STOQStreamID) {
        guard let record = streams[stream], record.isRemoteFinished, record.isLocalFinished, !record.isDraining else {
            return
        }
        actions.append(.closed(stream))
        forget(stream)
    }

    /// Puts a stream that has something to send into the ring of its kind.
    mutating func schedule(_ stream: STOQStreamID, _ record: inout StreamRecord) {
        guard !record.isQueued, record.wantsToSend else { return }
        record.isQueued = true
        let kind = Int(record.kind.rawValue)
        if kinds[kind].ring.count > Self.ringLimit {
            // Streams that ended while their kind had no credit are still in it.
            kinds[kind].ring.keep { [streams] in streams[$0] != nil }
        }
        kinds[kind].ring.append(stream)
    }

    mutating func giveKindCredit(_ kind: StreamKind, _ cost: Int) {
        kinds[Int(kind.rawValue)].creditDue += cost
    }
}
