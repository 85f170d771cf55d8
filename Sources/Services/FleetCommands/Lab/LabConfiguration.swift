import FleetModel

/// The text of the files that a lab writes: the same that an operator writes by hand (docs/guides/first-fleet.md).
struct LabConfiguration {
    let fleet: String
    /// Of the coordinator, the origin, the mirrors.
    let addresses: [NetworkAddress]
    /// Where the hosts are, if not on loopback.
    var network: LabNetwork?

    /// Names of the agents' hosts: the origin, then m1, m2, ...
    var hosts: [String] {
        [LabLayout.origin] + (1...max(1, addresses.count - 2)).prefix(addresses.count - 2).map { "m\($0)" }
    }

    func address(of host: Int) -> NetworkAddress { addresses[host + 1] }

    /// fleet.yaml.
    var fleetFile: String {
        let mirrors = hosts.count - 1
        let sets = LabLayout.sets.map { "  - {name: \($0), origin: \(LabLayout.origin), replicas: \(max(1, mirrors))}" }
        let members = hosts.enumerated().map { index, name in
            let role = index == 0 ? "role: origin, " : ""
            return
                "  - {name: \(name), \(role)region: \(network?.region(of: name) ?? "lab"), address: \"\(address(of: index))\"}"
        }
        return """
            apiVersion: fleet/v1
            name: \(fleet)

            coordinator:
              listen: "\(addresses[0])"
              state: coordinator
              report_interval: 1s

            operator:                         # how fleetctl proves who it is
              certificate: keys/operator.pem
              key: keys/operator.key
              authority: keys/authority.pem

            trust: {folder: trust}            # made by fleetctl trust init

            sets:
            \(sets.joined(separator: "\n"))

            defaults:
              sets: [\(LabLayout.sets.joined(separator: ", "))]

            mirrors:
            \(members.joined(separator: "\n"))

            """
    }

    /// agent.yaml of the host with index `host`.
    func agentFile(of host: Int) -> String {
        """
        apiVersion: fleet/v1
        fleet: \(fleet)
        name: \(hosts[host])
        role: \(host == 0 ? "origin" : "mirror")
        data: srv
        listen: "\(address(of: host))"
        log_level: debug
        coordinator: "https://\(addresses[0])"
        tls:
          certificate: agent.pem
          key: agent.key
          authority: authority.pem
        trust:
          root: root.json
        \(host == 0 ? "  online_key: online.key          # signs snapshots and timestamps\n" : "")\(host == 0 ? "publish_from: [/]                 # a lab's origin publishes any directory\n" : "")
        """
    }
}
