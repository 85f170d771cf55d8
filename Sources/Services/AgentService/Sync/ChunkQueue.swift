package import Content

/// Which missing chunks are asked of which source next.
///
/// A pure machine: a caller that owns it takes a batch for a source, runs the request, and says what came of it.
/// Chunks are handed out in the order of `missing` (the order of the files), so that blobs complete early; a chunk
/// that a source did not deliver goes to another one before anything new is taken.
///
/// A batch is legal in exactly one life: ``next(for:)`` -> ``settle(_:received:absent:corrupt:)`` or
/// ``giveBack(_:)``.
package struct ChunkQueue: Sendable {
    /// Bytes of one request: one message of answers, so one hash batch and one hand-over to the writer.
    package static let batchByteLimit = 1 << 20
    /// Chunks of one request; below the limit of the protocol (4,096).
    package static let batchChunkLimit = 1_024
    /// Sources of one sync; more are never needed to fill a link, and the sets of tried sources stay one word.
    package static let sourceLimit = 64

    /// A request to one source: positions in the list of missing chunks.
    package struct Batch: Equatable, Sendable {
        /// Index of the source, as given to ``next(for:)``.
        package let source: Int
        /// Positions in `missing`, in the order in which they are asked for.
        package let positions: [Int]
    }

    /// What there is for a source to do.
    package enum Step: Equatable, Sendable {
        /// Ask for these.
        case ask(Batch)
        /// Nothing now; chunks that others were asked for may come back.
        case wait
        /// Nothing any more: all is received, or this source cannot help with what is left.
        case done
    }

    private struct Retry {
        var position: Int
        /// Bit i: source i was asked and does not have it.
        var tried: UInt64
    }

    /// The chunks to fetch.
    package let missing: [ChunkReference]
    private var cursor = 0
    private var retries: [Retry] = []
    private var triedByPosition: [Int: UInt64] = [:]
    private var inFlight = 0
    private var received = 0
    private var usable: UInt64

    /// A queue over `missing` for `sources` sources, at most ``sourceLimit`` of them.
    package init(missing: [ChunkReference], sources: Int) {
        precondition((0...Self.sourceLimit).contains(sources), "at most \(Self.sourceLimit) sources, not \(sources)")
        self.missing = missing
        self.usable = sources == 64 ? .max : (1 << UInt64(sources)) - 1
    }

    /// Whether every chunk was received.
    package var isComplete: Bool { received == missing.count }

    /// Whether chunks are left that no usable source can be asked for, and nothing is under way.
    package var isStuck: Bool {
        guard !isComplete, inFlight == 0 else { return false }
        if cursor < missing.count { return usable == 0 }
        return retries.allSatisfy { usable & ~$0.tried == 0 }
    }

    /// The position of a chunk that no usable source has, when the queue ``isStuck``.
    package var stuckPosition: Int? {
        guard isStuck else { return nil }
        return retries.first?.position ?? cursor
    }

    /// The next request for the source with index `source`.
    package mutating func next(for source: Int) -> Step {
        let bit: UInt64 = 1 << UInt64(source)
        guard usable & bit != 0, !isComplete else { return .done }
        var positions: [Int] = []
        var bytes = 0
        func fits(_ position: Int) -> Bool {
            positions.isEmpty
                || (positions.count < Self.batchChunkLimit
                    && bytes + Int(missing[position].length) <= Self.batchByteLimit)
        }
        var kept: [Retry] = []
        for retry in retries {
            if retry.tried & bit == 0, fits(retry.position) {
                positions.append(retry.position)
                bytes += Int(missing[retry.position].length)
                triedByPosition[retry.position] = retry.tried
            } else {
                kept.append(retry)
            }
        }
        retries = kept
        while cursor < missing.count, fits(cursor) {
            positions.append(cursor)
            bytes += Int(missing[cursor].length)
            cursor += 1
        }
        if positions.isEmpty {
            return inFlight > 0 ? .wait : .done
        }
        inFlight += positions.count
        return .ask(Batch(source: source, positions: positions))
    }

    /// Says what came of `batch`: the positions `received` are stored; `absent` ones the source does not have; a
    /// source with `corrupt` ones is asked for nothing any more. Positions of the batch named in none of these count
    /// as absent, so an answer that leaves chunks out cannot make the queue ask the same source for ever.
    package mutating func settle(_ batch: Batch, received: [Int], corrupt: [Int]) {
        let bit: UInt64 = 1 << UInt64(batch.source)
        let stored = Set(received)
        for position in batch.positions {
            let tried = triedByPosition.removeValue(forKey: position) ?? 0
            if stored.contains(position) {
                self.received += 1
            } else {
                retries.append(Retry(position: position, tried: tried | bit))
            }
        }
        inFlight -= batch.positions.count
        if !corrupt.isEmpty { usable &= ~bit }
    }

    /// Takes `batch` back unasked or unanswered: the request failed as a whole, its source may be asked again.
    package mutating func giveBack(_ batch: Batch, received: [Int] = []) {
        let stored = Set(received)
        for position in batch.positions {
            let tried = triedByPosition.removeValue(forKey: position) ?? 0
            if stored.contains(position) {
                self.received += 1
            } else {
                retries.append(Retry(position: position, tried: tried))
            }
        }
        inFlight -= batch.positions.count
    }

    /// Asks the source with index `source` for nothing any more.
    package mutating func drop(source: Int) {
        usable &= ~(1 << UInt64(source))
    }
}
