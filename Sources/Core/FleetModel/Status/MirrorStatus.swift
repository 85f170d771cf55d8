/// How one mirror is.
package struct MirrorStatus: Codable, Sendable, Hashable {
    /// The mirror.
    package var name: String
    /// Origin or mirror; an origin is not counted as a replica.
    package var role: MirrorRole
    /// Where it is.
    package var region: String
    /// The first state that applies over its sets that have a release.
    package var state: MirrorState
    /// How well it is.
    package var health: Health
    /// Why its health is not ok.
    package var reasons: [String]
    /// Its sets, sorted by name.
    package var sets: [MirrorSetStatus]
    /// Seconds since its last report; null when it never reported.
    package var lastSeenSeconds: Int64?
    /// The number of its last report.
    package var reportNumber: UInt64?
    /// The key exchange group of its connections; several are joined by a comma.
    package var keyExchange: String?
    /// The plan it follows, TERM.NUMBER.
    package var generation: String?
    /// How full its disk is.
    package var disk: DiskReport?
    /// The version of its agent.
    package var agentVersion: String?
    /// What operators said of it beyond fleet.yaml, by kind.
    package var overrides: [HostOverride]

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        role: MirrorRole,
        region: String,
        state: MirrorState,
        health: Health,
        reasons: [String],
        sets: [MirrorSetStatus],
        lastSeenSeconds: Int64? = nil,
        reportNumber: UInt64? = nil,
        keyExchange: String? = nil,
        generation: String? = nil,
        disk: DiskReport? = nil,
        agentVersion: String? = nil,
        overrides: [HostOverride] = []
    ) {
        self.name = name
        self.role = role
        self.region = region
        self.state = state
        self.health = health
        self.reasons = reasons
        self.sets = sets
        self.lastSeenSeconds = lastSeenSeconds
        self.reportNumber = reportNumber
        self.keyExchange = keyExchange
        self.generation = generation
        self.disk = disk
        self.agentVersion = agentVersion
        self.overrides = overrides
    }
}

extension MirrorStatus {
    private enum CodingKeys: String, CodingKey {
        case name, role, region, state, health, reasons, sets, lastSeenSeconds, reportNumber, keyExchange, generation,
            disk, agentVersion, overrides
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        role = try container.decode(MirrorRole.self, forKey: .role)
        region = try container.decode(String.self, forKey: .region)
        state = try container.decode(MirrorState.self, forKey: .state)
        health = try container.decode(Health.self, forKey: .health)
        reasons = try container.decode([String].self, forKey: .reasons)
        sets = try container.decode([MirrorSetStatus].self, forKey: .sets)
        lastSeenSeconds = try container.decodeIfPresent(Int64.self, forKey: .lastSeenSeconds)
        reportNumber = try container.decodeIfPresent(UInt64.self, forKey: .reportNumber)
        keyExchange = try container.decodeIfPresent(String.self, forKey: .keyExchange)
        generation = try container.decodeIfPresent(String.self, forKey: .generation)
        disk = try container.decodeIfPresent(DiskReport.self, forKey: .disk)
        agentVersion = try container.decodeIfPresent(String.self, forKey: .agentVersion)
        overrides = try container.decodeIfPresent([HostOverride].self, forKey: .overrides) ?? []
    }

    /// Writes the value; what is not known is written as `null`, so that the key is always there.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encode(region, forKey: .region)
        try container.encode(state, forKey: .state)
        try container.encode(health, forKey: .health)
        try container.encode(reasons, forKey: .reasons)
        try container.encode(sets, forKey: .sets)
        try container.encode(lastSeenSeconds, forKey: .lastSeenSeconds)
        try container.encode(reportNumber, forKey: .reportNumber)
        try container.encode(keyExchange, forKey: .keyExchange)
        try container.encode(generation, forKey: .generation)
        try container.encode(disk, forKey: .disk)
        try container.encode(agentVersion, forKey: .agentVersion)
        try container.encode(overrides, forKey: .overrides)
    }
}
