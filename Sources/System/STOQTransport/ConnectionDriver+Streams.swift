import STOQ

/// What tasks ask of a connection, and what it asks of them.
extension ConnectionDriver {
    /// Messages of one stream that wait in the machine before its sender must wait too.
    private static let queueLimit = 2

    // MARK: - From tasks

    func open(
        _ kind: StreamKind, _ request: OutgoingRequest, deadline: Duration?,
        _ ticket: Ticket<(STOQStreamID, StreamInbox)>
    ) {
        guard machine != nil, connection?.isOpen == true else {
            ticket.settle(.failure(STOQError(.disconnected, "the connection is gone")))
            return
        }
        let until = now.advanced(by: core.settings.limits.creditTimeout)
        wishes.append(OpenWish(kind: kind, deadline: deadline, request: request, until: until, ticket: ticket))
        openWished()
        pump()
    }

    /// Opens streams that were wished for, in order, while the peer allows it.
    func openWished() {
        var opened = 0
        defer { wishes.removeFirst(opened) }
        for wish in wishes {
            if wish.ticket.isSettled {
                opened += 1
                continue
            }
            guard let stream = machine?.open(wish.kind, deadline: wish.deadline, now: now) else { return }
            opened += 1
            let inbox = StreamInbox()
            streams[stream] = StreamEntry(kind: wish.kind, inbox: inbox)
            noteOpened(wish.kind)
            guard wish.ticket.settle(.success((stream, inbox))) else {
                // Cancelled in this very moment: nobody holds the stream.
                reset(stream, .cancelled, "")
                continue
            }
            begin(stream, wish.request)
        }
    }

    /// Sends the first message of a stream that was just opened.
    private func begin(_ stream: STOQStreamID, _ request: OutgoingRequest) {
        if let set = request.set { assign(stream, to: set) }
        if machine?.send(request.message, on: stream, now: now) == true { streams[stream]?.queued += 1 }
        guard request.isWhole else { return }
        streams[stream]?.isFinished = true
        machine?.finish(stream, now: now)
    }

    /// Ends the wait of those whom the peer has allowed no stream for as long as an answer may wait for credit. They wait
    /// in order, and while one does, others are open, so the timer goes.
    func giveUpWishes() {
        let limit = core.settings.limits.creditTimeout
        let overdue = wishes.prefix { [now] in now >= $0.until }
        wishes.removeFirst(overdue.count)
        for wish in overdue {
            wish.ticket.settle(
                .failure(STOQError(.noProgress, "no stream was free for \(limit.components.seconds) s")))
        }
    }

    func send(_ message: OutgoingMessage, on stream: STOQStreamID, _ ticket: Ticket<Void>) {
        guard !ticket.isSettled else { return }
        guard var entry = streams[stream], machine?.send(message, on: stream, now: now) == true else {
            let failure = streams[stream]?.inbox.failure
            ticket.settle(.failure(failure ?? STOQError(.cancelled, "the stream is over")))
            return
        }
        entry.queued += 1
        if entry.queued < Self.queueLimit { ticket.settle(.success(())) } else { entry.senders.append(ticket) }
        streams[stream] = entry
        pump()
    }

    func finish(_ stream: STOQStreamID) {
        streams[stream]?.isFinished = true
        act { machine, now in
            machine.finish(stream, now: now)
            return []
        }
    }

    func reset(_ stream: STOQStreamID, _ code: STOQErrorCode, _ reason: String) {
        guard streams[stream] != nil else { return }
        end(stream, STOQError(code, reason))
        act { machine, _ in machine.reset(stream, code, reason) }
    }

    /// Nobody holds the stream any more. An answer that was given to its end still goes out, whatever the asker says
    /// after its request; any other stream is reset.
    func drop(_ stream: STOQStreamID) {
        guard let entry = streams[stream] else { return }
        let isOurs = (stream & 1 == 1) == (side == .dialler)
        guard !isOurs, entry.isFinished else { return reset(stream, .cancelled, "") }
        streams[stream]?.isDropped = true
        consumed([(stream, entry.inbox.drain())])
    }

    func consumed(_ messages: [(STOQStreamID, Int)]) {
        act { machine, now in
            for (stream, cost) in messages {
                machine.consumed(stream, cost: cost, now: now)
            }
            return []
        }
    }

    /// Says it to the peer, unless something newer was said: greetings are made by several tasks.
    func greet(_ greeting: NumberedGreeting) {
        guard greeting.number > lastGreeting else { return }
        lastGreeting = greeting.number
        act { machine, now in machine.greet(greeting.greeting, now: now) }
    }

    func goAway(_ code: STOQErrorCode, _ reason: String) {
        connection?.noteEnd()
        act { machine, _ in machine.goAway(code, reason) }
    }

    func close(_ code: STOQErrorCode, _ reason: String) {
        act { machine, _ in machine.close(code, reason) }
    }

    // MARK: - From the machine

    /// A stream is over; with an error if before its time.
    func end(_ stream: STOQStreamID, _ error: STOQError?) {
        guard let entry = streams.removeValue(forKey: stream) else { return }
        requested.remove(stream)
        guard let error else {
            // Both sides have said all; what was not taken can still be.
            finishInbox(of: entry, on: stream)
            return
        }
        entry.inbox.fail(error)
        forgetHeld(of: entry.inbox)
        entry.senders.forEach { $0.settle(.failure(error)) }
        entry.task?.cancel()
        waiting[entry.kind]?.removeAll { $0.0 == stream }
    }

    func sent(on stream: STOQStreamID) {
        guard var entry = streams[stream] else { return }
        entry.queued -= 1
        if entry.queued < Self.queueLimit, !entry.senders.isEmpty { entry.senders.removeFirst().settle(.success(())) }
        streams[stream] = entry
    }

    func deliver(_ message: STOQMessage, on stream: STOQStreamID) {
        guard let entry = streams[stream] else { return }
        let isRequest = stream & 1 == (side == .listener ? 1 : 0) && !requested.contains(stream)
        guard isRequest else {
            return handOn(message, to: entry, on: stream)
        }
        requested.insert(stream)
        waiting[entry.kind, default: []].append((stream, message))
        serveWaiting(entry.kind)
    }

    // MARK: - Serving

    /// Starts answering requests of a kind, in order, as many as may be answered at once.
    func serveWaiting(_ kind: StreamKind) {
        let limit = core.settings.servedAtOnce[kind] ?? 1
        while let connection, served[kind, default: 0] < limit, let (stream, message) = waiting[kind]?.first {
            waiting[kind]?.removeFirst()
            guard let inbox = streams[stream]?.inbox else { continue }
            served[kind, default: 0] += 1
            let handle = STOQStream(id: stream, kind: kind, connection: connection, inbox: inbox)
            connection.consumed(stream, cost: message.cost)
            streams[stream]?.task = Task { [core] in
                await core.serve(message, on: handle, of: connection)
                connection.onLoop { $0.noteServed(kind) }
            }
        }
    }

    func noteServed(_ kind: StreamKind) {
        served[kind, default: 1] -= 1
        serveWaiting(kind)
        pump()
    }

    /// Tells the service of the newest greeting; while it is busy with one, those between are skipped.
    func tell(_ greeting: STOQGreeting) {
        newestGreeting = greeting
        guard !isGreeting, let connection else { return }
        isGreeting = true
        newestGreeting = nil
        Task { [service = core.service] in
            await service.peerGreeting(greeting, from: connection.peer)
            connection.onLoop { driver in
                driver.isGreeting = false
                if let newest = driver.newestGreeting { driver.tell(newest) }
            }
        }
    }
}
