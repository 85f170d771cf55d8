import FleetModel
import Testing

@Suite("Lines of a plan")
struct PlanLineTests {
    private let line = PlanLine(
        mirror: "m1", set: "debian", action: .sync, sequence: 2, release: "digest-2",
        reason: Reason(code: .behind, text: "behind"))

    @Test("A line is fulfilled by a report of that very release at rest, and by nothing less")
    func fulfilled() {
        let done = SetReport(name: "debian", sequence: 2, release: "digest-2")
        #expect(line.isFulfilled(by: done))
        let less: [(inout SetReport) -> Void] = [
            { $0.sequence = 1 }, { $0.sequence = nil }, { $0.release = "digest-1" }, { $0.release = nil },
            { $0.activity = .syncing }, { $0.missingBytes = 1 }, { $0.lastFailure = "no source" },
            { $0.badPaths = [BadPathReport(path: "a", blob: "00", reason: "digest differs", bytes: 1)] },
        ]
        for change in less {
            var report = done
            change(&report)
            #expect(!line.isFulfilled(by: report), "\(report)")
        }
        var idle = line
        idle.action = .none
        #expect(idle.isFulfilled(by: SetReport(name: "debian")))
    }
}
