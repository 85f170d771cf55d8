import FleetModel
import Testing

@Suite("The check line speaks as monitoring plugins do")
struct CheckLineTests {
    private func check(_ sample: SampleFleet, _ limits: CheckLimits = CheckLimits()) -> CheckLine {
        let line = CheckLine.render(sample.status, limits: limits)
        let text = line.line.split(separator: "|")[0]
        #expect(text.count <= 80)
        #expect(!line.line.contains("\n"))
        return line
    }

    @Test("All is well")
    func ok() {
        let line = check(SampleFleet.inSync)
        #expect(line.exitCode == 0)
        #expect(
            line.line
                == "FLEET OK - 2/2 mirrors in sync, 2 sets"
                + "|lag_max=0s;;;0 mirrors_ok=2;2:;;0;2 replicas_min=2;;2:;0 problems=0;;;0")
    }

    @Test("A fleet without releases is well, too")
    func noRelease() {
        var sample = SampleFleet.inSync
        sample.releases = []
        for name in ["origin", "m1", "m2"] { sample.see(name, []) }
        #expect(check(sample).line.hasPrefix("FLEET OK - 2/2 mirrors in sync, no set has a release|"))
    }

    @Test("A silent mirror is a warning as long as there are enough copies")
    func warning() {
        var sample = SampleFleet.inSync
        sample.fleet.sets[0].replicas = 1
        sample.see("m1", [SampleFleet.set("debian", 2), SampleFleet.set("iso", 1)], at: 0)
        let line = check(sample)
        #expect(line.exitCode == 1)
        #expect(line.line.hasPrefix("FLEET WARNING - 1/2 mirrors in sync, m1 down|"))
    }

    @Test("Too few copies are critical, and the reason comes first")
    func critical() {
        var sample = SampleFleet.inSync
        var debian = SampleFleet.set("debian", 2)
        debian.badPaths = [BadPathReport(path: "a", blob: "00", reason: "digest differs", bytes: 5)]
        sample.see("m1", [debian, SampleFleet.set("iso", 1)])
        let line = check(sample)
        #expect(line.exitCode == 2)
        #expect(
            line.line.hasPrefix(
                "FLEET CRITICAL - debian 1/2 copies, 1/2 mirrors in sync, m1 failing (1 bad path)|"))
        #expect(line.line.contains(" replicas_min=1;;2:;0 "))
    }

    @Test("A release that is still on its way is no alarm, one that is late is")
    func propagation() {
        var sample = SampleFleet.inSync
        for name in ["m1", "m2"] { sample.see(name, [SampleFleet.set("debian", 1), SampleFleet.set("iso", 1)]) }
        sample.now = 950
        #expect(check(sample).exitCode == 0)
        sample.now = 1_020
        #expect(check(sample).exitCode == 2)
        #expect(check(sample).line.contains("m1 lag 2m"))
    }

    @Test("Paused and drained mirrors alarm nobody")
    func drained() {
        var sample = SampleFleet.inSync
        sample.fleet.sets[0].replicas = 1
        sample.fleet.mirrors[0].override = .drained
        sample.inventory.removeAll { $0.report.mirror == "m2" }
        let line = check(sample)
        #expect(line.exitCode == 0)
        #expect(line.line.hasPrefix("FLEET OK - 1/1 mirrors in sync"))
    }

    @Test("Nobody reported yet is unknown, and so is a fleet without hosts")
    func unknown() {
        var sample = SampleFleet.inSync
        sample.inventory = []
        #expect(check(sample).exitCode == 3)
        sample.fleet.mirrors = []
        #expect(check(sample).exitCode == 3)
        let line = CheckLine.unknown(
            "coordinator | at 127.0.1.1:7443\nis not reachable " + String(repeating: "x", count: 99))
        #expect(line.exitCode == 3)
        #expect(line.line.count == 80)
        #expect(line.line.hasPrefix("FLEET UNKNOWN - coordinator   at 127.0.1.1:7443 is not reachable xxx"))
    }

    @Test("When every mirror is down nobody has to read further")
    func allDown() {
        var sample = SampleFleet.inSync
        sample.now = 9_000
        let line = check(sample)
        #expect(line.exitCode == 2)
        #expect(line.line.contains("no mirror works"))
    }

    @Test("An origin that is down is a warning: the copies go on serving")
    func origin() {
        var sample = SampleFleet.inSync
        sample.see("origin", [SampleFleet.set("debian", 2), SampleFleet.set("iso", 1)], at: 0)
        #expect(check(sample).exitCode == 1)
        #expect(check(sample).line.hasPrefix("FLEET WARNING - 2/2 mirrors in sync, origin down|"))
    }

    @Test("Limits given on the command line are tried and shown")
    func limits() {
        var sample = SampleFleet.inSync
        sample.see("m1", [SampleFleet.set("debian", 1), SampleFleet.set("iso", 1)])
        sample.now = 950
        let warning = check(sample, CheckLimits(warningLagSeconds: 30, criticalLagSeconds: 120))
        #expect(warning.exitCode == 1)
        #expect(warning.line.contains("|lag_max=50s;30;120;0 "))
        #expect(check(sample, CheckLimits(criticalLagSeconds: 49)).exitCode == 2)
        #expect(check(sample, CheckLimits(warningLagSeconds: 50)).exitCode == 0)
    }

    @Test("What does not fit is counted")
    func long() {
        var sample = SampleFleet.inSync
        for index in 0..<30 {
            sample.fleet.mirrors.append(SampleFleet.policy("mirror-with-a-name-\(index)", 10 + index))
        }
        let line = check(sample)
        #expect(line.exitCode == 1)
        #expect(line.line.hasPrefix("FLEET WARNING - 2/32 mirrors in sync, "))
        #expect(line.line.split(separator: "|")[0].hasSuffix(" more"))
    }
}
