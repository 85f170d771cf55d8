import FleetFile
import FleetModel
import Testing

@Suite("Limits of bandwidth are read as they stand, and hold when they say")
struct BandwidthFileTests {
    private static let megabyte: UInt64 = 1_000_000

    private func fleet() throws -> Fleet {
        try FleetFile.parse(try FixtureFolder.bytes(FixtureFolder.path("good/bandwidth.yaml")), file: "fleet.yaml")
    }

    @Test("Profiles, shares and defaults of fleet.yaml")
    func profiles() throws {
        let fleet = try fleet()
        let office = TransferLimits(up: 50 * Self.megabyte, down: 50 * Self.megabyte)
        let policy = try #require(fleet.bandwidth(of: "m1"))
        #expect(policy.weights == ["security": 8, "debian": 4])
        #expect(policy.profile.rules.count == 3)
        #expect(
            policy.profile.rules[0]
                == BandwidthProfile.Rule(days: [0, 1, 2, 3, 4], from: 480, to: 1_080, limits: office))
        let always = TransferLimits(up: 1_000 * Self.megabyte, down: 1_000 * Self.megabyte)
        #expect(fleet.bandwidth(of: "origin1")?.profile == BandwidthProfile(rules: [.init(limits: always)]))
        #expect(fleet.bandwidth(of: "nobody")?.profile.limits(day: 0, minute: 0) == TransferLimits.none)
    }

    @Test("The first rule that holds counts, days begin hours, and a night goes on into the next day")
    func times() throws {
        let profile = try #require(try fleet().bandwidth(of: "m1")).profile
        let office = TransferLimits(up: 50 * Self.megabyte, down: 50 * Self.megabyte)
        let night = TransferLimits(up: 0)
        let others = TransferLimits(down: 1_000 * Self.megabyte)
        for (day, minute, limits) in [
            (0, 480, office), (0, 479, others), (4, 1_079, office), (4, 1_080, others), (5, 600, others),
            (5, 1_320, night), (6, 0, night), (6, 359, night), (6, 360, others), (0, 359, night), (0, 360, others),
            (1, 0, others), (4, 1_380, others), (5, 60, others),
        ] {
            #expect(profile.limits(day: day, minute: minute) == limits, "day \(day), minute \(minute)")
        }
    }

    @Test("The ceilings of agent.yaml")
    func ceilings() throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/agent-mirror.yaml"))
        #expect(
            try AgentFile.parse(text, file: "agent.yaml").bandwidth == TransferLimits(up: 20 * Self.megabyte, down: 0))
    }

    @Test("An agent takes no more rules than it must")
    func bounded() {
        let rule = BandwidthProfile.Rule(limits: TransferLimits(up: 1))
        let many = BandwidthPolicy(
            profile: BandwidthProfile(rules: Array(repeating: rule, count: BandwidthPolicy.limit + 1)),
            weights: Dictionary(uniqueKeysWithValues: (0...BandwidthPolicy.limit).map { ("s\($0)", 1) }))
        #expect(many.bounded.profile.rules.count == BandwidthPolicy.limit)
        #expect(many.bounded.weights.isEmpty)
    }
}
