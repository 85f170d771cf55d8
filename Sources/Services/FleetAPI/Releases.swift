package import FleetModel

/// Body of `POST /v1/releases`.
package struct ReleaseRegistration: Codable, Sendable, Equatable {
    /// The set that the sender means; a document that names another one is refused.
    package var set: String
    /// The encoded `SignedRelease`.
    package var signed: Base64Bytes

    /// Wraps an encoded `SignedRelease` of `set`.
    package init(set: String, signed: [UInt8]) {
        self.set = set
        self.signed = Base64Bytes(signed)
    }
}

/// Answer to `GET /v1/releases`.
package struct ReleaseList: Codable, Sendable, Equatable {
    /// Ascending by set and sequence.
    package var releases: [RegisteredRelease]

    /// A list.
    package init(releases: [RegisteredRelease]) {
        self.releases = releases
    }
}
