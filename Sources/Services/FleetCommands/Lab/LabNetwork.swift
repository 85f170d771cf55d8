package import FleetModel

/// The network of a lab whose hosts are in network namespaces of their own: how many and how fast, as written to
/// `lab.json`, so that every command of the lab can make it again and take it away.
///
/// The host H is in the namespace `PREFIX-H`. All links lead to the namespace `PREFIX-switch`, in which each region has
/// a bridge; the namespace that fleetctl runs in has a link to it, too. What is in a namespace goes away with it.
package struct LabNetwork: Codable, Equatable, Sendable {
    /// What a user asks for.
    package struct Wish: Equatable, Sendable {
        /// What the names of namespaces begin with.
        package var prefix = LabNetwork.standardPrefix
        /// Bytes a second to and from every agent's host; nil: as fast as it goes.
        package var rate: UInt64?
        /// What mirrors send instead, in turns; empty: `rate`.
        package var upRates: [UInt64] = []
        /// Into how many regions the mirrors are divided.
        package var regions = 1
        /// Between regions, each way.
        package var regionRate: UInt64?

        /// No limits, one region.
        package init() {}
    }

    /// One host's end.
    package struct Host: Codable, Equatable, Sendable {
        /// Its name in the lab.
        package var name: String
        /// Its IPv4 address.
        package var address: String
        /// Counted from 1.
        package var region: Int
        /// Bytes a second that it may send; nil: as fast as it goes.
        package var up: UInt64?
        /// Bytes a second that it may receive; nil: as fast as it goes.
        package var down: UInt64?
    }

    /// What names begin with when nobody says otherwise.
    package static let standardPrefix = "mf"
    /// A network interface has a name of 15 bytes at most, and one is called PREFIX-root.
    static let prefixLimit = 10
    static let coordinatorPort = 7_443
    static let agentPort = 7_444

    var prefix: String
    /// The first three numbers of all addresses.
    var subnet: String
    /// The coordinator, the origin, the mirrors.
    package var hosts: [Host]
    var regions: Int
    var regionRate: UInt64?

    /// The network for a coordinator, an origin and `mirrors`, in addresses that begin with `subnet`.
    package init(_ wish: Wish, mirrors: [String], subnet: String) {
        prefix = wish.prefix
        self.subnet = subnet
        regions = wish.regions
        regionRate = wish.regionRate
        // The coordinator moves no content: its link is not what a lab is made for.
        hosts = [
            Host(name: LabLayout.coordinator, address: "\(subnet).1", region: 1),
            Host(name: LabLayout.origin, address: "\(subnet).2", region: 1, up: wish.rate, down: wish.rate),
        ]
        for (index, name) in mirrors.enumerated() {
            let up = wish.upRates.isEmpty ? wish.rate : wish.upRates[index % wish.upRates.count]
            hosts.append(
                Host(
                    name: name, address: "\(subnet).\(11 + index)", region: 1 + index * wish.regions / mirrors.count,
                    up: up, down: wish.rate))
        }
    }

    /// Where the programs of the hosts listen: the coordinator, the origin, the mirrors.
    package var addresses: [NetworkAddress] {
        hosts.map {
            NetworkAddress(
                host: $0.address, port: $0.name == LabLayout.coordinator ? Self.coordinatorPort : Self.agentPort)
        }
    }

    /// The name of the region of the host `name`.
    package func region(of name: String) -> String {
        guard regions > 1, let host = hosts.first(where: { $0.name == name }) else { return "lab" }
        return "lab-\(host.region)"
    }

    func namespace(of host: String) -> String { "\(prefix)-\(host)" }
    var switchNamespace: String { namespace(of: "switch") }
    var rootLink: String { "\(prefix)-root" }

    /// The command that runs `program` in the namespace of `host`.
    package func command(_ program: String, in host: String) -> (program: String, arguments: [String]) {
        ("/usr/bin/nsenter", ["--net=\(LabNamespaces.folder)/\(namespace(of: host))", "--", program])
    }

    // MARK: - What ip and tc are told

    /// Lines for `ip` where fleetctl runs.
    var outerLines: [String] {
        hosts.map { "netns add \(namespace(of: $0.name))" } + [
            "netns add \(switchNamespace)",
            "link add \(rootLink) type veth peer name root netns \(switchNamespace)",
            "addr add \(subnet).254/24 dev \(rootLink)",
            "link set \(rootLink) up",
        ]
    }

    /// Lines for `ip` in the namespace of the switch.
    package var switchLines: [String] {
        var lines: [String] = []
        for region in 1...regions {
            lines += ["link add br\(region) type bridge", "link set br\(region) up"]
            guard region > 1 else { continue }
            lines += [
                "link add to\(region) type veth peer name from\(region)",
                "link set to\(region) master br1 up", "link set from\(region) master br\(region) up",
            ]
        }
        lines.append("link set root master br1 up")
        for (index, host) in hosts.enumerated() {
            lines += [
                "link add p\(index) type veth peer name e0 netns \(namespace(of: host.name))",
                "link set p\(index) master br\(host.region) up",
            ]
        }
        return lines
    }

    /// Lines for `ip` in the namespace of `host`.
    func lines(in host: Host) -> [String] {
        ["link set lo up", "addr add \(host.address)/24 dev e0", "link set e0 up"]
    }

    /// Lines for `tc` in the namespace of the switch: what hosts receive, and what goes from region to region.
    package var switchShaping: [String] {
        let down = hosts.enumerated().compactMap { index, host in host.down.map { Self.shape("p\(index)", $0) } }
        guard let regionRate, regions > 1 else { return down }
        return down
            + (2...regions).flatMap { [Self.shape("to\($0)", regionRate), Self.shape("from\($0)", regionRate)] }
    }

    /// Lines for `tc` in the namespace of `host`: what it sends.
    package func shaping(in host: Host) -> [String] { host.up.map { [Self.shape("e0", $0)] } ?? [] }

    /// A bucket of at least one packet as the kernel hands it over, of up to 64 KiB, or of 4 ms; and a queue of 256 KiB
    /// or 20 ms before it.
    private static func shape(_ device: String, _ rate: UInt64) -> String {
        let burst = max(80 << 10, rate / 250)
        let limit = burst + max(256 << 10, rate / 50)
        return "qdisc add dev \(device) root tbf rate \(rate * 8)bit burst \(burst)b limit \(limit)b"
    }
}
