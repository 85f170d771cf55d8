import FoundationEssentials
import Testing

@Suite("Planner scenarios")
struct PlannerScenarioTests {
    private static let folder =
        #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" } + "/Tests/Scenarios/planner"

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".txt") }.sorted()
    }

    /// Set FLEET_REWRITE_GOLDENS to rewrite the expected output from what the planner says now; then read the difference.
    @Test("A scenario gives the plans that stand in its file", arguments: try names())
    func scenario(name: String) throws {
        let url = URL(filePath: "\(Self.folder)/\(name)")
        let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
        let result = try PlannerScenario.run(text)
        if ProcessInfo.processInfo.environment["FLEET_REWRITE_GOLDENS"] != nil {
            try Data(result.utf8).write(to: url)
            return
        }
        #expect(result == text)
    }
}
