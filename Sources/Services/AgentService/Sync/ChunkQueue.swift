package import Content

/// Which missing chunks are asked of which source next.
///
/// A pure machine: a caller that owns it takes a batch for a source, runs the request, and says what came of it.
/// Chunks are handed out in the order of `missing` (the order of the files), so that blobs complete early; a chunk
/// that a source did not deliver goes to another one before anything new is taken. When nothing else is left to ask for,
/// what a slow source was asked for is asked of another one too, and whoever is first counts.
///
/// A batch is legal in exactly one life: ``next(for:at:)`` -> ``settle(_:received:corrupt:at:)`` or
/// ``giveBack(_:received:)``. Times are those since any fixed moment, and never go back.
package struct ChunkQueue: Hashable, Sendable {
    /// Bytes of one request: one message of answers, so one hash batch and one hand-over to the writer.
    package static let batchByteLimit = 1 << 20
    /// Chunks of one request; below the limit of the protocol (4,096).
    package static let batchChunkLimit = 1_024
    /// Sources of one sync; more are never needed to fill a link, and the sets of tried sources stay one word.
    package static let sourceLimit = 64
    /// Requests under way at a source that has delivered: enough to keep it busy while we hash and write.
    package static let requestLimit = 8
    /// Sources that have delivered and are asked for one chunk at the same time, at most.
    package static let copyLimit = 3
    /// How long a source may take before it counts as slow, while no batch has come yet.
    package static let firstPatience = Duration.seconds(2)
    /// The same afterwards: as long as batches take on average, times `patienceFactor`, but not less than this.
    private static let leastPatience = Duration.milliseconds(250)
    private static let patienceFactor = 4

    /// A request to one source: positions in the list of missing chunks.
    package struct Batch: Hashable, Sendable {
        /// Index of the source, as given to ``next(for:at:)``.
        package let source: Int
        /// Positions in `missing`, in the order in which they are asked for.
        package let positions: [Int]
        /// When it was handed out.
        package let askedAt: Duration
    }

    /// What there is for a source to do.
    package enum Step: Hashable, Sendable {
        /// Ask for these.
        case ask(Batch)
        /// Nothing now; something may come back, and at `until` others that were asked count as slow.
        case wait(until: Duration?)
        /// Nothing any more: all is received, or this source cannot help with what is left.
        case done
    }

    private struct Retry: Hashable {
        var position: Int
        /// Bit i: source i was asked and does not have it.
        var tried: UInt64
    }

    /// A chunk that was asked for.
    private struct Flight: Hashable {
        var tried: UInt64
        /// Bit i: source i is being asked.
        var asking: UInt64
        var askedAt: Duration
        var isReceived = false
    }

    /// The chunks to fetch.
    package let missing: [ChunkReference]
    private var cursor = 0
    private var retries: [Retry] = []
    private var flights: [Int: Flight] = [:]
    private var received = 0
    private var usable: UInt64
    /// Bit i: source i has delivered a batch.
    private var proven: UInt64 = 0
    private var requests: [Int]
    /// How long batches that were delivered took, the newer ones more.
    private var batchTime: Duration?

    /// A queue over `missing` for `sources` sources, at most ``sourceLimit`` of them.
    package init(missing: [ChunkReference], sources: Int) {
        precondition((0...Self.sourceLimit).contains(sources), "at most \(Self.sourceLimit) sources, not \(sources)")
        self.missing = missing
        self.usable = sources == 64 ? .max : (1 << UInt64(sources)) - 1
        requests = Array(repeating: 0, count: sources)
    }

    /// Whether every chunk was received.
    package var isComplete: Bool { received == missing.count }

    /// Whether chunks are left that no usable source can be asked for, and nothing is under way.
    package var isStuck: Bool {
        guard !isComplete, flights.values.allSatisfy(\.isReceived) else { return false }
        if cursor < missing.count { return usable == 0 }
        return retries.allSatisfy { usable & ~$0.tried == 0 }
    }

    /// The position of a chunk that no usable source has, when the queue ``isStuck``.
    package var stuckPosition: Int? {
        guard isStuck else { return nil }
        return retries.first?.position ?? cursor
    }

    /// The next request for the source with index `source`.
    package mutating func next(for source: Int, at now: Duration) -> Step {
        let bit: UInt64 = 1 << UInt64(source)
        guard usable & bit != 0, !isComplete else { return .done }
        // One that has not delivered yet gets one request, so that silent sources hold up little.
        guard requests[source] < (proven & bit == 0 ? 1 : Self.requestLimit) else { return .wait(until: nil) }
        var batch = Filling(self)
        takeRetries(bit, now, &batch)
        while cursor < missing.count, batch.add(cursor) {
            flights[cursor] = Flight(tried: 0, asking: bit, askedAt: now)
            cursor += 1
        }
        var due: Duration?
        if batch.positions.isEmpty { due = takeSlow(bit, now, &batch) }
        guard batch.positions.isEmpty else {
            requests[source] += 1
            return .ask(Batch(source: source, positions: batch.positions, askedAt: now))
        }
        return flights.values.contains { !$0.isReceived } ? .wait(until: due) : .done
    }

    /// Says what came of `batch`: the positions `received` are stored; a source with `corrupt` ones is asked for nothing
    /// any more. Positions of the batch named in neither count as absent, so an answer that leaves chunks out cannot
    /// make the queue ask the same source for ever.
    package mutating func settle(_ batch: Batch, received: [Int], corrupt: [Int], at now: Duration) {
        let bit: UInt64 = 1 << UInt64(batch.source)
        land(batch, received, triedBy: bit)
        if !corrupt.isEmpty { usable &= ~bit }
        guard !received.isEmpty, corrupt.isEmpty else { return }
        proven |= bit
        let time = now - batch.askedAt
        batchTime = batchTime.map { ($0 * 3 + time) / 4 } ?? time
    }

    /// Takes `batch` back unasked or unanswered: the request failed as a whole, its source may be asked again.
    package mutating func giveBack(_ batch: Batch, received: [Int] = []) {
        land(batch, received, triedBy: 0)
    }

    /// Asks the source with index `source` for nothing any more.
    package mutating func drop(source: Int) {
        usable &= ~(1 << UInt64(source))
    }

    // MARK: Parts

    /// A request that is put together.
    private struct Filling {
        private let missing: [ChunkReference]
        private var bytes = 0
        var positions: [Int] = []

        init(_ queue: ChunkQueue) { missing = queue.missing }

        /// Adds a position if there is room.
        mutating func add(_ position: Int) -> Bool {
            let length = Int(missing[position].length)
            guard
                positions.isEmpty
                    || (positions.count < ChunkQueue.batchChunkLimit && bytes + length <= ChunkQueue.batchByteLimit)
            else { return false }
            positions.append(position)
            bytes += length
            return true
        }
    }

    private mutating func takeRetries(_ bit: UInt64, _ now: Duration, _ batch: inout Filling) {
        var kept: [Retry] = []
        for retry in retries {
            if retry.tried & bit == 0, batch.add(retry.position) {
                flights[retry.position] = Flight(tried: retry.tried, asking: bit, askedAt: now)
            } else {
                kept.append(retry)
            }
        }
        retries = kept
    }

    /// Takes what others were asked for and take too long with. When the next of it is due, if there is none now.
    private mutating func takeSlow(_ bit: UInt64, _ now: Duration, _ batch: inout Filling) -> Duration? {
        let patience = batchTime.map { max($0 * Self.patienceFactor, Self.leastPatience) } ?? Self.firstPatience
        let candidates = flights.filter { _, flight in
            !flight.isReceived && (flight.tried | flight.asking) & bit == 0
                && (flight.asking & proven).nonzeroBitCount < Self.copyLimit
        }
        guard let first = candidates.values.map(\.askedAt).min() else { return nil }
        guard first + patience <= now else { return first + patience }
        for (position, flight) in candidates.sorted(by: { ($0.value.askedAt, $0.key) < ($1.value.askedAt, $1.key) }) {
            guard flight.askedAt + patience <= now, batch.add(position) else { break }
            flights[position]?.asking |= bit
            flights[position]?.askedAt = now
        }
        return nil
    }

    /// Ends a request: what it brought is received, the rest is asked of others when nobody else is being asked for it.
    private mutating func land(_ batch: Batch, _ received: [Int], triedBy tried: UInt64) {
        requests[batch.source] -= 1
        let stored = Set(received)
        for position in batch.positions {
            guard var flight = flights[position] else { continue }
            flight.asking &= ~(1 << UInt64(batch.source))
            if !stored.contains(position) {
                flight.tried |= tried
            } else if !flight.isReceived {
                flight.isReceived = true
                self.received += 1
            }
            flights[position] = flight.asking == 0 ? nil : flight
            if flight.asking == 0, !flight.isReceived {
                retries.append(Retry(position: position, tried: flight.tried))
            }
        }
    }
}
