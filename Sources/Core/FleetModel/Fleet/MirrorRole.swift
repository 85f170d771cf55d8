/// What a host is in the fleet.
package enum MirrorRole: String, Codable, Sendable, Hashable, CaseIterable {
    /// Releases are published here first; it is a source, and never counted as a replica.
    case origin
    /// Holds and serves complete copies.
    case mirror
}
