/// How far a running sync is.
package struct SyncProgress: Codable, Sendable, Hashable {
    /// The release that is fetched.
    package var sequence: UInt64
    /// What is done now, one word: `metadata`, `chunks`, `commit`, `tree` or `flip`.
    package var phase: String
    /// Bytes to fetch in all; 0 until that is known.
    package var bytesTotal: UInt64
    /// Bytes fetched and verified.
    package var bytesDone: UInt64
    /// Bytes a second over the last few seconds.
    package var bytesPerSecond: Double
    /// Bytes received so far, by the name of the source; with manifests, and with what came twice.
    package var bytesBySource: [String: UInt64]

    /// Makes the value from its parts; nothing is checked.
    package init(
        sequence: UInt64,
        phase: String,
        bytesTotal: UInt64 = 0,
        bytesDone: UInt64 = 0,
        bytesPerSecond: Double = 0,
        bytesBySource: [String: UInt64] = [:]
    ) {
        self.sequence = sequence
        self.phase = phase
        self.bytesTotal = bytesTotal
        self.bytesDone = bytesDone
        self.bytesPerSecond = bytesPerSecond
        self.bytesBySource = bytesBySource
    }
}

extension SyncProgress {
    private enum CodingKeys: String, CodingKey {
        case sequence, phase, bytesTotal, bytesDone, bytesPerSecond, bytesBySource
    }

    /// Reads the value; a key that an older program does not write takes its default.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        phase = try container.decode(String.self, forKey: .phase)
        bytesTotal = try container.decodeIfPresent(UInt64.self, forKey: .bytesTotal) ?? 0
        bytesDone = try container.decodeIfPresent(UInt64.self, forKey: .bytesDone) ?? 0
        bytesPerSecond = try container.decodeIfPresent(Double.self, forKey: .bytesPerSecond) ?? 0
        bytesBySource = try container.decodeIfPresent([String: UInt64].self, forKey: .bytesBySource) ?? [:]
    }

    /// Writes the value.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(phase, forKey: .phase)
        try container.encode(bytesTotal, forKey: .bytesTotal)
        try container.encode(bytesDone, forKey: .bytesDone)
        try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
        try container.encode(bytesBySource, forKey: .bytesBySource)
    }
}
