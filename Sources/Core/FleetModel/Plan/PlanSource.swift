/// A mirror that may be asked for chunks: it holds the release, or is being brought to it as well.
package struct PlanSource: Codable, Sendable, Hashable {
    /// Its name, equal to the name in its certificate.
    package var name: String
    /// Where its agent listens.
    package var address: NetworkAddress
    /// The release it was seen to serve, or is to serve.
    package var sequence: UInt64
    /// Where it is; nil in a plan of an older coordinator.
    package var region: String?

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        address: NetworkAddress,
        sequence: UInt64,
        region: String? = nil
    ) {
        self.name = name
        self.address = address
        self.sequence = sequence
        self.region = region
    }
}
