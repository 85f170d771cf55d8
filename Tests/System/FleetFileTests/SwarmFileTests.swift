import FleetFile
import FleetModel
import Testing

@Suite("What a file says of swarms is read as it stands")
struct SwarmFileTests {
    @Test("Copies, weights and limits of fleet.yaml reach every agent; what is not said is as agents do by themselves")
    func fleet() throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/swarm.yaml"))
        let fleet = try FleetFile.parse(text, file: "fleet.yaml")
        let policy = SwarmPolicy(
            originCopies: 1.5, choose: SourceWeights(reputation: 1, region: 2, bandwidth: 0.5),
            sharing: SharingLimits(uploadSlots: 64, requestsPerPeer: 16, yieldAbovePercent: 40), setSlots: ["iso": 8])
        #expect(fleet.swarm == policy)
        #expect(fleet.neighbourhoods()["m1"]?.swarm == policy)
        let without = try FixtureFolder.bytes(FixtureFolder.path("good/bandwidth.yaml"))
        let plain = try FleetFile.parse(without, file: "fleet.yaml")
        #expect(plain.swarm == SwarmPolicy() && plain.neighbourhoods()["m1"]?.swarm == nil)
    }

    @Test("Of two limits the stricter counts, and what a coordinator says is moved into its range")
    func bounds() {
        let fleet = SharingLimits(uploadSlots: 8, requestsPerPeer: 4)
        let agent = SharingLimits(uploadSlots: 16, connectionsPerPeer: 3, yieldAbovePercent: 20)
        #expect(
            fleet.narrowed(by: agent)
                == SharingLimits(
                    uploadSlots: 8, requestsPerPeer: 4, connectionsPerPeer: 3, yieldAbovePercent: 20))
        let wild = SwarmPolicy(
            originCopies: .infinity, choose: SourceWeights(reputation: -1, region: .nan, bandwidth: 1e9),
            sharing: SharingLimits(uploadSlots: 0, yieldAbovePercent: 900), setSlots: ["a": -3])
        #expect(
            wild.bounded
                == SwarmPolicy(
                    originCopies: 1, choose: SourceWeights(reputation: 0, region: 1, bandwidth: 100),
                    sharing: SharingLimits(uploadSlots: 1, yieldAbovePercent: 100), setSlots: ["a": 1]))
    }
}
