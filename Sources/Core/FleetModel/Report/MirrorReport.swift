/// What a mirror says it has and how it is. The agent signs the bytes of its JSON.
package struct MirrorReport: Codable, Sendable, Hashable {
    /// The newest version of this format that this program knows.
    package static let currentVersion = 1

    /// The version of this format.
    package var version: Int
    /// The mirror's name.
    package var mirror: String
    /// Counts the reports of one agent, rising also over restarts; a lower one is old.
    package var number: UInt64
    /// The version of the agent.
    package var agentVersion: String
    /// When the agent started, in Unix seconds of its clock.
    package var startedAt: Int64?
    /// The plan the agent follows.
    package var generation: Generation?
    /// How full its disk is.
    package var disk: DiskReport
    /// What it has, sorted by set.
    package var sets: [SetReport]
    /// What else the operator should know.
    package var problems: [Problem]
    /// Its open connections, sorted by peer.
    package var connections: [ConnectionReport]
    /// What it may send and receive, and does; nil: there is no limit, and nothing moves.
    package var bandwidth: BandwidthReport?
    /// The swarms that it takes part in, sorted by set.
    package var swarms: [SwarmReport]
    /// Sources of which it has learnt something bad, sorted by name.
    package var standings: [SourceStanding]

    /// Makes the value from its parts; nothing is checked.
    package init(
        version: Int = currentVersion,
        mirror: String,
        number: UInt64,
        agentVersion: String,
        startedAt: Int64? = nil,
        generation: Generation? = nil,
        disk: DiskReport,
        sets: [SetReport] = [],
        problems: [Problem] = [],
        connections: [ConnectionReport] = [],
        bandwidth: BandwidthReport? = nil,
        swarms: [SwarmReport] = [],
        standings: [SourceStanding] = []
    ) {
        self.version = version
        self.mirror = mirror
        self.number = number
        self.agentVersion = agentVersion
        self.startedAt = startedAt
        self.generation = generation
        self.disk = disk
        self.sets = sets
        self.problems = problems
        self.connections = connections
        self.bandwidth = bandwidth
        self.swarms = swarms
        self.standings = standings
    }

    /// The most bad paths one set's report names; more would let a dead disk fill the coordinator's memory.
    package static let badPathLimit = 1_000

    /// The report about the set `name`.
    package func set(named name: String) -> SetReport? { sets.first { $0.name == name } }
}

extension MirrorReport {
    private enum CodingKeys: String, CodingKey {
        case version, mirror, number, agentVersion, startedAt, generation, disk, sets, problems, connections, bandwidth,
            swarms, standings
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decodeIfPresent(Int.self, forKey: .version) ?? 1
        mirror = try container.decode(String.self, forKey: .mirror)
        number = try container.decode(UInt64.self, forKey: .number)
        agentVersion = try container.decode(String.self, forKey: .agentVersion)
        startedAt = try container.decodeIfPresent(Int64.self, forKey: .startedAt)
        generation = try container.decodeIfPresent(Generation.self, forKey: .generation)
        disk = try container.decode(DiskReport.self, forKey: .disk)
        sets = try container.decodeIfPresent([SetReport].self, forKey: .sets) ?? []
        problems = try container.decodeIfPresent([Problem].self, forKey: .problems) ?? []
        connections = try container.decodeIfPresent([ConnectionReport].self, forKey: .connections) ?? []
        bandwidth = try container.decodeIfPresent(BandwidthReport.self, forKey: .bandwidth)
        swarms = try container.decodeIfPresent([SwarmReport].self, forKey: .swarms) ?? []
        standings = try container.decodeIfPresent([SourceStanding].self, forKey: .standings) ?? []
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(mirror, forKey: .mirror)
        try container.encode(number, forKey: .number)
        try container.encode(agentVersion, forKey: .agentVersion)
        try container.encodeIfPresent(startedAt, forKey: .startedAt)
        try container.encodeIfPresent(generation, forKey: .generation)
        try container.encode(disk, forKey: .disk)
        try container.encode(sets, forKey: .sets)
        try container.encode(problems, forKey: .problems)
        try container.encode(connections, forKey: .connections)
        try container.encodeIfPresent(bandwidth, forKey: .bandwidth)
        try container.encode(swarms, forKey: .swarms)
        try container.encode(standings, forKey: .standings)
    }
}
