import CoordinatorService
import FleetAPI
import FleetModel
import Testing

@Suite("Inventory")
struct InventoryTests {
    private func inventory() -> Inventory { Inventory(fleet: sampleFleet(), namedSequences: 3) }

    private func take(_ inventory: inout Inventory, _ report: MirrorReport, signed: [UInt8] = [1], at: Int64) {
        inventory.take(report, signed: signed, receivedAt: at, named: inventory.firstNamed(by: report))
    }

    @Test("An older report is refused with the place of the last one")
    func olderReport() throws {
        var inventory = inventory()
        take(&inventory, sampleReport("m1", number: 5), at: 10)
        let error = #expect(throws: RequestError.self) {
            try inventory.isNews(sampleReport("m1", number: 4), signed: [2])
        }
        #expect(error?.refusal.code == RefusalCode.reportNotNewer)
        #expect(error?.refusal.lastReport == ReportPlace(startedAt: 1_000, number: 5))
    }

    @Test("The last report come again is no news and no error")
    func repeatedReport() throws {
        var inventory = inventory()
        let report = sampleReport("m1", number: 5)
        take(&inventory, report, signed: [9], at: 10)
        #expect(try !inventory.isNews(report, signed: [9]))
    }

    @Test("An agent that started later may begin its numbers again")
    func restartedAgent() throws {
        var inventory = inventory()
        take(&inventory, sampleReport("m1", number: 500), at: 10)
        #expect(try inventory.isNews(sampleReport("m1", number: 1, startedAt: 1_001), signed: [2]))
    }

    @Test("A release is first named once, at the time of that report")
    func firstNamed() {
        var inventory = inventory()
        take(&inventory, sampleReport("m1", number: 1, serving: [("debian", 7)]), at: 10)
        take(&inventory, sampleReport("m1", number: 2, serving: [("debian", 7)]), at: 20)
        #expect(inventory.observations.map(\.firstNamed) == [["debian": [7: 10]]])
        #expect(inventory.observations.map(\.receivedAt) == [20])
    }

    @Test("A sequence with another root than the release's does not name the release")
    func wrongRoot() {
        var inventory = inventory()
        inventory.register(sampleRelease("debian", 7))
        var report = sampleReport("m1", number: 1, serving: [("debian", 7)])
        report.sets[0].root = sampleRoot(8)
        #expect(inventory.firstNamed(by: report).isEmpty)
    }

    @Test("Only the newest first namings of a set are kept")
    func boundedNamings() {
        var inventory = inventory()
        for sequence in 1...5 as ClosedRange<UInt64> {
            take(
                &inventory, sampleReport("m1", number: sequence, serving: [("debian", sequence)]),
                at: Int64(sequence))
        }
        #expect(inventory.observations.map(\.firstNamed) == [["debian": [3: 3, 4: 4, 5: 5]]])
    }

    @Test("Only the origin is asked for releases, only of its sets, and only above the head")
    func wantedReleases() {
        var inventory = inventory()
        inventory.register(sampleRelease("iso", 4))
        let serving: [(set: String, sequence: UInt64)] = [("debian", 2), ("iso", 4), ("other", 1)]
        #expect(
            inventory.wanted(after: sampleReport("origin", number: 1, serving: serving))
                == [ReleaseName(set: "debian", sequence: 2)])
        #expect(inventory.wanted(after: sampleReport("m1", number: 1, serving: serving)).isEmpty)
    }

    @Test("A release below the head, or another one of its sequence, is refused; a gap and a repetition are not")
    func releaseOrder() throws {
        var inventory = inventory()
        inventory.register(sampleRelease("debian", 3, digest: "aa"))
        #expect(throws: RequestError.self) { try inventory.isNews(sampleRelease("debian", 2, digest: "bb")) }
        #expect(throws: RequestError.self) { try inventory.isNews(sampleRelease("debian", 3, digest: "bb")) }
        #expect(try !inventory.isNews(sampleRelease("debian", 3, digest: "aa")))
        #expect(try inventory.isNews(sampleRelease("debian", 9, digest: "bb")))
        #expect(try inventory.isNews(sampleRelease("iso", 1, digest: "cc")))
    }

    @Test("Assignments hold the mirror's own lines of a newer plan, and its neighbourhood unless it has that already")
    func assignments() {
        var inventory = inventory()
        inventory.register(sampleRelease("debian", 3))
        inventory.register(sampleRelease("iso", 4))
        let lines = [("m1", "debian"), ("m2", "debian"), ("m1", "iso")].map { mirror, set in
            PlanLine(mirror: mirror, set: set, action: .sync, reason: Reason(code: .behind, text: "behind"))
        }
        #expect(inventory.nextGeneration == Generation(term: 1, number: 1))
        inventory.adopt(Plan(generation: inventory.nextGeneration, createdAt: 5, lines: lines))
        let answer = inventory.assignments(of: "m2", after: nil)
        #expect(answer.lines.map(\.set) == ["debian"])
        let again = inventory.assignments(of: "m2", after: nil, neighbourhood: answer.neighbourhoodTag)
        #expect(answer.neighbourhood != nil && again.neighbourhood == nil)
        #expect(again.neighbourhoodTag == answer.neighbourhoodTag)
        #expect(inventory.assignments(of: "m2", after: nil, neighbourhood: "other") == answer)
        #expect(answer.generation == Generation(term: 1, number: 1))
        #expect(inventory.assignments(of: "m1", after: Generation(term: 1, number: 0)).lines.count == 2)
        #expect(inventory.assignments(of: "m1", after: nil).neighbourhoodTag != answer.neighbourhoodTag)
        #expect(inventory.assignments(of: "m1", after: Generation(term: 1, number: 1)).lines.isEmpty)
        #expect(inventory.nextGeneration == Generation(term: 1, number: 2))
        inventory.enter(term: 2, signed: [])
        #expect(inventory.nextGeneration == Generation(term: 2, number: 1))
    }
}
