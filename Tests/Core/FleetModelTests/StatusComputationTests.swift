import FleetModel
import Testing

@Suite("Status is computed from what was seen, the first state that applies")
struct StatusComputationTests {
    @Test("A fleet whose mirrors serve the heads is in sync, and the origin is no replica")
    func inSync() {
        let status = SampleFleet.inSync.status
        #expect(status.mirrors.map(\.name) == ["origin", "m1", "m2"])
        #expect(status.mirrors.allSatisfy { $0.state == .inSync && $0.health == .ok && $0.reasons.isEmpty })
        #expect(status.sets.map(\.name) == ["debian", "iso"])
        #expect(status.sets.map(\.replicas) == [2, 2])
        #expect(status.sets.map { $0.head?.sequence } == [2, 1])
        #expect(status.problems.isEmpty)
        let debian = SampleFleet.inSync.set("debian", on: "m1")
        #expect(debian?.lagSeconds == 0)
        #expect(debian?.lagReleases == 0)
        #expect(debian?.propagationSeconds == 58)
        #expect(SampleFleet.inSync.mirror("m1")?.keyExchange == "X25519MLKEM768")
    }

    @Test("The order of releases, reports and mirrors changes nothing")
    func order() {
        var sample = SampleFleet.inSync
        let status = sample.status
        for _ in 0..<20 {
            sample.fleet.mirrors.shuffle()
            sample.fleet.sets.shuffle()
            sample.releases.shuffle()
            sample.inventory.shuffle()
            #expect(sample.status == status)
        }
    }

    @Test("A mirror that never reported is unknown")
    func unknown() {
        var sample = SampleFleet.inSync
        sample.inventory.removeAll { $0.report.mirror == "m1" }
        let mirror = sample.mirror("m1")
        #expect(mirror?.state == .unknown)
        #expect(mirror?.health == .unknown)
        #expect(mirror?.lastSeenSeconds == nil)
        #expect(mirror?.sets.map(\.state) == [.unknown, .unknown])
        #expect(mirror?.sets.map(\.lagSeconds) == [nil, nil])
        #expect(sample.status.sets.map(\.replicas) == [1, 1])
        #expect(sample.status.problems.map(\.code) == ["under-replicated", "unknown"])
    }

