package import Content

/// What a neighbour says of a set: that this release is its head. Worth nothing before the release is verified.
package struct HeadClaim: Sendable, Hashable {
    /// Name of the content set.
    package var set: String
    /// The release's number.
    package var sequence: UInt64
    /// The digest of its document.
    package var release: ReleaseDigest

    /// Makes the value from its parts; nothing is checked.
    package init(set: String, sequence: UInt64, release: ReleaseDigest) {
        self.set = set
        self.sequence = sequence
        self.release = release
    }
}
