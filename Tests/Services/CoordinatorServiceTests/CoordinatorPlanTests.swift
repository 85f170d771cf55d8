import CoordinatorService
import FleetAPI
import FleetModel
import Logging
import Testing
import Trust

@Suite("Plans, long polls and restarts")
struct CoordinatorPlanTests {
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

    /// Registers release `sequence` of debian, served by the origin; `m1` serves nothing.
    private func publish(_ sequence: UInt64, _ address: NetworkAddress) async throws {
        let release = try fleet.release("debian", sequence)
        let client = try origin.client(fleet, address)
        _ = try await client.register(release)
        _ = try await client.submit(
            report: origin.sign(fleet.report("origin", number: sequence, serving: [release])))
        _ = try await agent.client(fleet, address).submit(report: agent.sign(fleet.report("m1", number: sequence)))
    }

    @Test("A plan gives a mirror behind the head its line, and wakes its long poll")
    func pollWakesOnPlan() async throws {
        try await withCoordinator(fleet) { address in
            try await publish(1, address)
            let client = try agent.client(fleet, address)
            let before = try await client.assignments(after: nil, reports: nil, wait: .zero)
            #expect(before.generation == nil)
            async let poll = client.assignments(after: nil, reports: before.reportNow, wait: .seconds(60))
            let answer = try await person.client(fleet, address).makePlan(PlanOrder(refreshSeconds: 0))
            #expect(answer.isKept)
            #expect(answer.plan.generation == Generation(term: 1, number: 1))
            let woken = try await poll
            #expect(woken.generation == answer.plan.generation)
            #expect(woken.lines == answer.plan.lines(of: "m1").filter { $0.set == "debian" })
            #expect(woken.idle == ["iso"])
            #expect(woken.lines.contains { $0.set == "debian" && $0.action == .sync && $0.sequence == 1 })
            let later = try await client.assignments(
                after: woken.generation, reports: woken.reportNow, wait: .zero)
            #expect(later.lines.isEmpty)
        }
    }

    @Test("An order calls mirrors that poll for fresh reports, and plans once they came")
    func freshReports() async throws {
        try await withCoordinator(fleet) { address in
            try await publish(1, address)
            let client = try agent.client(fleet, address)
            let first = try await client.assignments(after: nil, reports: nil, wait: .zero)
            async let order = person.client(fleet, address).makePlan(PlanOrder(refreshSeconds: 30))
            let called = try await client.assignments(after: nil, reports: first.reportNow, wait: .seconds(60))
            #expect(called.reportNow != first.reportNow)
            let release = try fleet.release("debian", 1)
            _ = try await client.submit(
                report: agent.sign(fleet.report("m1", number: 2, serving: [release])))
            let answer = try await order
            #expect(!answer.unanswered.contains("m1"))
            #expect(answer.unanswered.contains("m2"))
            let line = answer.plan.lines(of: "m1").first { $0.set == "debian" }
            #expect(line?.action == PlanAction.none)
        }
    }

    @Test("Plans follow each other by number and parent, and a dry run leaves no trace")
    func parents() async throws {
        try await withCoordinator(fleet) { address in
            try await publish(1, address)
            let client = try person.client(fleet, address)
            #expect(try await client.currentPlan() == nil)
            let dry = try await client.makePlan(PlanOrder(dryRun: true, refreshSeconds: 0))
            #expect(!dry.isKept)
            #expect(dry.plan.hasWork)
            #expect(try await client.currentPlan() == nil)
            let first = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            #expect(first.parent == nil)
            #expect(first.generation == dry.plan.generation)
            let second = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            #expect(second.parent == first.generation)
            #expect(second.generation > first.generation)
            #expect(try await client.currentPlan() == second)
            #expect(try await client.plan(first.generation) == first)
            #expect(try await client.plan(Generation(term: 9, number: 9)) == nil)
        }
    }