    @Test(
        "Three missed reports make a mirror stale, ten down",
        arguments: [(0, "in-sync"), (30, "in-sync"), (31, "stale"), (100, "stale"), (101, "down"), (5_000, "down")])
    func silence(age: Int64, state: String) {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 2), SampleFleet.set("iso", 1)], at: sample.now - age)
        #expect(sample.mirror("m1")?.state.rawValue == state)
        #expect(sample.mirror("m1")?.sets.map(\.state.rawValue) == [state, state])
        #expect(sample.mirror("m1")?.lastSeenSeconds == age)
        #expect(sample.mirror("m1")?.health == (state == "in-sync" ? .ok : state == "stale" ? .degraded : .failing))
        #expect(sample.status.sets.first?.replicas == (state == "in-sync" ? 2 : 1))
    }

    @Test("A report from the future is as good as one of now")
    func clockMovedBack() {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 2), SampleFleet.set("iso", 1)], at: sample.now + 500)
        #expect(sample.mirror("m1")?.state == .inSync)
        #expect(sample.mirror("m1")?.lastSeenSeconds == 0)
    }

    @Test("Paused and drained stand above everything else, and health still tells")
    func overrides() throws {
        var sample = SampleFleet.inSync
        sample.inventory.removeAll { $0.report.mirror == "m1" }
        sample.fleet.mirrors[0].override = .paused
        sample.fleet.mirrors[1].override = .drained
        sample.see("m2", [SampleFleet.set("debian", 2)], at: 0)
        #expect(sample.mirror("m1")?.state == .drained)
        #expect(sample.mirror("m1")?.health == .unknown)
        #expect(sample.mirror("m2")?.state == .paused)
        #expect(sample.mirror("m2")?.health == .failing)
        #expect(sample.mirror("m2")?.sets.map(\.state) == [.paused, .paused])
        let codes = Set(sample.status.problems.map(\.code))
        #expect(codes == ["under-replicated"])
    }

    @Test("A drained mirror's copy is still a copy")
    func drainedCopy() {
        var sample = SampleFleet.inSync
        sample.fleet.mirrors[0].override = .drained
        #expect(sample.status.sets.map(\.replicas) == [2, 2])
    }

    @Test("Behind for less than max_lag is in sync, for longer it is lagging; lag tells either way")
    func lagging() {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 1), SampleFleet.set("iso", 1)])
        sample.now = 960
        sample.inventory[2].receivedAt = 960
        #expect(sample.set("debian", on: "m1")?.state == .inSync)
        #expect(sample.set("debian", on: "m1")?.lagSeconds == 60)
        #expect(sample.set("debian", on: "m1")?.lagReleases == 1)
        #expect(sample.status.sets.first?.replicas == 1)
        #expect(sample.status.sets.first?.replicasCurrent == 2)
        sample.now = 961
        #expect(sample.set("debian", on: "m1")?.state == .lagging)
        #expect(sample.set("iso", on: "m1")?.state == .inSync)
        #expect(sample.mirror("m1")?.state == .lagging)
        #expect(sample.mirror("m1")?.health == .degraded)
        #expect(sample.status.sets.first?.replicasCurrent == 1)
    }

    @Test("Lag counts from the first release that a mirror does not have, however often new ones come")
    func stuck() {
        var sample = SampleFleet.inSync
        sample.releases += (3...20).map { SampleFleet.release("debian", $0, at: 900 + Int64($0) * 5) }
        sample.see("m1", [SampleFleet.set("debian", 1), SampleFleet.set("iso", 1)])
        #expect(sample.set("debian", on: "m1")?.lagReleases == 19)
        #expect(sample.set("debian", on: "m1")?.lagSeconds == 100)
        sample.see("m1", [SampleFleet.set("iso", 1)])
        #expect(sample.set("debian", on: "m1")?.lagReleases == 20)
        #expect(sample.set("debian", on: "m1")?.lagSeconds == 500)
        #expect(sample.set("debian", on: "m1")?.sequence == nil)
    }

    @Test("A mirror that fetches is syncing, above lagging and below failing")
    func syncing() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 1)
        debian.activity = .syncing
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .syncing)
        debian.badPaths = [BadPathReport(path: "a", blob: "00", reason: "digest differs", bytes: 5)]
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
    }

    @Test("A bad path makes a mirror failing, is named, and its copy is none")
    func badPath() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 2)
        debian.badPaths = [BadPathReport(path: "pool/x.deb", blob: "00", reason: "digest differs", bytes: 5)]
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
        #expect(sample.mirror("m1")?.health == .failing)
        #expect(sample.mirror("m1")?.reasons == ["debian: 1 bad path, 5 B to refetch"])
        #expect(sample.set("debian", on: "m1")?.badPaths == 1)
        #expect(sample.set("iso", on: "m1")?.state == .inSync)
        #expect(sample.status.sets.map(\.replicas) == [1, 2])
        let problem = sample.status.problems.first { $0.code == "bad-path" }
        #expect(problem?.path == "pool/x.deb")
        #expect(problem?.mirror == "m1")
        #expect(problem?.hint == "fleetctl sync debian --mirror m1 --wait")
    }

    @Test("Thousands of bad paths do not flood the list of problems")
    func manyBadPaths() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 2)
        debian.badPaths = (0..<1_000).map { BadPathReport(path: "p\($0)", blob: "00", reason: "x", bytes: .max / 2) }
        sample.see("m1", [debian])
        let paths = sample.status.problems.filter { $0.code == "bad-path" }
        #expect(paths.count == 20)
        #expect(sample.status.problems.contains { $0.code == "bad-paths" && $0.message.contains("1000 bad paths") })
    }

    @Test("A root that is not the release's makes a mirror failing")
    func wrongRoot() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 2)
        debian.root = "ffff"
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
        #expect(sample.set("debian", on: "m1")?.root == "ffff")
        debian.root = nil
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
        debian = SampleFleet.set("debian", 2)
        debian.release = "another document with the same tree"
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
    }

    @Test("A link that was moved by hand shows: to nothing known, or to an older release")
    func movedLink() {
        var sample = SampleFleet.inSync
        let named: [String: [UInt64: Int64]] = ["debian": [1: 510, 2: 910]]
        sample.see("m1", [SampleFleet.set("debian", nil), SampleFleet.set("iso", 1)], named: named)
        #expect(sample.mirror("m1")?.state == .failing)
        sample.see("m1", [SampleFleet.set("debian", 1), SampleFleet.set("iso", 1)], named: named)
        #expect(sample.mirror("m1")?.state == .failing)
        #expect(
            sample.mirror("m1")?.reasons.first == "debian: its served link names release 1, it was 2 before")
        #expect(sample.set("debian", on: "m1")?.sequence == 1)
    }

    @Test("Two failed syncs degrade a mirror, three make it failing, a final one at once")
    func failedSyncs() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 1)
        debian.lastFailure = "origin hung up"
        debian.failedAttempts = 2
        sample.see("m1", [debian, SampleFleet.set("iso", 1)], at: 900)
        sample.now = 920
        #expect(sample.mirror("m1")?.state == .inSync)
        #expect(sample.mirror("m1")?.health == .degraded)
        debian.failedAttempts = 3
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
        // The tree that it serves is whole and recent enough.
        #expect(sample.status.sets.first?.replicasCurrent == 2)
        debian.failedAttempts = 1
        debian.isFailureFinal = true
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .failing)
    }

    @Test("A set without a release has no head and counts for nothing")
    func noRelease() {
        var sample = SampleFleet.inSync
        sample.releases.removeAll { $0.set == "iso" }
        var iso = SampleFleet.set("iso", nil)
        iso.lastFailure = "strange"
        iso.isFailureFinal = true
        sample.see("m1", [SampleFleet.set("debian", 2), iso])
        let status = sample.status
        #expect(status.sets.map { $0.head == nil } == [false, true])
        #expect(sample.mirror("m1")?.state == .inSync)
        #expect(sample.mirror("m1")?.health == .ok)
        #expect(sample.set("iso", on: "m1")?.lagSeconds == nil)
        #expect(CheckLine.render(status).exitCode == 0)
    }

    @Test("A release that the coordinator does not know is a problem and no failure")
    func ahead() {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 9), SampleFleet.set("iso", 1)])
        #expect(sample.mirror("m1")?.state == .inSync)
        #expect(sample.set("debian", on: "m1")?.lagReleases == 0)
        #expect(sample.status.problems.map(\.code) == ["unregistered-release"])
    }

    @Test("Problems of a report are passed on with the mirror's own name")
    func reportedProblems() {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 2), SampleFleet.set("iso", 1)]) { report in
            report.problems = [Problem(code: "wrong-bytes", mirror: "m2", message: "m2 sent wrong bytes")]
        }
        #expect(sample.status.problems.map(\.mirror) == ["m1"])
        #expect(sample.mirror("m1")?.health == .degraded)
    }

    @Test("A mirror that has not said that it took out what was yanked is a problem, also a paused one")
    func pendingYanks() throws {
        let sample = SampleFleet.inSync
        func problems(_ yanked: String?) -> [Problem] {
            StatusComputation.status(
                fleet: sample.fleet, releases: sample.releases, inventory: sample.inventory,
                trust: ["debian": SetTrust(threshold: 1, keys: 1, yanked: yanked)], now: sample.now
            ).problems
        }
        #expect(problems(nil).isEmpty)
        #expect(problems("aa").map(\.code) == ["yank-pending", "yank-pending", "yank-pending"])
        #expect(problems("aa").compactMap(\.mirror) == ["m1", "m2", "origin"])
    }
}

