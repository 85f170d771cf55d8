import Bandwidth
import STOQ

/// What a connection sends and receives within the limits of its host.
extension ConnectionDriver {
    /// Something that is not handed on yet, because the host receives as much as it may.
    struct HeldMessage {
        let flow: BandwidthFlow
        let stream: STOQStreamID
        let inbox: StreamInbox
        /// Nil: the peer's last word on the stream.
        let message: STOQMessage?
    }

    /// With a limit for what is received, no more than so much of a second of it is under way to this host unasked.
    private static let windowPart = 4
    /// Sets whose shares a connection keeps apart; a peer may name as many as it likes.
    private static let setLimit = 64

    /// Names the set that a stream is about, for its share of the bandwidth.
    func assign(_ stream: STOQStreamID, to set: String) {
        guard streams[stream] != nil, shaping.sets.count < Self.setLimit || shaping.sets.contains(set) else { return }
        streams[stream]?.set = set
        shaping.sets.insert(set)
    }

    // MARK: - Sending

    /// Whether a frame may go now.
    func mayGo(_ kind: StreamKind, _ stream: STOQStreamID, _ bytes: Int) -> Bool {
        guard let connection else { return false }
        guard let flow = flow(of: stream, kind) else {
            // What is small and urgent never waits; others pay for it.
            core.limiter.charge(.up, bytes)
            return true
        }
        return core.limiter.request(.up, flow, bytes: bytes, by: connection)
    }

    // MARK: - Receiving

    /// What this side takes at once; less where it may receive little.
    func limits() -> STOQLimits {
        var limits = core.settings.limits
        guard let down = core.limiter.limits.down else { return limits }
        let least = STOQLimits.cost(STOQLimits.messageCeiling)
        let window = max(least, Int(clamping: down) / Self.windowPart)
        for kind in [StreamKind.metadata, .bulk] { limits.windows[kind] = min(limits.windows[kind], window) }
        limits.streamWindow = min(limits.streamWindow, window)
        return limits
    }

    /// Hands a message on, when the host may receive it. What is held back returns no credit, so the peer sends no
    /// faster.
    func handOn(_ message: STOQMessage, to entry: StreamEntry, on stream: STOQStreamID) {
        guard core.limiter.isLimited(.down) || !shaping.held.isEmpty else {
            return put(message, into: entry.inbox, on: stream)
        }
        guard let flow = flow(of: stream, entry.kind) else {
            core.limiter.charge(.down, message.cost)
            return put(message, into: entry.inbox, on: stream)
        }
        shaping.held.append(HeldMessage(flow: flow, stream: stream, inbox: entry.inbox, message: message))
        releaseHeld()
    }

    /// The peer has said its last word on a stream: it comes after what is held back.
    func finishInbox(of entry: StreamEntry, on stream: STOQStreamID) {
        guard shaping.held.contains(where: { $0.inbox === entry.inbox }), let flow = flow(of: stream, entry.kind) else {
            return entry.inbox.finish()
        }
        shaping.held.append(HeldMessage(flow: flow, stream: stream, inbox: entry.inbox, message: nil))
    }

    /// A stream is over before its time: nobody wants what is held back of it.
    func forgetHeld(of inbox: StreamInbox) {
        shaping.held.removeAll { $0.inbox === inbox }
    }

    /// There is bandwidth again that this connection waited for.
    func bandwidthCame() {
        releaseHeld()
        pump()
    }

    /// The connection is over: what has come in full is handed on.
    func endShaping() {
        let held = shaping.held
        shaping.held = []
        for item in held {
            if let message = item.message { item.inbox.put(message) } else { item.inbox.finish() }
        }
        core.limiter.end(transfer: shaping.transfer, sets: shaping.sets)
    }

    private func releaseHeld() {
        guard let connection, !shaping.held.isEmpty else { return }
        var released: [HeldMessage] = []
        var refused: Set<BandwidthFlow> = []
        // Nothing of a stream goes before what came earlier on it, also where its set became known in between.
        var blocked: Set<ObjectIdentifier> = []
        shaping.held.removeAll { item in
            guard !blocked.contains(ObjectIdentifier(item.inbox)) else { return false }
            let cost = item.message?.cost ?? 0
            if cost > 0 {
                guard !refused.contains(item.flow),
                    core.limiter.request(.down, item.flow, bytes: cost, by: connection)
                else {
                    refused.insert(item.flow)
                    blocked.insert(ObjectIdentifier(item.inbox))
                    return false
                }
            }
            released.append(item)
            return true
        }
        for item in released {
            if let message = item.message {
                put(message, into: item.inbox, on: item.stream)
            } else {
                item.inbox.finish()
            }
        }
    }

    private func put(_ message: STOQMessage, into inbox: StreamInbox, on stream: STOQStreamID) {
        if streams[stream]?.isDropped == true { return consumed([(stream, message.cost)]) }
        inbox.put(message)
    }

    /// Whose bytes those of a stream are; nil for what never waits.
    private func flow(of stream: STOQStreamID, _ kind: StreamKind) -> BandwidthFlow? {
        let priority: BandwidthClass
        switch kind {
        case .control, .interactive: return nil
        case .metadata: priority = .metadata
        case .bulk: priority = .bulk
        }
        return BandwidthFlow(priority, set: streams[stream]?.set ?? "", transfer: shaping.transfer)
    }
}

/// What a connection remembers for the limits of its host.
struct ConnectionShaping {
    /// The number of its transfers.
    let transfer: UInt64
    /// Sets that its streams were about.
    var sets: Set<String> = [""]
    /// What came and is not handed on yet, in order.
    var held: [ConnectionDriver.HeldMessage] = []
}