    @Test("An order for a set or mirror that is not there is refused with the names that are")
    func unknownNames() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            for order in [PlanOrder(sets: ["debain"]), PlanOrder(mirrors: ["m7"])] {
                do {
                    _ = try await client.makePlan(order)
                    Issue.record("a plan was made for \(order)")
                } catch APIError.refused(let refusal) {
                    #expect(refusal.hint?.contains(order.sets == nil ? "m1" : "debian") == true)
                }
            }
        }
    }

    @Test("A restart keeps releases, reports with their times, plans and the call counter")
    func restart() async throws {
        let clock = TestClock(20_000)
        let (before, reports, status) = try await withCoordinator(fleet, clock: clock) { address in
            try await publish(1, address)
            let client = try person.client(fleet, address)
            let plan = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            _ = try await client.makePlan(PlanOrder(dryRun: true, refreshSeconds: 1))
            return (plan, try await client.reports(), try await client.status().status)
        }
        try await withCoordinator(fleet, clock: clock) { address in
            let client = try person.client(fleet, address)
            #expect(try await client.currentPlan() == before)
            #expect(try await client.reports() == reports)
            #expect(try await client.status().status == status)
            let answer = try await agent.client(fleet, address).assignments(after: nil, reports: 0, wait: .zero)
            #expect(answer.generation == before.generation)
            #expect(answer.lines == before.lines(of: "m1").filter { $0.action != .none })
            #expect(answer.reportNow == 1)
            let next = try await client.makePlan(PlanOrder(refreshSeconds: 0)).plan
            #expect(next.parent == before.generation)
            let older = try agent.sign(fleet.report("m1", number: 1, serving: [fleet.release("debian", 1)]))
            await #expect(throws: APIError.self) { try await agent.client(fleet, address).submit(report: older) }
        }
    }

    @Test("Following the status waits for a change and no longer")
    func statusPoll() async throws {
        try await withCoordinator(fleet) { address in
            let client = try person.client(fleet, address)
            let first = try await client.status()
            #expect(first.status.mirrors.allSatisfy { $0.state == .unknown })
            async let next = client.status(after: first.change, wait: .seconds(60))
            _ = try await agent.client(fleet, address).submit(report: agent.sign(fleet.report("m1", number: 1)))
            let changed = try await next
            #expect(changed.change != first.change)
            let mirror = try #require(changed.status.mirrors.first { $0.name == "m1" })
            #expect(mirror.lastSeenSeconds == 0)
            #expect(try await client.status(after: 1, wait: .seconds(60)).change == changed.change)
        }
    }

    @Test("A shutdown answers open long polls at once", .timeLimit(.minutes(5)))
    func shutdown() async throws {
        let (ends, source) = AsyncStream.makeStream(of: Bool.self)
        // Polls that nothing else would end before tomorrow: that the second is answered is the shutdown's doing.
        let wait = Duration.seconds(86_400)
        var limits = CoordinatorLimits()
        limits.longestWait = wait
        try await withCoordinator(fleet, limits: limits) { address in
            let client = try agent.client(fleet, address)
            let first = try await client.assignments(after: nil, reports: nil, wait: .zero)
            for _ in 0..<2 {
                Task {
                    let answer = try? await client.assignments(after: nil, reports: first.reportNow, wait: wait)
                    source.yield(answer != nil)
                }
            }
            // A second poll of a mirror ends its first: once one is answered, the other is known to be open.
            #expect(await ends.first { _ in true } == true)
        }
        #expect(await ends.first { _ in true } == true)
    }

    @Test("A second coordinator on the same state, and a state of another fleet, are refused")
    func stateInUse() async throws {
        try await withCoordinator(fleet) { _ in
            let error = await #expect(throws: StartError.self) {
                try await withCoordinator(fleet) { _ in }
            }
            #expect(error?.exitCode == 5)
        }
        try fleet.write("fleet.yaml", fleet.fleetFile(name: "other"))
        let host = try fleet.host("coordinator", "coordinator", fleet: "other")
        _ = host
        let error = await #expect(throws: StartError.self) { try await withCoordinator(fleet) { _ in } }
        #expect(error?.exitCode == 78)
    }

    @Test("Mistakes in fleet.yaml are told as they are, with exit code 78")
    func badPolicy() async throws {
        try fleet.write("fleet.yaml", "apiVersion: fleet/v1\nnane: lab\n")
        let error = await #expect(throws: StartError.self) { try await withCoordinator(fleet) { _ in } }
        #expect(error?.exitCode == 78)
        #expect(error?.message.contains("fleet.yaml:2:1:") == true)
    }

    @Test("An address that is taken is told as such")
    func addressInUse() async throws {
        let other = try TestFleet()
        try await withCoordinator(fleet) { address in
            let text = other.fleetFile().replacing("listen: \"127.0.0.1:0\"", with: "listen: \"\(address)\"")
            try other.write("fleet.yaml", text)
            let error = await #expect(throws: StartError.self) { try await withCoordinator(other) { _ in } }
            #expect(error?.message == "cannot listen on \(address): address already in use")
            #expect(error?.exitCode == 1)
        }
    }

    @Test("A key that is not the certificate's is refused at start")
    func wrongKey() async throws {
        var configuration = fleet.configuration
        configuration.key = agent.key
        let wrong = configuration
        let error = #expect(throws: StartError.self) {
            try CoordinatorServer(wrong, logger: Logger(label: "test"), now: { 0 }, onListening: { _ in })
        }
        #expect(error?.exitCode == 78)
    }

    @Test("A certificate that is not a coordinator's of the fleet is refused at start")
    func wrongCertificate() async throws {
        let host = try fleet.host("agent", "m1")
        var configuration = fleet.configuration
        configuration.certificate = host.certificate
        configuration.key = host.key
        let wrong = configuration
        let error = #expect(throws: StartError.self) {
            try CoordinatorServer(wrong, logger: .init(label: "test"), now: { 0 }, onListening: { _ in })
        }
        #expect(error?.exitCode == 78)
        #expect(error?.message.contains("spiffe://lab/agent/m1") == true)
    }
}
