import CoordinatorService
import FleetAPI
import FleetCertificates
import Testing

@Suite("Access table")
struct AccessTableTests {
    /// Every cell: for each endpoint whether an agent, an origin, an operator and a coordinator may call it.
    private static let cells: [(Route, agent: Bool, origin: Bool, operator: Bool, coordinator: Bool)] = [
        (.submitReport, true, true, false, false),
        (.listReports, false, false, true, false),
        (.assignments, true, true, false, false),
        (.registerRelease, false, true, true, false),
        (.submitMetadata, true, true, true, false),
        (.listReleases, true, true, true, false),
        (.release, true, true, true, false),
        (.makePlan, false, false, true, false),
        (.currentPlan, false, false, true, false),
        (.plan, false, false, true, false),
        (.term, false, false, true, false),
        (.declareTerm, false, false, true, false),
        (.status, false, false, true, false),
        (.fleet, false, false, true, false),
        (.health, true, true, true, false),
    ]

    @Test("The table is complete")
    func complete() {
        #expect(Self.cells.map(\.0) == Route.allCases)
    }

    @Test("Every cell is as written here", arguments: 0..<cells.count)
    func cell(row: Int) {
        let (route, agent, origin, isOperator, coordinator) = Self.cells[row]
        #expect(AccessTable.allows(.agent, route) == agent)
        #expect(AccessTable.allows(.origin, route) == origin)
        #expect(AccessTable.allows(.operator, route) == isOperator)
        #expect(AccessTable.allows(.coordinator, route) == coordinator)
        #expect(AccessTable.roles(route).contains(.operator) == isOperator)
    }
}
