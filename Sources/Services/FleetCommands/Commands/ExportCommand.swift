import ArgumentParser
import FleetAPI
import FleetModel

/// `fleetctl export`: what fleet.yaml says, for other programs.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print what fleet.yaml says in the form of other programs.",
        discussion: """
            EXAMPLES
              fleetctl -f desk/fleet.yaml export ansible-inventory > desk/inventory.json
            """,
        subcommands: [AnsibleInventory.self])

    /// `fleetctl export ansible-inventory`.
    struct AnsibleInventory: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ansible-inventory",
            abstract: "Print the hosts of fleet.yaml as an inventory of Ansible, in JSON.",
            discussion: """
                Groups are fleet_coordinators and fleet_agents, with the addresses in fleet.yaml as ansible_host. What \
                Ansible alone needs (users, packages, folders) belongs into files beside it: group_vars/all.yml, \
                host_vars/NAME.yml. JSON is YAML, so `ansible-playbook -i FILE` reads it under any name.

                EXAMPLES
                  fleetctl -f desk/fleet.yaml export ansible-inventory > desk/inventory.json
                  fleetctl -f desk/fleet.yaml export ansible-inventory --coordinator coord2
                """)

        @OptionGroup var option: FleetOption
        @Option(help: "The coordinator's name, which its certificate has and fleet.yaml does not say.")
        var coordinator = "coord1"

        func run() throws {
            let session = try FleetSession(option)
            try printJSON(Inventory(session.fleet, coordinator: coordinator))
        }
    }
}

/// An inventory as Ansible's YAML plugin reads it.
private struct Inventory: Encodable {
    struct Host: Encodable {
        var ansible_host: String
    }

    struct Hosts: Encodable {
        var hosts: [String: Host]
    }

    struct Top: Encodable {
        var children: [String: Hosts]
    }

    let all: Top

    init(_ fleet: Fleet, coordinator: String) {
        let agents = fleet.mirrors.map { ($0.name, Host(ansible_host: $0.address.host)) }
        all = Top(children: [
            "fleet_coordinators": Hosts(hosts: [coordinator: Host(ansible_host: fleet.coordinator.address.host)]),
            "fleet_agents": Hosts(hosts: Dictionary(agents, uniquingKeysWith: { first, _ in first })),
        ])
    }
}
