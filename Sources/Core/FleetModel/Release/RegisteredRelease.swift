/// A release that the coordinator has verified and registered.
package struct RegisteredRelease: Codable, Sendable, Hashable {
    /// The set it belongs to.
    package var set: String
    /// Its number.
    package var sequence: UInt64
    /// The digest of the release document in hex.
    package var digest: String
    /// The manifest root in hex.
    package var root: String
    /// Regular files in it.
    package var files: UInt64
    /// All entries in it.
    package var entries: UInt64
    /// Bytes of all its files.
    package var bytes: UInt64
    /// Bytes of the files that have another time than in the release before it, and nothing else changed.
    package var retouchedBytes: UInt64
    /// When it was published, in Unix seconds of the publisher's clock.
    package var publishedAt: Int64
    /// When it was registered, in Unix seconds of the coordinator's clock.
    package var registeredAt: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(
        set: String,
        sequence: UInt64,
        digest: String,
        root: String,
        files: UInt64,
        entries: UInt64,
        bytes: UInt64,
        publishedAt: Int64,
        registeredAt: Int64,
        retouchedBytes: UInt64 = 0
    ) {
        self.set = set
        self.sequence = sequence
        self.digest = digest
        self.root = root
        self.files = files
        self.entries = entries
        self.bytes = bytes
        self.publishedAt = publishedAt
        self.registeredAt = registeredAt
        self.retouchedBytes = retouchedBytes
    }
}

extension RegisteredRelease {
    private enum CodingKeys: String, CodingKey {
        case set, sequence, digest, root, files, entries, bytes, publishedAt, registeredAt, retouchedBytes
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        set = try container.decode(String.self, forKey: .set)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        digest = try container.decode(String.self, forKey: .digest)
        root = try container.decode(String.self, forKey: .root)
        files = try container.decode(UInt64.self, forKey: .files)
        entries = try container.decode(UInt64.self, forKey: .entries)
        bytes = try container.decode(UInt64.self, forKey: .bytes)
        publishedAt = try container.decode(Int64.self, forKey: .publishedAt)
        registeredAt = try container.decode(Int64.self, forKey: .registeredAt)
        retouchedBytes = try container.decodeIfPresent(UInt64.self, forKey: .retouchedBytes) ?? 0
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(set, forKey: .set)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(digest, forKey: .digest)
        try container.encode(root, forKey: .root)
        try container.encode(files, forKey: .files)
        try container.encode(entries, forKey: .entries)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(publishedAt, forKey: .publishedAt)
        try container.encode(registeredAt, forKey: .registeredAt)
        try container.encode(retouchedBytes, forKey: .retouchedBytes)
    }
}
