/// How one set is spread over the fleet.
package struct SetStatus: Codable, Sendable, Hashable {
    /// The set.
    package var name: String
    /// Its newest release; null when it has none.
    package var head: HeadStatus?
    /// Mirrors that serve the head, verified; the origin is not counted.
    package var replicas: Int
    /// Mirrors that serve the head or are behind it for no longer than `max_lag`: what `check` compares.
    package var replicasCurrent: Int
    /// How many fleet.yaml wants.
    package var replicasWanted: Int
    /// What the fleet's metadata says of it; null before anything of the fleet was signed.
    package var trust: SetTrust?
    /// Bytes of the head that the origin sent to mirrors, as far as they told of it.
    package var originBytes: UInt64
    /// How often the origin sent what the mirror that received most of it received; null when nothing was received.
    package var originCopies: Double?

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        head: HeadStatus? = nil,
        replicas: Int,
        replicasCurrent: Int,
        replicasWanted: Int,
        trust: SetTrust? = nil,
        originBytes: UInt64 = 0,
        originCopies: Double? = nil
    ) {
        self.name = name
        self.head = head
        self.replicas = replicas
        self.replicasCurrent = replicasCurrent
        self.replicasWanted = replicasWanted
        self.trust = trust
        self.originBytes = originBytes
        self.originCopies = originCopies
    }
}

extension SetStatus {
    private enum CodingKeys: String, CodingKey {
        case name, head, replicas, replicasCurrent, replicasWanted, trust, originBytes, originCopies
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        head = try container.decodeIfPresent(HeadStatus.self, forKey: .head)
        replicas = try container.decode(Int.self, forKey: .replicas)
        replicasCurrent = try container.decode(Int.self, forKey: .replicasCurrent)
        replicasWanted = try container.decode(Int.self, forKey: .replicasWanted)
        trust = try container.decodeIfPresent(SetTrust.self, forKey: .trust)
        originBytes = try container.decodeIfPresent(UInt64.self, forKey: .originBytes) ?? 0
        originCopies = try container.decodeIfPresent(Double.self, forKey: .originCopies)
    }

    /// Writes the value; what is not known is written as `null`, so that the key is always there.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(head, forKey: .head)
        try container.encode(replicas, forKey: .replicas)
        try container.encode(replicasCurrent, forKey: .replicasCurrent)
        try container.encode(replicasWanted, forKey: .replicasWanted)
        try container.encode(trust, forKey: .trust)
        try container.encode(originBytes, forKey: .originBytes)
        try container.encode(originCopies, forKey: .originCopies)
    }
}
