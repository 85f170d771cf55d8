/// The secret half of a key: bytes in, a signature out. What signs needs randomness, so it lives outside of Core.
package protocol MetadataSigner: Sendable {
    /// The public half, as documents name it.
    var key: MetadataKey { get }

    /// The signature over `message`. Throws what the keeper of the key throws.
    func sign(_ message: [UInt8]) throws -> [UInt8]
}
