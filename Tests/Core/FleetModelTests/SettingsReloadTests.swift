import FleetModel
import Testing
import Trust

@Suite struct SettingsReloadTests {
    private let current = AgentSettings(
        fleet: "example", name: "fra1", role: .mirror, dataPath: "/srv/mirror",
        listen: NetworkAddress(host: "::", port: 7444), coordinators: [NetworkAddress(host: "coord1", port: 7443)],
        certificatePath: "/etc/a.pem", keyPath: "/etc/a.key", authorityPath: "/etc/authority.pem",
        trust: AgentTrustSettings(rootPath: "/etc/root.json"))

    @Test func `Nothing changed, nothing taken`() {
        let reload = SettingsReload(current, current)
        #expect(reload.settings == current)
        #expect(reload.taken == [])
        #expect(reload.needRestart == [])
    }

    @Test func `What can change in a running agent is taken, and named`() {
        var read = current
        read.logLevel = .debug
        read.publishFrom = ["/srv/origin"]
        read.disk.reserve = .bytes(1_000)
        read.trust.maxDelete = 50
        read.trust.flipQuorum = 2
        read.trust.floorPeers = 1
        read.trust.fetch = ["debian": ["ams1"]]
        let reload = SettingsReload(current, read)
        #expect(reload.settings == read)
        #expect(
            reload.taken == [
                "log_level", "publish_from", "disk", "trust.max_delete", "trust.flip_quorum", "trust.floor",
                "trust.fetch",
            ])
        #expect(reload.needRestart == [])
    }

    /// What a running agent cannot take stays as it was: never a mixture that no file says.
    @Test func `What needs a restart is named and not taken`() {
        let changes: [(String, (inout AgentSettings) -> Void)] = [
            ("fleet", { $0.fleet = "other" }), ("name", { $0.name = "ams1" }), ("role", { $0.role = .origin }),
            ("data", { $0.dataPath = "/srv/other" }), ("state", { $0.statePath = "/srv/state" }),
            ("listen", { $0.listen.port = 1 }), ("coordinator", { $0.coordinators = [] }),
            ("tls.certificate", { $0.certificatePath = "x" }), ("tls.key", { $0.keyPath = "x" }),
            ("tls.authority", { $0.authorityPath = "x" }), ("tls.kyber1024", { $0.requiresMLKEM1024 = true }),
            ("trust.root", { $0.trust.rootPath = "x" }), ("trust.online_key", { $0.trust.onlineKeyPath = "x" }),
        ]
        for (key, change) in changes {
            var read = current
            change(&read)
            read.logLevel = .error
            let reload = SettingsReload(current, read)
            var expected = current
            expected.logLevel = .error
            #expect(reload.settings == expected, "\(key)")
            #expect(reload.needRestart == [key])
            #expect(reload.taken == ["log_level"])
        }
    }
}
