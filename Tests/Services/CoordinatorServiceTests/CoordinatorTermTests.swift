import CoordinatorService
import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import Testing
import Trust

/// A coordinator whose state was lost, and the word of an operator that makes its plans count again.
@Suite("Terms")
struct CoordinatorTermTests {
    private let fleet: TestFleet
    private let origin: TestFleet.Host
    private let agent: TestFleet.Host
    private let person: TestFleet.Host

    init() throws {
        fleet = try TestFleet()
        origin = try fleet.host("origin", "origin")
        agent = try fleet.host("agent", "m1")
        person = try fleet.host("operator", "alice")
    }

    /// m1 reports that it follows `generation`.
    private func report(_ generation: Generation?, number: UInt64, _ address: NetworkAddress) async throws {
        var report = try fleet.report("m1", number: number)
        report.generation = generation
        _ = try await agent.client(fleet, address).submit(report: agent.sign(report))
    }

    private func signed(
        _ number: UInt64, by host: TestFleet.Host? = nil, fleet name: String = "lab",
        coordinator: String = "coordinator",
        at time: Int64 = Int64(time(nil))
    ) throws -> [UInt8] {
        let host = host ?? person
        // The strict reader wants a key that nobody else may read.
        chmod(host.key, 0o600)
        let credentials = try HostCredentials(
            certificatePath: host.certificate, keyPath: host.key, authorityPath: fleet.path("authority.crt"))
        let term = FleetTerm(fleet: name, number: number, coordinator: coordinator, signedAt: time)
        return try credentials.sign(term).encode()
    }

    private func expectRefusal(_ code: String, _ body: () async throws -> Void) async {
        let error = await #expect(throws: APIError.self) { try await body() }
        guard case .refused(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.code == code)
    }

    @Test("A coordinator without its plans makes none before an operator's word, and then above all that was followed")
    func lostPlans() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            #expect(try await client.term().isNeeded == false)
            try await report(Generation(term: 1, number: 17), number: 1, address)
            let answer = try await client.term()
            #expect(answer.isNeeded && answer.highest == Generation(term: 1, number: 17))
            #expect(answer.highestMirror == "m1" && answer.silent == ["m2", "origin"] && answer.next == 2)
            await expectRefusal(RefusalCode.termNeeded) { _ = try await client.makePlan(PlanOrder(refreshSeconds: 0)) }
            #expect(try await client.currentPlan() == nil)
            // A dry run shows what would be, and who would refuse it.
            let dry = try await client.makePlan(PlanOrder(dryRun: true, refreshSeconds: 0))
            #expect(dry.refusing == ["m1"])
            let term = try signed(2)
            #expect(try await client.declare(term: term).term == 2)
            #expect(try await client.declare(term: term).term == 2, "the same again changes nothing")
            let plan = try await client.makePlan(PlanOrder(refreshSeconds: 0))
            #expect(plan.plan.generation == Generation(term: 2, number: 1) && plan.refusing == [])
            let assignments = try await agent.client(fleet, address)
                .assignments(after: Generation(term: 1, number: 17), reports: nil, wait: .zero)
            #expect(assignments.term?.bytes == term)
            #expect(assignments.generation == Generation(term: 2, number: 1))
        }
        // It is kept.
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            #expect(try await client.term().term == 2)
            let next = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            #expect(next.generation == Generation(term: 2, number: 2))
            #expect(
                try await agent.client(fleet, address).assignments(after: nil, reports: nil, wait: .zero).term != nil)
        }
    }

    @Test("Before any mirror has reported, none is made: there may have been plans")
    func noReports() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            let error = await #expect(throws: APIError.self) {
                try await client.makePlan(PlanOrder(refreshSeconds: 0))
            }
            guard case .notNow(let refusal) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(refusal.code == RefusalCode.noReports && refusal.message.contains("no mirror has reported yet"))
            #expect(try await client.currentPlan() == nil)
            #expect(try await !client.makePlan(PlanOrder(dryRun: true, refreshSeconds: 0)).isKept)
            try await report(nil, number: 1, address)
            #expect(try await client.makePlan(PlanOrder(refreshSeconds: 0)).isKept)
        }
    }

    @Test("Only an operator's word for this coordinator, above all that is followed, begins a term")
    func refusals() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            try await report(Generation(term: 4, number: 1), number: 1, address)
            var damaged = try signed(5)
            damaged[damaged.count - 1] ^= 1
            let words: [(String, [UInt8])] = [
                ("an agent's", try signed(5, by: agent)), ("another fleet's", try signed(5, fleet: "other")),
                ("another coordinator's", try signed(5, coordinator: "second")), ("too low", try signed(4)),
                ("damaged", damaged), ("from before the certificate", try signed(5, at: 1_000)), ("nothing", []),
            ]
            for (what, word) in words {
                await expectRefusal(RefusalCode.termRefused) { _ = try await client.declare(term: word) }
                #expect(try await client.term().term == 1, "\(what)")
            }
            #expect(try await client.declare(term: signed(5)).term == 5)
            await #expect(throws: APIError.self) { try await agent.client(fleet, address).declare(term: signed(6)) }
        }
    }

    @Test("A mirror that claims more than others is warned of and stops nothing")
    func liar() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            try await report(nil, number: 1, address)
            let first = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            var honest = try fleet.report("origin", number: 1)
            honest.generation = first.generation
            _ = try await origin.client(fleet, address).submit(report: origin.sign(honest))
            try await report(Generation(term: .max, number: .max), number: 2, address)
            let second = try await client.makePlan(PlanOrder(refreshSeconds: 0))
            #expect(second.isKept && second.refusing == ["m1"])
            let answer = try await client.term()
            #expect(!answer.isNeeded && answer.next == nil)
        }
    }

    @Test("Assignments name the neighbours of the mirror that asks")
    func neighbours() async throws {
        try await withCoordinator(fleet) { address in
            let answer = try await agent.client(fleet, address).assignments(after: nil, reports: nil, wait: .zero)
            #expect(answer.term == nil)
            #expect(answer.neighbourhood?.sets == ["debian", "iso"])
            #expect(answer.neighbourhood?.neighbours.map(\.name) == ["m2", "origin"])
            let own = try await origin.client(fleet, address).assignments(after: nil, reports: nil, wait: .zero)
            #expect(own.neighbourhood?.sets == [])
        }
    }
}
