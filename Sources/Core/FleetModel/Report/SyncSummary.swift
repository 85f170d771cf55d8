/// How the last sync of a set ended.
package struct SyncSummary: Codable, Sendable, Hashable {
    /// The release that was asked for.
    package var sequence: UInt64
    /// Seconds from start to end.
    package var seconds: Double
    /// Bytes received, by the name of the source.
    package var bytesBySource: [String: UInt64]
    /// Chunks that came over the network.
    package var chunksFetched: UInt64
    /// Chunks of the files to build that were there already: in the store, or staged by a sync that was interrupted.
    package var chunksReused: UInt64
    /// Requests that were waited for, one after the other.
    package var roundTrips: UInt64
    /// What had its time changed in place; nil: nothing had.
    package var retimed: RetimedFiles?
    /// What peers were asked before the first release; nil: it was not the first.
    package var floor: FloorSummary?
    /// Why it failed; nil when it succeeded.
    package var failure: String?

    /// Makes the value from its parts; nothing is checked.
    package init(
        sequence: UInt64,
        seconds: Double,
        bytesBySource: [String: UInt64] = [:],
        chunksFetched: UInt64 = 0,
        chunksReused: UInt64 = 0,
        roundTrips: UInt64 = 0,
        retimed: RetimedFiles? = nil,
        floor: FloorSummary? = nil,
        failure: String? = nil
    ) {
        self.sequence = sequence
        self.seconds = seconds
        self.bytesBySource = bytesBySource
        self.chunksFetched = chunksFetched
        self.chunksReused = chunksReused
        self.roundTrips = roundTrips
        self.retimed = retimed
        self.floor = floor
        self.failure = failure
    }
}

extension SyncSummary {
    private enum CodingKeys: String, CodingKey {
        case sequence, seconds, bytesBySource, chunksFetched, chunksReused, roundTrips, retimed, floor, failure
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        seconds = try container.decode(Double.self, forKey: .seconds)
        bytesBySource = try container.decodeIfPresent([String: UInt64].self, forKey: .bytesBySource) ?? [:]
        chunksFetched = try container.decodeIfPresent(UInt64.self, forKey: .chunksFetched) ?? 0
        chunksReused = try container.decodeIfPresent(UInt64.self, forKey: .chunksReused) ?? 0
        roundTrips = try container.decodeIfPresent(UInt64.self, forKey: .roundTrips) ?? 0
        retimed = try container.decodeIfPresent(RetimedFiles.self, forKey: .retimed)
        floor = try container.decodeIfPresent(FloorSummary.self, forKey: .floor)
        failure = try container.decodeIfPresent(String.self, forKey: .failure)
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(bytesBySource, forKey: .bytesBySource)
        try container.encode(chunksFetched, forKey: .chunksFetched)
        try container.encode(chunksReused, forKey: .chunksReused)
        try container.encode(roundTrips, forKey: .roundTrips)
        try container.encodeIfPresent(retimed, forKey: .retimed)
        try container.encodeIfPresent(floor, forKey: .floor)
        try container.encodeIfPresent(failure, forKey: .failure)
    }
}

/// What the peers of a host without state serve, as far as signed metadata proves it.
package struct FloorSummary: Codable, Sendable, Hashable {
    /// The newest release that one of them serves; nil: none serves any.
    package var sequence: UInt64?
    /// Who serves it, ascending.
    package var peers: [String]
    /// How many were asked.
    package var asked: Int
    /// How many answered in time, with metadata that is believed.
    package var answered: Int

    /// Makes the value from its parts; nothing is checked.
    package init(sequence: UInt64?, peers: [String], asked: Int, answered: Int) {
        self.sequence = sequence
        self.peers = peers
        self.asked = asked
        self.answered = answered
    }
}
