/// What the operator wants for one content set.
package struct SetPolicy: Codable, Sendable, Hashable {
    /// The set's name, unique in the fleet.
    package var name: String
    /// The mirror with role origin that publishes it.
    package var origin: String
    /// The directory tree on the origin that `publish` takes when none is named; absolute.
    package var source: String?
    /// How files come into the origin's store.
    package var ingest: IngestPolicy
    /// The name of the chunk profile, `default` or `images`.
    package var chunkProfile: String
    /// Further digests taken of every file, e.g. `sha256`; sorted, each once.
    package var digests: [String]
    /// How many complete copies are wanted at any time; the origin is not counted.
    package var replicas: Int
    /// How many releases a mirror keeps, the head included.
    package var keepReleases: Int
    /// Seconds that a served tree out of service stays as it was, for readers that walk it still.
    package var lingerSeconds: Int64
    /// Seconds a mirror may be behind the head before it counts as lagging.
    package var maxLagSeconds: Int64
    /// Whether symlinks that leave the set are published as they are.
    package var allowEscapingLinks: Bool
    /// The most bytes that a release of it may have on a mirror; nil: any number.
    package var quotaBytes: UInt64?
    /// How much is copied for files that change in their time alone, before times are changed in place.
    package var copyLimit: CopyLimit
    /// What counts once it is signed.
    package var binding: SetBinding

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        origin: String,
        source: String? = nil,
        ingest: IngestPolicy = .reflink,
        chunkProfile: String = "default",
        digests: [String] = [],
        replicas: Int = 1,
        keepReleases: Int = 5,
        lingerSeconds: Int64 = 3600,
        maxLagSeconds: Int64 = 3600,
        allowEscapingLinks: Bool = false,
        quotaBytes: UInt64? = nil,
        copyLimit: CopyLimit = .standard,
        binding: SetBinding = SetBinding()
    ) {
        self.name = name
        self.origin = origin
        self.source = source
        self.ingest = ingest
        self.chunkProfile = chunkProfile
        self.digests = digests
        self.replicas = replicas
        self.keepReleases = keepReleases
        self.lingerSeconds = lingerSeconds
        self.maxLagSeconds = maxLagSeconds
        self.allowEscapingLinks = allowEscapingLinks
        self.quotaBytes = quotaBytes
        self.copyLimit = copyLimit
        self.binding = binding
    }
}

extension SetPolicy {
    private enum CodingKeys: String, CodingKey {
        case name, origin, source, ingest, chunkProfile, digests, replicas, keepReleases, lingerSeconds,
            maxLagSeconds, allowEscapingLinks, quotaBytes, copyLimit, binding
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        origin = try container.decode(String.self, forKey: .origin)
        source = try container.decodeIfPresent(String.self, forKey: .source)
        ingest = try container.decodeIfPresent(IngestPolicy.self, forKey: .ingest) ?? IngestPolicy.reflink
        chunkProfile = try container.decodeIfPresent(String.self, forKey: .chunkProfile) ?? "default"
        digests = try container.decodeIfPresent([String].self, forKey: .digests) ?? []
        replicas = try container.decodeIfPresent(Int.self, forKey: .replicas) ?? 1
        keepReleases = try container.decodeIfPresent(Int.self, forKey: .keepReleases) ?? 5
        lingerSeconds = try container.decodeIfPresent(Int64.self, forKey: .lingerSeconds) ?? 3600
        maxLagSeconds = try container.decodeIfPresent(Int64.self, forKey: .maxLagSeconds) ?? 3600
        allowEscapingLinks = try container.decodeIfPresent(Bool.self, forKey: .allowEscapingLinks) ?? false
        quotaBytes = try container.decodeIfPresent(UInt64.self, forKey: .quotaBytes)
        copyLimit = try container.decodeIfPresent(CopyLimit.self, forKey: .copyLimit) ?? .standard
        binding = try container.decodeIfPresent(SetBinding.self, forKey: .binding) ?? SetBinding()
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(origin, forKey: .origin)
        try container.encodeIfPresent(source, forKey: .source)
        try container.encode(ingest, forKey: .ingest)
        try container.encode(chunkProfile, forKey: .chunkProfile)
        try container.encode(digests, forKey: .digests)
        try container.encode(replicas, forKey: .replicas)
        try container.encode(keepReleases, forKey: .keepReleases)
        try container.encode(lingerSeconds, forKey: .lingerSeconds)
        try container.encode(maxLagSeconds, forKey: .maxLagSeconds)
        try container.encode(allowEscapingLinks, forKey: .allowEscapingLinks)
        try container.encodeIfPresent(quotaBytes, forKey: .quotaBytes)
        try container.encode(copyLimit, forKey: .copyLimit)
        try container.encode(binding, forKey: .binding)
    }
}
