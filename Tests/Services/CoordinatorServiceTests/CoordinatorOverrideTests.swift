import CoordinatorService
import FleetAPI
import FleetModel
import Testing

@Suite("Overrides")
struct CoordinatorOverrideTests {
    private let fleet: TestFleet
    private let alice: TestFleet.Host

    init() throws {
        fleet = try TestFleet()
        alice = try fleet.host("operator", "alice")
    }

    private func status(_ client: CoordinatorClient, _ mirror: String) async throws -> MirrorStatus {
        try #require(try await client.status().status.mirrors.first { $0.name == mirror })
    }

    @Test("A mirror is held back by an operator's word: who, when, until; it ends by itself, and outlives a restart")
    func life() async throws {
        let clock = TestClock()
        try await withCoordinator(fleet, clock: clock) { address in
            let client = try alice.client(fleet, address)
            let set = try await client.override(
                OverrideOrder(mirror: "m1", kind: .paused, isSet: true, seconds: 60, reason: "new disks"))
            #expect(
                set.overrides == [
                    HostOverride(
                        mirror: "m1", kind: .paused, by: "alice", since: clock.now(), until: clock.now() + 60,
                        reason: "new disks")
                ])
            let both = try await client.override(OverrideOrder(mirror: "m1", kind: .drained, isSet: true))
            #expect(both.overrides.map(\.kind) == [.drained, .paused])
            #expect(try await status(client, "m1").state == .drained)
            #expect(try await status(client, "m2").overrides.isEmpty)
        }
        try await withCoordinator(fleet, clock: clock) { address in
            let client = try alice.client(fleet, address)
            #expect(try await status(client, "m1").overrides.count == 2)
            let left = try await client.override(OverrideOrder(mirror: "m1", kind: .drained, isSet: false))
            #expect(left.overrides.map(\.kind) == [.paused])
            #expect(try await status(client, "m1").state == .paused)
            clock.advance(60)
            #expect(try await status(client, "m1").state == .paused)
            clock.advance(1)
            let after = try await status(client, "m1")
            #expect(after.state == .unknown && after.overrides.isEmpty)
        }
    }

    @Test("A limit comes to its mirror with the answer to its poll, at once, and goes when its time is over")
    func limits() async throws {
        let clock = TestClock()
        try await withCoordinator(fleet, clock: clock) { address in
            let client = try alice.client(fleet, address)
            let agent = try fleet.host("agent", "m1").client(fleet, address)
            let first = try await agent.assignments(after: nil, reports: nil, wait: .zero)
            #expect(first.limits == nil)
            async let waiting = agent.assignments(after: nil, reports: first.reportNow, wait: .seconds(30))
            let limits = TransferLimits(up: 1_000_000, down: 0)
            var heard: TransferLimits?
            // The poll may begin before or after the word: either way it hears of it.
            _ = try await client.override(
                OverrideOrder(mirror: "m1", kind: .limited, isSet: true, seconds: 60, limits: limits))
            heard = try await agent.assignments(after: nil, reports: nil, wait: .zero).limits
            #expect(heard == limits)
            _ = try await waiting
            clock.advance(61)
            #expect(try await agent.assignments(after: nil, reports: nil, wait: .zero).limits == nil)
        }
    }

    @Test("Nonsense and unknown mirrors are refused, and only operators say such things")
    func refusals() async throws {
        try await withCoordinator(fleet) { address in
            let client = try alice.client(fleet, address)
            let wrong: [OverrideOrder] = [
                OverrideOrder(mirror: "nobody", kind: .paused, isSet: true),
                OverrideOrder(mirror: "m1", kind: .paused, isSet: true, seconds: 0),
                OverrideOrder(mirror: "m1", kind: .paused, isSet: true, seconds: .max),
                OverrideOrder(mirror: "m1", kind: .limited, isSet: true),
                OverrideOrder(mirror: "m1", kind: .paused, isSet: true, limits: TransferLimits()),
                OverrideOrder(mirror: "m1", kind: .paused, isSet: true, reason: String(repeating: "x", count: 513)),
            ]
            for order in wrong {
                await #expect(throws: APIError.self) { try await client.override(order) }
            }
            let agent = try fleet.host("agent", "m1").client(fleet, address)
            await #expect(throws: APIError.self) {
                try await agent.override(OverrideOrder(mirror: "m2", kind: .drained, isSet: true))
            }
            #expect(try await client.status().status.mirrors.allSatisfy(\.overrides.isEmpty))
        }
    }
}
