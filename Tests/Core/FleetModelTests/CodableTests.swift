import FleetModel
import FoundationEssentials
import Testing

@Suite("The JSON of the model is what the reference says, and stays so")
struct CodableTests {
    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func roundTrip<Value: Codable & Equatable>(_ value: Value) throws {
        #expect(try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value)) == value)
    }

    @Test("A status without releases writes every key, and null for what there is not")
    func emptyStatus() throws {
        var sample = SampleFleet()
        sample.fleet.sets.removeLast()
        sample.fleet.mirrors = [SampleFleet.policy("m1", 3)]
        sample.fleet.mirrors[0].sets = ["debian"]
        #expect(
            try json(sample.status)
                == #"{"fleet":"sample","generatedAt":1000,"mirrors":[{"agentVersion":null,"disk":null,"generation":null,"#
                + #""health":"unknown","keyExchange":null,"lastSeenSeconds":null,"name":"m1","overrides":[],"reasons":["never reported"],"#
                + #""region":"eu","reportNumber":null,"role":"mirror","sets":[{"activity":null,"badPaths":0,"lagReleases":null,"#
                + #""lagSeconds":null,"lastSync":null,"missingBytes":0,"name":"debian","progress":null,"#
                + #""propagationSeconds":null,"root":null,"sequence":null,"state":"unknown","verifiedAt":null}],"#
                + #""state":"unknown"}],"problems":[{"code":"unknown","hint":"see on m1 whether fleet-agent runs and what its log says","#
                + #""message":"m1 never reported","mirror":"m1"}],"#
                + #""sets":[{"head":null,"name":"debian","originBytes":0,"originCopies":null,"replicas":0,"replicasCurrent":0,"replicasWanted":2,"#
                + #""trust":{"keys":2,"threshold":1,"yanked":null}}],"version":1}"#
        )
    }

    @Test("A head and a mirror that serves it have the keys of the reference")
    func status() throws {
        let text = try json(SampleFleet.inSync.status)
        #expect(
            text.contains(
                #"{"head":{"bytes":1000000,"digest":"digest-debian-2","files":10,"publishedAt":895,"registeredAt":900,"#
                    + #""root":"root-debian-2","sequence":2},"name":"debian","originBytes":0,"originCopies":null,"replicas":2,"replicasCurrent":2,"replicasWanted":2,"#
                    + #""trust":{"keys":2,"threshold":1,"yanked":null}}"#
            ))
        #expect(
            text.contains(
                #"{"activity":"idle","badPaths":0,"lagReleases":0,"lagSeconds":0,"lastSync":null,"missingBytes":0,"#
                    + #""name":"debian","progress":null,"propagationSeconds":58,"root":"root-debian-2","sequence":2,"#
                    + #""state":"in-sync","verifiedAt":900}"#))
    }

    @Test("Everything comes back as it went")
    func roundTrips() throws {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 1)
        debian.activity = .syncing
        debian.progress = SyncProgress(
            sequence: 2, phase: "chunks", bytesTotal: 10, bytesDone: 5, bytesPerSecond: 2.5,
            bytesBySource: ["origin": 5])
        debian.lastSync = SyncSummary(
            sequence: 1, seconds: 1.5, bytesBySource: ["origin": 7, "m2": 9], chunksFetched: 3, chunksReused: 4,
            roundTrips: 5, retimed: RetimedFiles(files: 6, bytes: 7), failure: "x")
        debian.badPaths = [BadPathReport(path: "a\\xff", blob: "00", reason: "digest differs", bytes: 3)]
        debian.lastFailure = "y"
        debian.failedAttempts = 4
        sample.see("m1", [debian, SampleFleet.set("iso", nil)]) { report in
            report.generation = Generation(term: 1, number: 17)
            report.startedAt = 5
            report.swarms = [
                SwarmReport(
                    set: "debian", release: "aa", role: .origin,
                    peers: [.init(name: "m2", receiving: 3, requests: 1, isPausing: true)], leasedBytes: 4,
                    again: ["gone": 1])
            ]
            report.standings = [SourceStanding(name: "m2", score: 1, offences: 2, cutOffUntil: 3)]
            report.problems = [Problem(code: "c", set: "debian", path: "p", message: "m", hint: "h")]
        }
        sample.fleet.mirrors[0].override = .paused
        sample.fleet.swarm = SwarmPolicy(
            originCopies: 2, choose: SourceWeights(region: 3), sharing: SharingLimits(uploadSlots: 4),
            setSlots: ["debian": 5])
        sample.fleet.mirrors[1].diskReserve = .percent(5)
        sample.fleet.operatorAccess = OperatorAccess(certificatePath: "c", keyPath: "k", authorityPath: "a")
        try roundTrip(sample.fleet)
        try roundTrip(sample.status)
        for observation in sample.inventory { try roundTrip(observation.report) }
        for release in sample.releases { try roundTrip(release) }
        let line = PlanLine(
            mirror: "m1", set: "debian", action: .sync, sequence: 2, release: "d", root: "r", bytes: 7,
            sources: [PlanSource(name: "m2", address: NetworkAddress(host: "::1", port: 1), sequence: 2)],
            leftOut: [LeftOutSource(name: "origin", reason: Reason(code: .down, text: "t"))],
            reason: Reason(code: .behind, text: "t"))
        let generation = Generation(term: 1, number: 2)
        try roundTrip(Plan(generation: generation, parent: nil, createdAt: 9, lines: [line]))
        try roundTrip(Plan(generation: generation, parent: Generation(term: 1, number: 1), createdAt: 9))
        #expect(try json(line.sources) == #"[{"address":"[::1]:1","name":"m2","sequence":2}]"#)
        #expect(try json(line.reason) == #"{"code":"behind","text":"t"}"#)
        try roundTrip(
            AgentSettings(
                fleet: "f", name: "m1", role: .mirror, dataPath: "/srv", listen: NetworkAddress(host: "::", port: 0),
                coordinators: [NetworkAddress(host: "c", port: 1)], certificatePath: "c", keyPath: "k",
                authorityPath: "a", trust: AgentTrustSettings(rootPath: "r", onlineKeyPath: "o")))
    }

    @Test("A report of an older agent, without the keys that came later, is still read")
    func olderReport() throws {
        let text = #"""
            {"version":1,"mirror":"m1","number":1,"agentVersion":"0.1","disk":{"totalBytes":1,"freeBytes":1,"storeBytes":0},
             "sets":[{"name":"debian","sequence":3,"root":"aa"}],"futureKey":{"x":1}}
            """#
        let report = try JSONDecoder().decode(MirrorReport.self, from: Data(text.utf8))
        #expect(report.set(named: "debian")?.sequence == 3)
        #expect(report.set(named: "debian")?.activity == .idle)
        #expect(report.problems.isEmpty)
    }

    @Test("A plan with a reason that this program does not know is still read")
    func newerPlan() throws {
        let text = #"{"mirror":"m1","set":"s","action":"none","reason":{"code":"eclipse","text":"t"}}"#
        let line = try JSONDecoder().decode(PlanLine.self, from: Data(text.utf8))
        #expect(line.reason.code == ReasonCode(rawValue: "eclipse"))
    }

    @Test("States have the names of the reference, in its order")
    func states() {
        #expect(
            MirrorState.allCases.sorted().map(\.rawValue) == [
                "paused", "drained", "unknown", "down", "stale", "failing", "syncing", "lagging", "in-sync",
            ])
    }
}
