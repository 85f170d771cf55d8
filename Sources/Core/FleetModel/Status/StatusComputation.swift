/// Computes the state of the fleet from what is wanted and what was seen. Pure: same input, same value.
package enum StatusComputation {
    /// The status of `fleet`.
    /// - Parameters:
    ///   - releases: every registered release that is still known, in any order; the head of a set is the one with the highest sequence.
    ///   - inventory: what was seen of the mirrors, in any order; of mirrors that are not in the fleet nothing is said.
    ///   - now: Unix seconds of the coordinator's clock.
    package static func status(
        fleet: Fleet, releases: [RegisteredRelease], inventory: [MirrorObservation], now: Int64
    ) -> FleetStatus {
        FleetStatus(fleet: fleet.name, sets: [], mirrors: [], problems: [], generatedAt: now)
    }
}
