/// A state that the operator gives a mirror in fleet.yaml, above whatever its reports say.
package enum MirrorOverride: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nothing new is sent to the mirror, and it is no source; it goes on serving what it has.
    case paused
    /// As paused, and clients are sent elsewhere.
    case drained
}
