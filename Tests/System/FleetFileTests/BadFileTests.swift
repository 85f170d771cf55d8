import FleetFile
import Testing

@Suite("Every mistake in a file is named with its place and what to do")
struct BadFileTests {
    @Test(
        "A fixture with one mistake gives the expected message",
        arguments: try FixtureFolder.names("bad", suffix: ".bad.yaml"))
    func fixture(name: String) throws {
        let path = FixtureFolder.path("bad/\(name)")
        let text = try FixtureFolder.bytes(path)
        let message = name.hasPrefix("agent-") ? agentMessage(text, name) : fleetMessage(text, name)
        let expectedPath = String(path.dropLast(".bad.yaml".count)) + ".expected"
        if FixtureFolder.rewrites {
            try FixtureFolder.write(message + "\n", to: expectedPath)
        }
        #expect(message + "\n" == (try FixtureFolder.text(expectedPath)))
    }

    @Test("Every expected text has its fixture")
    func noOrphans() throws {
        let fixtures = try FixtureFolder.names("bad", suffix: ".bad.yaml").map { $0.dropLast(".bad.yaml".count) }
        let expected = try FixtureFolder.names("bad", suffix: ".expected").map { $0.dropLast(".expected".count) }
        #expect(fixtures == expected)
        #expect(fixtures.count > 100)
    }

    private func fleetMessage(_ text: [UInt8], _ name: String) -> String {
        do throws(FleetFileErrors) {
            _ = try FleetFile.parse(text, file: name)
            return "accepted"
        } catch {
            return error.description
        }
    }

    private func agentMessage(_ text: [UInt8], _ name: String) -> String {
        do throws(FleetFileErrors) {
            _ = try AgentFile.parse(text, file: name)
            return "accepted"
        } catch {
            return error.description
        }
    }
}
