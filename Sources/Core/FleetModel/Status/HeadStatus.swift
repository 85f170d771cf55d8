/// The head of a set.
package struct HeadStatus: Codable, Sendable, Hashable {
    /// Its number.
    package var sequence: UInt64
    /// The manifest root in hex.
    package var root: String
    /// Regular files in it.
    package var files: UInt64
    /// Bytes of all its files.
    package var bytes: UInt64
    /// When it was published, in Unix seconds of the publisher's clock.
    package var publishedAt: Int64
    /// The digest of the release document in hex.
    package var digest: String
    /// When it was registered, in Unix seconds of the coordinator's clock.
    package var registeredAt: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(
        sequence: UInt64,
        root: String,
        files: UInt64,
        bytes: UInt64,
        publishedAt: Int64,
        digest: String,
        registeredAt: Int64
    ) {
        self.sequence = sequence
        self.root = root
        self.files = files
        self.bytes = bytes
        self.publishedAt = publishedAt
        self.digest = digest
        self.registeredAt = registeredAt
    }
}
