import FleetAPI
import FleetCertificates
import Testing
import UpdateFramework

@Suite("Access table")
struct AccessTableTests {
    /// Every cell: for each call whether agents (a), origins (o), coordinators (c), operators (O), readers (r) and whoever
    /// has no certificate (n) may ask for it.
    private static let cells: [(call: Call, may: String)] = [
        (.authority, "aocOrn"), (.join, "aocOrn"), (.renewCertificate, "a"), (.enrol, "O"),
        (.submitStandings, "aoO"), (.submitReport, "ao"), (.listReports, "Or"), (.assignments, "ao"), (.receipts, "ao"),
        (.registerRelease, "oO"), (.submitMetadata, "aoO"), (.listReleases, "aoOr"), (.release, "aoOr"),
        (.makePlan, "O"), (.currentPlan, "Or"), (.plan, "Or"), (.term, "Or"), (.declareTerm, "O"),
        (.status, "Or"), (.metrics, "Or"), (.fleet, "Or"), (.health, "aoOr"), (.members, "Or"), (.override, "O"),
        (.applyFleet, "O"), (.content, "aoOr"), (.swarm, "ao"), (.news, "aoOr"), (.command, "O"), (.ownCommand, "ao"),
    ]

    private static let columns: [(letter: Character, role: FleetRole?)] = [
        ("a", .agent), ("o", .origin), ("c", .coordinator), ("O", .operator), ("r", .reader), ("n", nil),
    ]

    @Test("The table is complete: every call, every role, every endpoint")
    func complete() {
        #expect(Set(Self.cells.map(\.call)) == Set(Call.allCases) && Self.cells.count == Call.allCases.count)
        #expect(Set(Self.columns.compactMap(\.role)) == Set(FleetRole.allCases))
        // Each endpoint has a row of its own, named as itself.
        for route in Route.allCases { #expect(route.call.rawValue == route.rawValue) }
    }

    @Test("Every cell is as written here", arguments: 0..<cells.count)
    func cell(row: Int) {
        let (call, may) = Self.cells[row]
        for (letter, role) in Self.columns {
            #expect(AccessTable.allows(role, call) == may.contains(letter), "\(role?.rawValue ?? "nobody"), \(call)")
        }
        #expect(AccessTable.allowed(call) == FleetRole.allCases.filter { AccessTable.allows($0, call) })
    }

    @Test("A set's signed policy keeps content from hosts that it does not name, and nothing else from anybody")
    func fetchRule() throws {
        let narrow = FetchRule(mirrors: ["m1"], regions: ["eu": ["m2"]])
        for (call, may) in Self.cells {
            for (letter, role) in Self.columns {
                guard let role else { continue }
                for name in ["m1", "m2", "m3"] {
                    let peer = try FleetIdentity(fleet: "example", role: role, name: name)
                    let isAllowed = may.contains(letter)
                    #expect(AccessTable.allows(peer, call, by: nil) == isAllowed, "\(peer) \(call)")
                    let isKeptOut = (call == .content || call == .swarm) && name == "m3" && role != .operator
                    #expect(AccessTable.allows(peer, call, by: narrow) == (isAllowed && !isKeptOut), "\(peer) \(call)")
                }
            }
        }
    }

    @Test("Only who has something to ask of a host may connect to it")
    func connections() {
        #expect(FleetRole.allCases.filter { AccessTable.mayConnect($0) } == [.agent, .origin, .operator, .reader])
    }
}
