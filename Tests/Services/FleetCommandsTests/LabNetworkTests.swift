import FleetCommands
import FleetModel
import Testing

@Suite("The network of a lab in namespaces")
struct LabNetworkTests {
    @Test("Hosts have addresses, regions and rates as wished")
    func hosts() {
        var wish = LabNetwork.Wish()
        wish.rate = 12_500_000
        wish.upRates = [12_500_000, 6_250_000]
        wish.regions = 2
        wish.regionRate = 2_500_000
        let network = LabNetwork(wish, mirrors: ["m1", "m2", "m3"], subnet: "10.213.7")
        #expect(
            network.addresses.map(\.description) == [
                "10.213.7.1:7443", "10.213.7.2:7444", "10.213.7.11:7444", "10.213.7.12:7444", "10.213.7.13:7444",
            ])
        #expect(network.hosts.map(\.up) == [nil, 12_500_000, 12_500_000, 6_250_000, 12_500_000])
        #expect(network.hosts.map(\.down) == [nil, 12_500_000, 12_500_000, 12_500_000, 12_500_000])
        #expect(network.hosts.map { network.region(of: $0.name) } == ["lab-1", "lab-1", "lab-1", "lab-1", "lab-2"])
        #expect(network.switchLines.contains("link set p4 master br2 up"))
        #expect(network.switchShaping.filter { $0.contains("rate 20000000bit") }.count == 2)
        #expect(
            network.shaping(in: network.hosts[3]) == [
                "qdisc add dev e0 root tbf rate 50000000bit burst 81920b limit 344064b"
            ])
        let command = network.command("/usr/bin/fleet-agent", in: "m1")
        #expect(command.arguments == ["--net=/run/netns/mf-m1", "--", "/usr/bin/fleet-agent"])
    }

    @Test("Without rates nothing is shaped, and there is one region")
    func plain() {
        let network = LabNetwork(LabNetwork.Wish(), mirrors: ["m1"], subnet: "10.213.0")
        #expect(network.switchShaping.isEmpty)
        #expect(network.hosts.allSatisfy { network.shaping(in: $0).isEmpty })
        #expect(network.region(of: "m1") == "lab")
    }

    @Test("Only names that a lab gives are its own")
    func names() {
        for name in ["mf-origin", "mf-coordinator", "mf-switch", "mf-m1", "mf-m100"] {
            #expect(LabNamespaces.isOurs(name, prefix: "mf"), "\(name)")
        }
        for name in ["mf", "mf-", "mf-m", "mf-m1x", "mf-web", "origin", "xmf-origin", "mf2-origin", "mf-mirror"] {
            #expect(!LabNamespaces.isOurs(name, prefix: "mf"), "\(name)")
        }
    }
}