@Suite("How often the origin sent a release")
struct OriginShareTests {
    @Test("It is what the origin sent to all, over what the mirror that received most received")
    func share() {
        let share = OriginShare(
            origin: "o", received: [["o": 60, "m2": 40], ["o": 30, "m1": 50], ["m1": 10]])
        #expect(share.bytes == 90 && share.copies == 0.9)
        #expect(OriginShare(origin: "o", received: []).copies == nil)
        #expect(OriginShare(origin: "o", received: [[:]]).copies == nil)
    }

    @Test("A status has it of the head alone, while mirrors fetch it and after")
    func status() {
        var sample = SampleFleet.inSync
        var fetching = SampleFleet.set("debian", 1)
        fetching.activity = .syncing
        fetching.progress = SyncProgress(sequence: 2, phase: "chunks", bytesBySource: ["origin": 50, "m2": 50])
        sample.see("m1", [fetching, SampleFleet.set("iso", 1)])
        var done = SampleFleet.set("debian", 2)
        done.lastSync = SyncSummary(sequence: 2, seconds: 1, bytesBySource: ["origin": 60, "m1": 40])
        var older = SampleFleet.set("iso", 1)
        older.lastSync = SyncSummary(sequence: 0, seconds: 1, bytesBySource: ["origin": 9])
        sample.see("m2", [done, older])
        let sets = sample.status.sets
        #expect(sets[0].originBytes == 110 && sets[0].originCopies == 1.1)
        #expect(sets[1].originBytes == 0 && sets[1].originCopies == nil)
        #expect(StatusTable.render(sample.status).contains("1.10x"))
    }
}
