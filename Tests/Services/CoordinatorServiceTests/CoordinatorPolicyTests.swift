import CoordinatorService
import FleetAPI
import FleetModel
import Testing

@Suite("A changed fleet.yaml")
struct CoordinatorPolicyTests {
    private let fleet: TestFleet
    private let alice: TestFleet.Host

    init() throws {
        fleet = try TestFleet()
        alice = try fleet.host("operator", "alice")
    }

    private var withThird: String {
        fleet.fleetFile() + "  - {name: m3, address: \"127.0.0.1:7004\", sets: [debian]}\n"
    }

    private func order(_ text: String, dryRun: Bool = false) -> PolicyOrder {
        PolicyOrder(text: Array(text.utf8), dryRun: dryRun)
    }

    @Test("It holds at once and after a restart; a dry run changes nothing; a file changed later wins")
    func life() async throws {
        let text = withThird
        try await withCoordinator(fleet) { address in
            let client = try alice.client(fleet, address)
            let third = try fleet.host("agent", "m3").client(fleet, address)
            let shown = try await client.apply(order(text, dryRun: true))
            #expect(!shown.isApplied && shown.changes.map(\.path) == ["mirrors.m3"])
            await #expect(throws: APIError.self) { try await third.assignments(after: nil, reports: nil, wait: .zero) }
            #expect(try await client.apply(order(text)).isApplied)
            #expect(try await client.fleet().text.bytes == Array(text.utf8))
            #expect(try await client.status().status.mirrors.map(\.name).contains("m3"))
            _ = try await third.assignments(after: nil, reports: nil, wait: .zero)
            #expect(try await client.apply(order(text)).changes == [])
        }
        try await withCoordinator(fleet) { address in
            let client = try alice.client(fleet, address)
            #expect(try await client.fleet().text.bytes == Array(text.utf8))
        }
        try fleet.write("fleet.yaml", fleet.fleetFile() + "# edited\n")
        for _ in 0..<2 {
            try await withCoordinator(fleet) { address in
                let client = try alice.client(fleet, address)
                #expect(try await client.status().status.mirrors.count == 3)
            }
        }
    }

    @Test("What operators said of hosts stays; a host goes only when nothing is said of it, or it is expunged")
    func overrides() async throws {
        let without = fleet.fleetFile().split(separator: "\n").filter { !$0.contains("m2") }
            .joined(separator: "\n").replacing("replicas: 2", with: "replicas: 1")
        try await withCoordinator(fleet) { address in
            let client = try alice.client(fleet, address)
            _ = try await client.override(OverrideOrder(mirror: "m2", kind: .paused, isSet: true))
            _ = try await client.override(OverrideOrder(mirror: "m1", kind: .drained, isSet: true))
            let refused = try await client.apply(order(without))
            #expect(!refused.isApplied && refused.refusals.map(\.code) == [.override])
            #expect(try await client.status().status.mirrors.count == 3)
            var expunging = order(without)
            expunging.expunge = "m2"
            #expect(try await client.apply(expunging).isApplied)
            let mirrors = try await client.status().status.mirrors
            #expect(mirrors.count == 2 && mirrors.first { $0.name == "m1" }?.state == .drained)
        }
    }

    @Test("A file that is not valid, and one of another fleet, change nothing; only operators may hand one in")
    func refused() async throws {
        try await withCoordinator(fleet) { address in
            let client = try alice.client(fleet, address)
            await #expect(throws: APIError.self) { try await client.apply(order("name: [")) }
            let other = try await client.apply(order(fleet.fleetFile(name: "other")))
            #expect(!other.isApplied && other.refusals.map(\.code) == [.fleetName])
            let agent = try fleet.host("agent", "m1").client(fleet, address)
            await #expect(throws: APIError.self) { try await agent.apply(order(withThird)) }
            #expect(try await client.fleet().text.bytes == Array(fleet.fleetFile().utf8))
        }
    }
}
