import Testing

/// Whole fleets of real machines under virtual time; figures beside those of docs/decisions/0014-swarm.md.
@Suite struct SwarmSimulationTests {
    /// Runs a fleet and expects what every run must keep: all have everything, nothing unverified was offered.
    private func run(
        _ test: String, _ fleet: SimulatedFleet, sourceLocation: SourceLocation = #_sourceLocation
    ) -> SimulatedFleet.Outcome {
        let outcome = SwarmSimulation(fleet).run(limit: 40 * Double(fleet.bytes) / (fleet.originUplink * 125_000))
        print("\(test), seed \(fleet.seed): \(outcome.text)")
        #expect(outcome.unfinished.isEmpty, "not done", sourceLocation: sourceLocation)
        #expect(outcome.unverifiedOffers == 0, "offers of what was not verified", sourceLocation: sourceLocation)
        return outcome
    }

    @Test(
        "equal mirrors are done in the time that one takes, and the origin sends once",
        arguments: [(1, 1.015), (2, 1.02), (8, 1.03), (16, 1.06)])
    func equalMirrors(mirrors: Int, most: Double) {
        let outcome = run("\(mirrors) mirrors", SimulatedFleet(mirrors: mirrors))
        #expect(outcome.ratio <= most)
        #expect(outcome.originCopies == 1 && outcome.leasedCopies == 1)
    }
}
