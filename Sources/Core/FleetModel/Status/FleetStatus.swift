/// The state of the whole fleet: the one value that the table, `-o json` and `check` render.
package struct FleetStatus: Codable, Sendable, Hashable {
    /// The version of this format.
    package var version: Int
    /// The fleet's name.
    package var fleet: String
    /// The sets, sorted by name.
    package var sets: [SetStatus]
    /// The origin first, then the mirrors, each sorted by name.
    package var mirrors: [MirrorStatus]
    /// What the operator should know, by mirror, set and path.
    package var problems: [Problem]
    /// When it was computed, in Unix seconds of the coordinator's clock.
    package var generatedAt: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(
        version: Int = 1,
        fleet: String,
        sets: [SetStatus],
        mirrors: [MirrorStatus],
        problems: [Problem],
        generatedAt: Int64 = 0
    ) {
        self.version = version
        self.fleet = fleet
        self.sets = sets
        self.mirrors = mirrors
        self.problems = problems
        self.generatedAt = generatedAt
    }
}

extension FleetStatus {
    private enum CodingKeys: String, CodingKey {
        case version, fleet, sets, mirrors, problems, generatedAt
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decodeIfPresent(Int.self, forKey: .version) ?? 1
        fleet = try container.decode(String.self, forKey: .fleet)
        sets = try container.decode([SetStatus].self, forKey: .sets)
        mirrors = try container.decode([MirrorStatus].self, forKey: .mirrors)
        problems = try container.decode([Problem].self, forKey: .problems)
        generatedAt = try container.decodeIfPresent(Int64.self, forKey: .generatedAt) ?? 0
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(fleet, forKey: .fleet)
        try container.encode(sets, forKey: .sets)
        try container.encode(mirrors, forKey: .mirrors)
        try container.encode(problems, forKey: .problems)
        try container.encode(generatedAt, forKey: .generatedAt)
    }
}
