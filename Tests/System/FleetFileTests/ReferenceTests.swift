import FleetFile
import FleetModel
import Testing

@Suite("The reference pages say what the programs do")
struct ReferenceTests {
    private func example(_ page: String) throws -> [UInt8] {
        let text = try FixtureFolder.text("\(FixtureFolder.repository)/docs/reference/\(page)")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "```yaml"))
        let end = try #require(lines[start...].firstIndex(of: "```"))
        return Array(lines[(start + 1)..<end].joined(separator: "\n").utf8)
    }

    @Test("The examples of both pages are accepted")
    func examples() throws {
        let fleet = try FleetFile.parse(try example("fleet.yaml.md"), file: "fleet.yaml")
        let settings = try AgentFile.parse(try example("agent.yaml.md"), file: "agent.yaml")
        #expect(fleet.name == settings.fleet)
        #expect(fleet.mirror(named: settings.name)?.role == settings.role)
    }

    @Test("Every key that a file may have stands in the table of its page")
    func keys() throws {
        let fleet = try FixtureFolder.text("\(FixtureFolder.repository)/docs/reference/fleet.yaml.md")
        let agent = try FixtureFolder.text("\(FixtureFolder.repository)/docs/reference/agent.yaml.md")
        // An unknown key makes the reader list the ones it knows.
        for (part, prefix) in [
            ("zzzzzzzz: 1", ""), ("coordinator: {zzzzzzzz: 1}", "coordinator."), ("trust: {zzzzzzzz: 1}", "trust."),
            ("operator: {zzzzzzzz: 1}", "operator."), ("defaults: {zzzzzzzz: 1}", "defaults."),
            ("sets: [{zzzzzzzz: 1}]", "sets[]."), ("mirrors: [{zzzzzzzz: 1}]", "mirrors[]."),
            ("bandwidth: {zzzzzzzz: 1}", "bandwidth."), ("swarm: {zzzzzzzz: 1}", "swarm."),
            ("swarm: {choose: {zzzzzzzz: 1}}", "swarm.choose."),
            ("bandwidth: {profiles: {a: [{zzzzzzzz: 1}]}}", "bandwidth.profiles.NAME[]."),
        ] {
            for key in try known(part, inAgentFile: false) where !["sets", "mirrors", "disk"].contains(key) {
                let isSecond = key == "down" && fleet.contains("`.down`")
                #expect(isSecond || fleet.contains("`\(prefix)\(key)`"), "\(prefix)\(key)")
            }
        }
        for (part, prefix) in [
            ("zzzzzzzz: 1", ""), ("tls: {zzzzzzzz: 1}", "tls."), ("trust: {zzzzzzzz: 1}", "trust."),
            ("sharing: {zzzzzzzz: 1}", "sharing."),
        ] {
            for key in try known(part, inAgentFile: true) {
                #expect(agent.contains("`\(prefix)\(key)`"), "\(prefix)\(key)")
            }
        }
    }

    /// The keys that the message about the unknown key `zzzzzzzz` names.
    private func known(_ text: String, inAgentFile: Bool) throws -> [String] {
        do throws(FleetFileErrors) {
            if inAgentFile {
                _ = try AgentFile.parse(Array(text.utf8), file: "f")
            } else {
                _ = try FleetFile.parse(Array(text.utf8), file: "f")
            }
            return []
        } catch {
            let mistake = try #require(error.mistakes.first { $0.message.contains("zzzzzzzz") })
            let keys = mistake.remedy.dropFirst("use one of ".count).split(separator: ", ").map(String.init)
            #expect(mistake.remedy.hasPrefix("use one of ") && !keys.isEmpty)
            return keys
        }
    }
}
