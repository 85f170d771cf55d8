import FleetFile
import FleetModel
import FoundationEssentials
import Testing
import UpdateFramework
import Trust

@Suite("What a right file says is read as it stands")
struct GoodFileTests {
    @Test("Every good fixture is accepted", arguments: try FixtureFolder.names("good", suffix: ".yaml"))
    func accepted(name: String) throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/\(name)"))
        if name.hasPrefix("agent-") {
            _ = try AgentFile.parse(text, file: name)
        } else {
            let fleet = try FleetFile.parse(text, file: name)
            let json = try JSONEncoder().encode(fleet)
            #expect(try JSONDecoder().decode(Fleet.self, from: json) == fleet)
        }
    }

    @Test("The fleet.yaml at the top of the repository is accepted")
    func example() throws {
        let fleet = try FleetFile.parse(
            try FixtureFolder.bytes("\(FixtureFolder.repository)/fleet.yaml"), file: "fleet.yaml")
        #expect(fleet.name == "example-packages")
        #expect(!fleet.mirrors.isEmpty)
    }

    @Test("The sketch of a lab gives every policy its value")
    func lab() throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/lab.yaml"))
        let fleet = try FleetFile.parse(text, file: "/tmp/lab/fleet.yaml")
        #expect(fleet.coordinator.statePath == "/tmp/lab/coordinator")
        #expect(fleet.coordinator.address == NetworkAddress(host: "127.0.1.1", port: 7443))
        #expect(fleet.coordinator.reportInterval == .seconds(1))
        #expect(fleet.operatorAccess?.keyPath == "/tmp/lab/keys/operator.key")
        #expect(fleet.trust.folder == "/tmp/lab/keys")
        #expect(fleet.trust.keeper == "origin" && fleet.keeper == "origin")
        let debian = try #require(fleet.set(named: "debian"))
        #expect(debian.digests == ["sha256", "sha512"])
        #expect(debian.replicas == 2)
        #expect(debian.maxLagSeconds == 3_600)
        #expect(debian.ingest == .reflink)
        let iso = try #require(fleet.set(named: "iso"))
        #expect(iso.chunkProfile == "images")
        #expect(iso.maxLagSeconds == 5_400)
        #expect(iso.ingest == .link)
        #expect(iso.keepReleases == 2)
        #expect(iso.lingerSeconds == 600)
        #expect(iso.copyLimit == CopyLimit(.bytes(10 << 30)))
        #expect(debian.copyLimit == CopyLimit(.percent(1)))
        #expect(debian.copyLimit.bytes(ofSet: 5_000) == 50)
        let origin = try #require(fleet.mirror(named: "origin"))
        #expect(origin.role == .origin)
        #expect(origin.sets == ["debian", "iso"])
        #expect(fleet.mirror(named: "m1")?.region == "lab")
        #expect(fleet.mirror(named: "m1")?.diskReserve == .percent(5))
        #expect(fleet.mirror(named: "m1")?.country == "DE")
        #expect(fleet.mirror(named: "m2")?.override == .drained)
        #expect(fleet.mirror(named: "m2")?.region == "other")
        #expect(fleet.mirror(named: "m3")?.override == .paused)
        #expect(fleet.mirror(named: "m3")?.sets == ["iso"])
        #expect(fleet.mirror(named: "m3")?.diskReserve == .bytes(1_500_000_000))
        #expect(fleet.mirror(named: "m3")?.address == NetworkAddress(host: "::1", port: 7444))
    }

    @Test("JSON is YAML, too")
    func json() throws {
        let fleet = try FleetFile.parse(
            try FixtureFolder.bytes(FixtureFolder.path("good/json.yaml")), file: "fleet.json")
        #expect(fleet.coordinator.address == NetworkAddress(host: "coord1.example.org", port: 7443))
        #expect(fleet.sets.first?.allowEscapingLinks == true)
        #expect(fleet.sets.first?.source == "/srv/origin/debian")
    }

    @Test("Paths in agent.yaml are taken from the folder of the file")
    func agent() throws {
        let text = try FixtureFolder.bytes(FixtureFolder.path("good/agent-origin.yaml"))
        let settings = try AgentFile.parse(text, file: "/lab/hosts/origin/agent.yaml")
        #expect(settings.dataPath == "/lab/hosts/origin/srv")
        #expect(settings.statePath == "/ssd/state")
        #expect(settings.certificatePath == "/lab/hosts/origin/tls/m1.pem")
        #expect(settings.publishFrom == ["/lab/hosts/origin/incoming", "/srv/origin"])
        #expect(settings.logLevel == .debug)
        #expect(settings.role == .origin)
        let several = try AgentFile.parse(
            try FixtureFolder.bytes(FixtureFolder.path("good/agent-several-addresses.yaml")), file: "agent.yaml")
        #expect(several.coordinators.map(\.description) == ["127.0.1.1:7443", "[::1]:7443"])
        #expect(several.listen.port == 0)
        #expect(several.dataPath == "srv")
        #expect(several.trust.rootPath == "root.json" && several.trust.maxDelete == 5)
        #expect(several.trust.fetch == ["debian": ["fra1", "m2"], "iso": []])
        #expect(several.trust.fetchRule(ofSet: "debian")?.allows("fra1") == true)
        #expect(several.trust.fetchRule(ofSet: "debian")?.allows("m3") == false)
        #expect(several.trust.fetchRule(ofSet: "iso")?.allows("m2") == false)
        #expect(several.trust.fetchRule(ofSet: "photos") == nil)
    }

    @Test("A file is read the same with a byte order mark and with the line ends of other systems")
    func lineEnds() throws {
        let text = try FixtureFolder.text(FixtureFolder.path("good/smallest.yaml"))
        let plain = try FleetFile.parse(Array(text.utf8), file: "fleet.yaml")
        let windows = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(try FleetFile.parse(Array("\u{feff}\(windows)".utf8), file: "fleet.yaml") == plain)
    }
}
