/// One open connection of an agent.
package struct ConnectionReport: Codable, Sendable, Hashable {
    /// The name in the peer's certificate.
    package var peer: String
    /// The key exchange group that the TLS library says was negotiated.
    package var group: String
    /// Bytes received on it so far.
    package var bytesIn: UInt64
    /// Bytes sent on it so far.
    package var bytesOut: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(
        peer: String,
        group: String,
        bytesIn: UInt64 = 0,
        bytesOut: UInt64 = 0
    ) {
        self.peer = peer
        self.group = group
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }
}

extension ConnectionReport {
    private enum CodingKeys: String, CodingKey {
        case peer, group, bytesIn, bytesOut
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        peer = try container.decode(String.self, forKey: .peer)
        group = try container.decode(String.self, forKey: .group)
        bytesIn = try container.decodeIfPresent(UInt64.self, forKey: .bytesIn) ?? 0
        bytesOut = try container.decodeIfPresent(UInt64.self, forKey: .bytesOut) ?? 0
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(peer, forKey: .peer)
        try container.encode(group, forKey: .group)
        try container.encode(bytesIn, forKey: .bytesIn)
        try container.encode(bytesOut, forKey: .bytesOut)
    }
}
