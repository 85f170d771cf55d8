/// The `trust` part of fleet.yaml.
package struct TrustPolicy: Codable, Sendable, Hashable {
    /// The keys whose signature makes a release; at least one.
    package var publishers: [PublisherReference]
    /// The private key that fleetctl signs with on this machine; only fleetctl ever reads it.
    package var publisherKeyFile: String?

    /// Makes the value from its parts; nothing is checked.
    package init(
        publishers: [PublisherReference],
        publisherKeyFile: String? = nil
    ) {
        self.publishers = publishers
        self.publisherKeyFile = publisherKeyFile
    }
}
