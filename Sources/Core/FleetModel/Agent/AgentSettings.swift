/// Everything that agent.yaml says, checked. Paths are absolute or relative to the working directory.
package struct AgentSettings: Codable, Sendable, Hashable {
    /// The fleet's name.
    package var fleet: String
    /// The host's name, equal to the name in its certificate.
    package var name: String
    /// Origin or mirror.
    package var role: MirrorRole
    /// The data directory: served trees, store and staging on one file system.
    package var dataPath: String
    /// Another folder for the databases, e.g. on an SSD; nil: inside the store.
    package var statePath: String?
    /// Where the agent listens; port 0 takes a free one.
    package var listen: NetworkAddress
    /// Where the coordinator's API is (HTTPS); the first that answers is used.
    package var coordinators: [NetworkAddress]
    /// The host's certificate, PEM.
    package var certificatePath: String
    /// The private key of that certificate, PEM.
    package var keyPath: String
    /// The certificate of the fleet's own authority, PEM.
    package var authorityPath: String
    /// Whether connections between hosts are agreed on by ML-KEM-1024 alone.
    package var requiresMLKEM1024: Bool
    /// What it believes.
    package var trust: AgentTrustSettings
    /// Directories that a publish may read (origin only); empty: none. `/` allows any.
    package var publishFrom: [String]
    /// How much it logs.
    package var logLevel: LogLevel
    /// What it leaves of its disk.
    package var disk: DiskLimits
    /// What it never exceeds, whatever fleet.yaml says.
    package var bandwidth: TransferLimits
    /// How much it shares at most, whatever fleet.yaml says.
    package var sharing: SharingLimits

    /// Makes the value from its parts; nothing is checked.
    package init(
        fleet: String,
        name: String,
        role: MirrorRole,
        dataPath: String,
        statePath: String? = nil,
        listen: NetworkAddress,
        coordinators: [NetworkAddress],
        certificatePath: String,
        keyPath: String,
        authorityPath: String,
        requiresMLKEM1024: Bool = false,
        trust: AgentTrustSettings,
        publishFrom: [String] = [],
        logLevel: LogLevel = .info,
        disk: DiskLimits = DiskLimits(),
        bandwidth: TransferLimits = .none,
        sharing: SharingLimits = SharingLimits()
    ) {
        self.fleet = fleet
        self.name = name
        self.role = role
        self.dataPath = dataPath
        self.statePath = statePath
        self.listen = listen
        self.coordinators = coordinators
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.authorityPath = authorityPath
        self.requiresMLKEM1024 = requiresMLKEM1024
        self.trust = trust
        self.publishFrom = publishFrom
        self.logLevel = logLevel
        self.disk = disk
        self.bandwidth = bandwidth
        self.sharing = sharing
    }
}

extension AgentSettings {
    private enum CodingKeys: String, CodingKey {
        case fleet, name, role, dataPath, statePath, listen, coordinators, certificatePath, keyPath, authorityPath,
            requiresMLKEM1024, trust, publishFrom, logLevel, disk, bandwidth, sharing
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        fleet = try container.decode(String.self, forKey: .fleet)
        name = try container.decode(String.self, forKey: .name)
        role = try container.decode(MirrorRole.self, forKey: .role)
        dataPath = try container.decode(String.self, forKey: .dataPath)
        statePath = try container.decodeIfPresent(String.self, forKey: .statePath)
        listen = try container.decode(NetworkAddress.self, forKey: .listen)
        coordinators = try container.decode([NetworkAddress].self, forKey: .coordinators)
        certificatePath = try container.decode(String.self, forKey: .certificatePath)
        keyPath = try container.decode(String.self, forKey: .keyPath)
        authorityPath = try container.decode(String.self, forKey: .authorityPath)
        requiresMLKEM1024 = try container.decodeIfPresent(Bool.self, forKey: .requiresMLKEM1024) ?? false
        trust = try container.decode(AgentTrustSettings.self, forKey: .trust)
        publishFrom = try container.decodeIfPresent([String].self, forKey: .publishFrom) ?? []
        logLevel = try container.decodeIfPresent(LogLevel.self, forKey: .logLevel) ?? LogLevel.info
        disk = try container.decodeIfPresent(DiskLimits.self, forKey: .disk) ?? DiskLimits()
        bandwidth = try container.decodeIfPresent(TransferLimits.self, forKey: .bandwidth) ?? .none
        sharing = try container.decodeIfPresent(SharingLimits.self, forKey: .sharing) ?? SharingLimits()
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(fleet, forKey: .fleet)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encode(dataPath, forKey: .dataPath)
        try container.encodeIfPresent(statePath, forKey: .statePath)
        try container.encode(listen, forKey: .listen)
        try container.encode(coordinators, forKey: .coordinators)
        try container.encode(certificatePath, forKey: .certificatePath)
        try container.encode(keyPath, forKey: .keyPath)
        try container.encode(authorityPath, forKey: .authorityPath)
        try container.encode(requiresMLKEM1024, forKey: .requiresMLKEM1024)
        try container.encode(trust, forKey: .trust)
        try container.encode(publishFrom, forKey: .publishFrom)
        try container.encode(logLevel, forKey: .logLevel)
        try container.encode(disk, forKey: .disk)
        try container.encode(bandwidth, forKey: .bandwidth)
        try container.encode(sharing, forKey: .sharing)
    }
}
