/// What to do next, for every mirror and set asked about. Never changed once made; a later plan has a higher generation.
package struct Plan: Codable, Sendable, Hashable {
    /// The version of this format.
    package var version: Int
    /// The plan's own number.
    package var generation: Generation
    /// The plan before it; nil for the first.
    package var parent: Generation?
    /// When it was made, in Unix seconds of the coordinator's clock.
    package var createdAt: Int64
    /// Sorted by mirror, then by set.
    package var lines: [PlanLine]

    /// Makes the value from its parts; nothing is checked.
    package init(
        version: Int = 1,
        generation: Generation,
        parent: Generation? = nil,
        createdAt: Int64,
        lines: [PlanLine] = []
    ) {
        self.version = version
        self.generation = generation
        self.parent = parent
        self.createdAt = createdAt
        self.lines = lines
    }

    /// Whether any line asks for something to be done.
    package var hasWork: Bool { lines.contains { $0.action != .none } }

    /// The lines of one mirror.
    package func lines(of mirror: String) -> [PlanLine] { lines.filter { $0.mirror == mirror } }
}

extension Plan {
    private enum CodingKeys: String, CodingKey {
        case version, generation, parent, createdAt, lines
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decodeIfPresent(Int.self, forKey: .version) ?? 1
        generation = try container.decode(Generation.self, forKey: .generation)
        parent = try container.decodeIfPresent(Generation.self, forKey: .parent)
        createdAt = try container.decode(Int64.self, forKey: .createdAt)
        lines = try container.decodeIfPresent([PlanLine].self, forKey: .lines) ?? []
    }

    /// Writes the value; what is not known is written as `null`, so that the key is always there.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(generation, forKey: .generation)
        try container.encode(parent, forKey: .parent)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(lines, forKey: .lines)
    }
}
