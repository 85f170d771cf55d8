import ArgumentParser
import FleetCertificates
import FleetModel

/// `fleetctl keys`: the fleet's certificate authority and what it issues.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make the fleet's certificate authority, and issue certificates for its hosts.",
        discussion: """
            EXAMPLES
              fleetctl keys init --dir keys --fleet example
              fleetctl keys issue --dir keys coordinator coord1 --out coord1
              fleetctl keys issue --dir keys origin origin1 --out origin1
              fleetctl keys issuing --dir keys --out coord1
              fleetctl keys issue --dir keys agent fra1 --out fra1
            """,
        subcommands: [Make.self, Issue.self, Issuing.self])

    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make an authority and an operator's certificate.",
            discussion: """
                EXAMPLES
                  fleetctl keys init --dir keys --fleet example
                """)

        @Option(name: .customLong("dir"), help: "The folder for them.") var folder: String
        @Option(help: "The fleet's name, as in fleet.yaml.") var fleet: String

        func run() throws {
            let keys = FleetKeys(folder: try WorkingFolder.absolute(folder))
            try keys.make(fleet: fleet)
            print("made the keys of fleet \(fleet) in \(keys.folder)")
            Terminal.standard.note(
                "hint: authority.key stays on this machine; keep a copy offline. Who may sign releases: fleetctl trust init"
            )
        }
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a certificate with its key: NAME must be the host's name in fleet.yaml.",
            discussion: """
                EXAMPLES
                  fleetctl keys issue --dir keys coordinator coord1 --out out/coord1
                  fleetctl keys issue --dir keys agent fra1 --out out/fra1 --days 90
                """)

        @Option(name: .customLong("dir"), help: "The folder that `keys init` made.") var folder: String
        @Argument(help: "agent, origin, coordinator, operator or reader.") var role: FleetRole
        @Argument(help: "The name in the certificate.") var name: String
        @Option(help: "The folder to write to; copy it to the host.") var out: String
        @Option(help: "How many days it counts.") var days = FleetKeys.defaultDays

        func validate() throws {
            guard (1...CertificateAuthority.maximumDays).contains(days) else {
                throw ValidationError("--days takes 1 to \(CertificateAuthority.maximumDays)")
            }
        }

        func run() throws {
            let basename =
                switch role {
                case .agent, .origin: "agent"
                case .coordinator: "coordinator"
                case .operator: "operator"
                case .reader: "reader"
                }
            let target = try WorkingFolder.absolute(out)
            try FleetKeys(folder: try WorkingFolder.absolute(folder))
                .issue(role, name: name, days: days, into: target, as: basename)
            print("wrote \(basename).pem, \(basename).key and authority.pem to \(target)")
        }
    }

    struct Issuing: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the key with which a coordinator gives certificates to agents that join by token.",
            discussion: """
                Writes issuing.pem and issuing.key; copy them beside the coordinator's certificate. Whoever has this key \
                can pose as agents that an operator admitted, and as nobody else. Another one can be made at any time.

                EXAMPLES
                  fleetctl keys issuing --dir keys --out out/coord1
                """)

        @Option(name: .customLong("dir"), help: "The folder that `keys init` made.") var folder: String
        @Option(help: "The folder to write to; copy it to the coordinator.") var out: String
        @Option(help: "How many days it counts.") var days = CertificateAuthority.issuingKeyDays

        func run() throws {
            let target = try WorkingFolder.absolute(out)
            try FleetKeys(folder: try WorkingFolder.absolute(folder)).issueIssuingKey(days: days, into: target)
            print("wrote issuing.pem and issuing.key to \(target)")
        }
    }
}

extension FleetRole: ExpressibleByArgument {}
