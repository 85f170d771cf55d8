/// Everything that fleet.yaml says, checked: names are unique, every set has an origin that carries it and enough mirrors.
package struct Fleet: Codable, Sendable, Hashable {
    /// The fleet's name, part of every certificate and release.
    package var name: String
    /// The time zone of schedules; only `UTC` now.
    package var timezone: String
    /// Where the coordinator is and how often agents report.
    package var coordinator: CoordinatorPolicy
    /// Where the trust of the fleet is kept.
    package var trust: TrustPolicy
    /// How fleetctl proves who it is, if the file says so.
    package var operatorAccess: OperatorAccess?
    /// The content sets, in the order of the file.
    package var sets: [SetPolicy]
    /// The hosts, in the order of the file.
    package var mirrors: [MirrorPolicy]
    /// Shares of bandwidth by the names of sets; a set that is not named has 1.
    package var setWeights: [String: Int]
    /// How releases spread in swarms.
    package var swarm: SwarmPolicy

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        timezone: String = "UTC",
        coordinator: CoordinatorPolicy,
        trust: TrustPolicy,
        operatorAccess: OperatorAccess? = nil,
        sets: [SetPolicy],
        mirrors: [MirrorPolicy],
        setWeights: [String: Int] = [:],
        swarm: SwarmPolicy = SwarmPolicy()
    ) {
        self.name = name
        self.timezone = timezone
        self.coordinator = coordinator
        self.trust = trust
        self.operatorAccess = operatorAccess
        self.sets = sets
        self.mirrors = mirrors
        self.setWeights = setWeights
        self.swarm = swarm
    }

    /// The policy of the set `name`.
    package func set(named name: String) -> SetPolicy? { sets.first { $0.name == name } }

    /// The host whose agent signs snapshots and timestamps: the one that is named, or the only origin.
    package var keeper: String? {
        if let keeper = trust.keeper { return keeper }
        let origins = Set(sets.map(\.origin))
        return origins.count == 1 ? origins.first : nil
    }

    /// What the host `name` is told of bandwidth; nil if there is nothing to tell.
    package func bandwidth(of name: String) -> BandwidthPolicy? {
        let profile = mirror(named: name)?.bandwidth
        if profile == nil, setWeights.isEmpty { return nil }
        return BandwidthPolicy(profile: profile ?? BandwidthProfile(), weights: setWeights)
    }

    /// The policy of the host `name`.
    package func mirror(named name: String) -> MirrorPolicy? { mirrors.first { $0.name == name } }
}

extension Fleet {
    private enum CodingKeys: String, CodingKey {
        case name, timezone, coordinator, trust, operatorAccess, sets, mirrors, setWeights, swarm
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        timezone = try container.decodeIfPresent(String.self, forKey: .timezone) ?? "UTC"
        coordinator = try container.decode(CoordinatorPolicy.self, forKey: .coordinator)
        trust = try container.decode(TrustPolicy.self, forKey: .trust)
        operatorAccess = try container.decodeIfPresent(OperatorAccess.self, forKey: .operatorAccess)
        sets = try container.decode([SetPolicy].self, forKey: .sets)
        mirrors = try container.decode([MirrorPolicy].self, forKey: .mirrors)
        setWeights = try container.decodeIfPresent([String: Int].self, forKey: .setWeights) ?? [:]
        swarm = try container.decodeIfPresent(SwarmPolicy.self, forKey: .swarm) ?? SwarmPolicy()
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(timezone, forKey: .timezone)
        try container.encode(coordinator, forKey: .coordinator)
        try container.encode(trust, forKey: .trust)
        try container.encodeIfPresent(operatorAccess, forKey: .operatorAccess)
        try container.encode(sets, forKey: .sets)
        try container.encode(mirrors, forKey: .mirrors)
        try container.encode(setWeights, forKey: .setWeights)
        try container.encode(swarm, forKey: .swarm)
    }
}
