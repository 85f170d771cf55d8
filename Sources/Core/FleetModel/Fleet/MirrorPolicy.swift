/// What fleet.yaml says about one host.
package struct MirrorPolicy: Codable, Sendable, Hashable {
    /// The host's name, unique in the fleet and equal to the name in its certificate.
    package var name: String
    /// Origin or mirror.
    package var role: MirrorRole
    /// Where it is; sources of the same region are preferred.
    package var region: String
    /// Two capital letters, ISO 3166.
    package var country: String?
    /// Where other agents reach its agent.
    package var address: NetworkAddress
    /// The sets it carries, sorted.
    package var sets: [String]
    /// Set when the operator has drained or paused it.
    package var override: MirrorOverride?
    /// How much of its disk a plan must leave free; nil: `DiskReserve.defaultBytes(ofDisk:)`.
    package var diskReserve: DiskReserve?
    /// The used part of its disk in percent that a plan warns of; nil: never.
    package var diskHighWaterPercent: Int?
    /// How much it may send and receive when; nil: as much as it can.
    package var bandwidth: BandwidthProfile?

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        role: MirrorRole = .mirror,
        region: String = "default",
        country: String? = nil,
        address: NetworkAddress,
        sets: [String] = [],
        override: MirrorOverride? = nil,
        diskReserve: DiskReserve? = nil,
        diskHighWaterPercent: Int? = nil,
        bandwidth: BandwidthProfile? = nil
    ) {
        self.name = name
        self.role = role
        self.region = region
        self.country = country
        self.address = address
        self.sets = sets
        self.override = override
        self.diskReserve = diskReserve
        self.diskHighWaterPercent = diskHighWaterPercent
        self.bandwidth = bandwidth
    }
}

extension MirrorPolicy {
    private enum CodingKeys: String, CodingKey {
        case name, role, region, country, address, sets, override, diskReserve, diskHighWaterPercent, bandwidth
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        role = try container.decodeIfPresent(MirrorRole.self, forKey: .role) ?? MirrorRole.mirror
        region = try container.decodeIfPresent(String.self, forKey: .region) ?? "default"
        country = try container.decodeIfPresent(String.self, forKey: .country)
        address = try container.decode(NetworkAddress.self, forKey: .address)
        sets = try container.decodeIfPresent([String].self, forKey: .sets) ?? []
        override = try container.decodeIfPresent(MirrorOverride.self, forKey: .override)
        diskReserve = try container.decodeIfPresent(DiskReserve.self, forKey: .diskReserve)
        diskHighWaterPercent = try container.decodeIfPresent(Int.self, forKey: .diskHighWaterPercent)
        bandwidth = try container.decodeIfPresent(BandwidthProfile.self, forKey: .bandwidth)
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encode(region, forKey: .region)
        try container.encodeIfPresent(country, forKey: .country)
        try container.encode(address, forKey: .address)
        try container.encode(sets, forKey: .sets)
        try container.encodeIfPresent(override, forKey: .override)
        try container.encodeIfPresent(diskReserve, forKey: .diskReserve)
        try container.encodeIfPresent(diskHighWaterPercent, forKey: .diskHighWaterPercent)
        try container.encodeIfPresent(bandwidth, forKey: .bandwidth)
    }
}
