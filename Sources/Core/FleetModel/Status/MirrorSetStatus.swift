/// How one set is on one mirror.
package struct MirrorSetStatus: Codable, Sendable, Hashable {
    /// The set.
    package var name: String
    /// The release it serves; null when it serves none.
    package var sequence: UInt64?
    /// The manifest root it serves in hex, read back by the mirror from its link and store.
    package var root: String?
    /// The first state that applies.
    package var state: MirrorState
    /// Seconds it has been behind the head, on the coordinator's clock; 0 when it serves the head, null when that is not known.
    package var lagSeconds: Int64?
    /// How many releases it is behind; null when that is not known.
    package var lagReleases: UInt64?
    /// When the whole tree was last verified, in Unix seconds of the mirror's clock.
    package var verifiedAt: Int64?
    /// Bytes known to be missing.
    package var missingBytes: UInt64
    /// Seconds from registering the head to the report that first named it; null until then.
    package var propagationSeconds: Int64?
    /// How many paths are bad.
    package var badPaths: Int
    /// What the agent does with the set; null when it never reported it.
    package var activity: SetActivity?
    /// How far the running sync is.
    package var progress: SyncProgress?
    /// How the last sync ended.
    package var lastSync: SyncSummary?

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        sequence: UInt64? = nil,
        root: String? = nil,
        state: MirrorState,
        lagSeconds: Int64? = nil,
        lagReleases: UInt64? = nil,
        verifiedAt: Int64? = nil,
        missingBytes: UInt64,
        propagationSeconds: Int64? = nil,
        badPaths: Int,
        activity: SetActivity? = nil,
        progress: SyncProgress? = nil,
        lastSync: SyncSummary? = nil
    ) {
        self.name = name
        self.sequence = sequence
        self.root = root
        self.state = state
        self.lagSeconds = lagSeconds
        self.lagReleases = lagReleases
        self.verifiedAt = verifiedAt
        self.missingBytes = missingBytes
        self.propagationSeconds = propagationSeconds
        self.badPaths = badPaths
        self.activity = activity
        self.progress = progress
        self.lastSync = lastSync
    }
}

extension MirrorSetStatus {
    private enum CodingKeys: String, CodingKey {
        case name, sequence, root, state, lagSeconds, lagReleases, verifiedAt, missingBytes, propagationSeconds,
            badPaths, activity, progress, lastSync
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        sequence = try container.decodeIfPresent(UInt64.self, forKey: .sequence)
        root = try container.decodeIfPresent(String.self, forKey: .root)
        state = try container.decode(MirrorState.self, forKey: .state)
        lagSeconds = try container.decodeIfPresent(Int64.self, forKey: .lagSeconds)
        lagReleases = try container.decodeIfPresent(UInt64.self, forKey: .lagReleases)
        verifiedAt = try container.decodeIfPresent(Int64.self, forKey: .verifiedAt)
        missingBytes = try container.decode(UInt64.self, forKey: .missingBytes)
        propagationSeconds = try container.decodeIfPresent(Int64.self, forKey: .propagationSeconds)
        badPaths = try container.decode(Int.self, forKey: .badPaths)
        activity = try container.decodeIfPresent(SetActivity.self, forKey: .activity)
        progress = try container.decodeIfPresent(SyncProgress.self, forKey: .progress)
        lastSync = try container.decodeIfPresent(SyncSummary.self, forKey: .lastSync)
    }

    /// Writes the value; what is not known is written as `null`, so that the key is always there.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(root, forKey: .root)
        try container.encode(state, forKey: .state)
        try container.encode(lagSeconds, forKey: .lagSeconds)
        try container.encode(lagReleases, forKey: .lagReleases)
        try container.encode(verifiedAt, forKey: .verifiedAt)
        try container.encode(missingBytes, forKey: .missingBytes)
        try container.encode(propagationSeconds, forKey: .propagationSeconds)
        try container.encode(badPaths, forKey: .badPaths)
        try container.encode(activity, forKey: .activity)
        try container.encode(progress, forKey: .progress)
        try container.encode(lastSync, forKey: .lastSync)
    }
}
