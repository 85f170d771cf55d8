package import Content

/// Who may release for a fleet. The one place where later rules come in (roles, thresholds for each set, expiry);
/// ``ReleaseVerifier`` is the one place that applies them.
package struct ReleasePolicy: Hashable, Sendable {
    /// The fleet that releases must name.
    package let fleet: String
    /// The keys whose signatures count, each once, ascending.
    package let publishers: [PublisherPublicKey]
    /// How many different keys must have signed; at least 1.
    package let threshold: Int

    /// A policy for a fleet. Keys that are named twice count once; a threshold below 1 is taken as 1.
    package init(fleet: String, publishers: [PublisherPublicKey], threshold: Int = 1) {
        self.fleet = fleet
        self.publishers = Set(publishers).sorted()
        self.threshold = max(1, threshold)
    }
}

/// The release that a node has verified last: the floor for what it accepts next.
package struct TrustedHead: Hashable, Sendable {
    /// Its sequence.
    package let sequence: UInt64
    /// The digest of its document.
    package let digest: ReleaseDigest

    /// The head as it was recorded.
    package init(sequence: UInt64, digest: ReleaseDigest) {
        self.sequence = sequence
        self.digest = digest
    }
}
