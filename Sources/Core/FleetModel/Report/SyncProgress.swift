/// How far a running sync is.
package struct SyncProgress: Codable, Sendable, Hashable {
    /// The release that is fetched.
    package var sequence: UInt64
    /// What is done now, one word: `metadata`, `chunks`, `hold`, `quorum`, `commit`, `tree` or `flip`.
    package var phase: String
    /// Bytes to put in place, fetched or copied from what the store holds; 0 until that is known.
    package var bytesTotal: UInt64
    /// Bytes that are in place and verified: all once nothing is to be fetched nor copied.
    package var bytesDone: UInt64
    /// Bytes a second that came into place over the last few seconds.
    package var bytesPerSecond: Double
    /// Bytes received so far, by the name of the source; with manifests, and with what came twice.
    package var bytesBySource: [String: UInt64]
    /// How many mirrors are known to hold the release, of how many that must before it is served; nil: nobody is waited for.
    package var receipts: ReceiptCount?

    /// What is done now, in words.
    package var words: String {
        receipts.map { "waiting for \($0.need) receipts, \($0.have) \($0.have == 1 ? "is" : "are") there" } ?? phase
    }

    /// Makes the value from its parts; nothing is checked.
    package init(
        sequence: UInt64,
        phase: String,
        bytesTotal: UInt64 = 0,
        bytesDone: UInt64 = 0,
        bytesPerSecond: Double = 0,
        bytesBySource: [String: UInt64] = [:],
        receipts: ReceiptCount? = nil
    ) {
        self.sequence = sequence
        self.phase = phase
        self.bytesTotal = bytesTotal
        self.bytesDone = bytesDone
        self.bytesPerSecond = bytesPerSecond
        self.bytesBySource = bytesBySource
        self.receipts = receipts
    }
}

extension SyncProgress {
    private enum CodingKeys: String, CodingKey {
        case sequence, phase, bytesTotal, bytesDone, bytesPerSecond, bytesBySource, receipts
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        phase = try container.decode(String.self, forKey: .phase)
        bytesTotal = try container.decodeIfPresent(UInt64.self, forKey: .bytesTotal) ?? 0
        bytesDone = try container.decodeIfPresent(UInt64.self, forKey: .bytesDone) ?? 0
        bytesPerSecond = try container.decodeIfPresent(Double.self, forKey: .bytesPerSecond) ?? 0
        bytesBySource = try container.decodeIfPresent([String: UInt64].self, forKey: .bytesBySource) ?? [:]
        receipts = try container.decodeIfPresent(ReceiptCount.self, forKey: .receipts)
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(phase, forKey: .phase)
        try container.encode(bytesTotal, forKey: .bytesTotal)
        try container.encode(bytesDone, forKey: .bytesDone)
        try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
        try container.encode(bytesBySource, forKey: .bytesBySource)
        try container.encodeIfPresent(receipts, forKey: .receipts)
    }
}

/// How many receipts of a release are known, and how many must be before it is served.
package struct ReceiptCount: Codable, Sendable, Hashable {
    /// Known ones, the mirror's own among them.
    package var have: Int
    /// As the signed policy and agent.yaml ask for.
    package var need: Int

    /// `have` of `need`.
    package init(have: Int, need: Int) {
        self.have = have
        self.need = need
    }
}
