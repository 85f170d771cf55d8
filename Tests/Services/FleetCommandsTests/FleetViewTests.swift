import FleetCommands
import FleetModel
import Testing

@Suite("What commands make of a status and of reports")
struct FleetViewTests {
    private static let fleet = Fleet(
        name: "sample",
        coordinator: CoordinatorPolicy(
            listen: NetworkAddress(host: "127.0.1.1", port: 7443),
            address: NetworkAddress(host: "127.0.1.1", port: 7443),
            statePath: "c", reportIntervalSeconds: 10),
        trust: TrustPolicy(folder: "trust"), sets: [SetPolicy(name: "iso", origin: "origin")],
        mirrors: ["origin", "m1", "m2"].enumerated().map { index, name in
            MirrorPolicy(
                name: name, role: index == 0 ? .origin : .mirror, region: index == 2 ? "us" : "eu",
                address: NetworkAddress(host: "127.0.1.\(index + 2)", port: 7444), sets: ["iso"])
        })

    private static func report(
        _ name: String, _ swarms: [SwarmReport] = [], _ standings: [SourceStanding] = []
    ) -> MirrorReport {
        MirrorReport(
            mirror: name, number: 1, agentVersion: "1", disk: DiskReport(totalBytes: 1, freeBytes: 1, storeBytes: 0),
            swarms: swarms, standings: standings)
    }

    private static func mirror(
        _ name: String, _ region: String, _ state: MirrorState, sequence: UInt64?, missing: UInt64 = 0,
        overrides: [HostOverride] = []
    ) -> MirrorStatus {
        MirrorStatus(
            name: name, role: .mirror, region: region, state: state, health: .ok,
            reasons: state == .down ? ["no report for 5m"] : [],
            sets: [
                MirrorSetStatus(
                    name: "iso", sequence: sequence, state: state, missingBytes: missing,
                    propagationSeconds: 3, badPaths: 0)
            ], overrides: overrides)
    }

    private static func status(_ mirrors: [MirrorStatus], _ problems: [Problem] = []) -> FleetStatus {
        FleetStatus(fleet: "sample", sets: [], mirrors: mirrors, problems: problems)
    }

    @Test("Only mirrors that are heard of and serve the release, or a later one, whole, count as replicas")
    func replicas() {
        let status = Self.status([
            Self.mirror("m1", "eu", .inSync, sequence: 4), Self.mirror("m2", "us", .inSync, sequence: 5),
            Self.mirror("m3", "eu", .syncing, sequence: 3), Self.mirror("m4", "eu", .down, sequence: 4),
            Self.mirror("m5", "eu", .failing, sequence: 4, missing: 7),
            Self.mirror("m6", "eu", .unknown, sequence: nil),
        ])
        let names = ["m1", "m2", "m3", "m4", "m5", "m6"]
        let all = Replication(of: 4, set: "iso", wanted: 2, carriers: names, regions: [], in: status)
        #expect(all.mirrors.filter(\.holds).map(\.name) == ["m1", "m2"] && all.isReached)
        #expect(all.mirrors.map(\.reason) == [nil, nil, "syncing", "no report for 5m", "failing", "unknown"])
        let some = Replication(of: 4, set: "iso", wanted: 2, carriers: ["m1", "m3"], regions: ["eu"], in: status)
        #expect(some.held == 1 && !some.isReached && some.mirrors.map(\.name) == ["m1", "m3"])
        #expect(some.text.hasSuffix("1 mirrors hold it, 2 are wanted in eu"))
    }

    @Test("A link's rates are those that each end measures, and scores those of the host that asks")
    func peers() {
        let mirrors = [
            Self.report(
                "m1",
                [
                    SwarmReport(
                        set: "iso", release: "aa", role: .mirror,
                        peers: [
                            .init(name: "origin", receiving: 7_000, requests: 1), .init(name: "m2", isPausing: true),
                        ])
                ], [SourceStanding(name: "m2", score: 400, offences: 0)]),
            Self.report(
                "m2",
                [SwarmReport(set: "iso", release: "aa", role: .mirror, peers: [.init(name: "m1", receiving: 9_000)])]),
            Self.report(
                "origin",
                [
                    SwarmReport(
                        set: "iso", release: "aa", role: .origin, peers: [.init(name: "m1")], leasedBytes: 50,
                        again: ["gone": 1])
                ]),
        ]
        let table = PeerTable(mirrors, fleet: Self.fleet, set: nil)
        #expect(table.swarms.count == 1 && table.swarms[0].leasedBytes == 50)
        let links = table.swarms[0].links
        #expect(links.map { "\($0.mirror)-\($0.peer)" } == ["m1-m2", "m1-origin", "m2-m1", "origin-m1"])
        #expect(links[0].sending == 9_000 && links[0].receiving == nil && links[0].score == 400 && links[0].isPausing)
        #expect(links[1].receiving == 7_000 && links[1].score == 1_000)
        #expect(links[3].sending == 7_000 && links[3].role == "origin")
        #expect(links[0].region == "eu" && links[0].peerRegion == "us")
        #expect(PeerTable(mirrors, fleet: Self.fleet, set: "debian").swarms.isEmpty)
        #expect(table.text.contains("pausing") && table.text.contains("CUT OFF UNTIL"))
    }

    @Test("An explanation says who has what against a mirror, and what to do about it")
    func explanation() throws {
        let paused = HostOverride(mirror: "m1", kind: .paused, by: "alice", since: 0, reason: "disks")
        let status = Self.status(
            [Self.mirror("m1", "eu", .paused, sequence: 3, overrides: [paused])],
            [Problem(code: "x", mirror: "m1", message: "m1 has a problem", hint: "do that")])
        let reports = [
            Self.report("m1", [], [SourceStanding(name: "m3", score: 900, offences: 0)]),
            Self.report("m2", [], [SourceStanding(name: "m1", score: 300, offences: 0)]),
            Self.report("m3", [], [SourceStanding(name: "m1", score: 0, offences: 2, cutOffUntil: 60)]),
        ]
        let found = try #require(MirrorExplanation(of: "m1", status, reports))
        #expect(found.opinions.map(\.by) == ["m3", "m2"] && found.distrusted.map(\.name) == ["m3"])
        #expect(found.remedies == ["mirror resume m1", "verify m1", "mirror pardon m1", "do that"])
        let text = found.text(command: "fleetctl -f f")
        for line in [
            "m1 paused by alice since 1970-01-01 00:00:00Z: disks",
            "m3 says  score 0 of 1000, wrong bytes 2x, asked for nothing until 1970-01-01 00:01:00Z",
            "  fleetctl -f f mirror pardon m1", "  do that",
        ] { #expect(text.contains(line), "\(text)") }
        #expect(MirrorExplanation(of: "m9", status, reports) == nil)
    }
}
