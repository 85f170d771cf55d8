/// A mirror that may be asked for chunks.
package struct PlanSource: Codable, Sendable, Hashable {
    /// Its name, equal to the name in its certificate.
    package var name: String
    /// Where its agent listens.
    package var address: NetworkAddress
    /// The release it was seen to serve.
    package var sequence: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        address: NetworkAddress,
        sequence: UInt64
    ) {
        self.name = name
        self.address = address
        self.sequence = sequence
    }
}
