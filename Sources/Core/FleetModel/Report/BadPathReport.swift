/// A path whose bytes were found bad, moved aside and unlinked from the served tree.
package struct BadPathReport: Codable, Sendable, Hashable {
    /// The path in the set, escaped for display.
    package var path: String
    /// The digest that the bytes should have, in hex.
    package var blob: String
    /// What was found, e.g. `digest differs`.
    package var reason: String
    /// Size of the blob; 0 when it is not known.
    package var bytes: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(
        path: String,
        blob: String,
        reason: String,
        bytes: UInt64 = 0
    ) {
        self.path = path
        self.blob = blob
        self.reason = reason
        self.bytes = bytes
    }
}

extension BadPathReport {
    private enum CodingKeys: String, CodingKey {
        case path, blob, reason, bytes
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        blob = try container.decode(String.self, forKey: .blob)
        reason = try container.decode(String.self, forKey: .reason)
        bytes = try container.decodeIfPresent(UInt64.self, forKey: .bytes) ?? 0
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(blob, forKey: .blob)
        try container.encode(reason, forKey: .reason)
        try container.encode(bytes, forKey: .bytes)
    }
}
