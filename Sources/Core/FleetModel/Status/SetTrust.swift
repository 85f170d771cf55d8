/// What the fleet's metadata says of one set, for its status.
package struct SetTrust: Codable, Sendable, Hashable {
    /// How many different keys must sign a release.
    package var threshold: Int
    /// How many keys there are that may.
    package var keys: Int
    /// The SHA-256 in hex of the list of yanked paths; nil: nothing was ever yanked.
    package var yanked: String?
    /// How many mirrors must hold a release before one of them serves it.
    package var flipQuorum: Int?

    /// Makes the value from its parts; nothing is checked.
    package init(threshold: Int, keys: Int, yanked: String? = nil, flipQuorum: Int? = nil) {
        self.threshold = threshold
        self.keys = keys
        self.yanked = yanked
        self.flipQuorum = flipQuorum
    }
}

extension SetTrust {
    private enum CodingKeys: String, CodingKey {
        case threshold, keys, yanked, flipQuorum
    }

    /// Writes the value; what there is not is written as `null`, so that the key is always there.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(keys, forKey: .keys)
        try container.encode(yanked, forKey: .yanked)
        try container.encodeIfPresent(flipQuorum, forKey: .flipQuorum)
    }
}
