import ArgumentParser
import FleetModel
import Glibc

/// `fleetctl lab`: a fleet on this machine.
struct LabCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "Run a whole fleet as processes on this machine.",
        discussion: """
            EXAMPLES
              fleetctl lab up --dir /tmp/lab --mirrors 3
              fleetctl lab kill --dir /tmp/lab m1
              fleetctl lab start --dir /tmp/lab m1
              fleetctl lab down --dir /tmp/lab --purge
            """,
        subcommands: [Up.self, Stop.self, Kill.self, Start.self, Down.self])

    /// The folder of the lab.
    struct Place: ParsableArguments {
        @Option(name: .customLong("dir"), help: "The lab's folder.") var folder: String

        @OptionGroup(visibility: .hidden) var fleet: FleetOption

        var lab: Lab { get throws { try Lab(folder: folder) } }
    }

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a coordinator, an origin and mirrors, and start them.",
            discussion: """
                Ends once every host is connected and has reported. What it starts goes on by itself until `lab down`.

                EXAMPLES
                  fleetctl lab up --dir /tmp/lab --mirrors 3
                  fleetctl lab up --dir /tmp/lab6 --mirrors 1 --ipv6
                  sudo fleetctl lab up --dir /tmp/lab --mirrors 8 --netns --rate 100mbit
                  sudo fleetctl lab up --dir /tmp/lab --mirrors 8 --netns --rate 100mbit --regions 2 --region-rate 20mbit
                """)

        /// Each mirror is a process with its threads; more than this is no lab.
        private static let mirrorLimit = 100

        @OptionGroup var place: Place
        @Option(help: "How many mirrors: m1, m2, ...") var mirrors = 3
        @Flag(name: .customLong("ipv6"), help: "Use ::1 instead of 127.0.1.x.") var isIPv6 = false
        @OptionGroup(title: "Network namespaces") var network: LabNetworkOptions

        func validate() throws {
            guard (1...Self.mirrorLimit).contains(mirrors) else {
                throw ValidationError("--mirrors takes 1 to \(Self.mirrorLimit)")
            }
            if network.isWanted, isIPv6 { throw ValidationError("--netns has IPv4 only: leave --ipv6 out") }
            if let regions = network.regions, regions > mirrors {
                throw ValidationError("--regions: \(regions) regions need as many mirrors")
            }
        }

        func run() async throws {
            let lab = try place.lab
            try await lab.up(
                mirrors: mirrors, at: network.isWanted ? .namespaces(network.wish) : .loopback(isIPv6: isIPv6))
            let count = mirrors == 1 ? "1 mirror" : "\(mirrors) mirrors"
            print("lab is up: coordinator, origin and \(count) in \(lab.layout.folder)")
            print("next: fleetctl -f \(ShellWord.quoted(lab.layout.fleetFile)) publish debian DIRECTORY")
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End hosts in good order (TERM).",
            discussion: """
                EXAMPLES
                  fleetctl lab stop --dir /tmp/lab m1 m2
                """)

        @OptionGroup var place: Place
        @Argument(help: "coordinator, origin, m1, ...") var hosts: [String]

        func run() async throws {
            let lab = try place.lab
            var file = try LabFile.read(lab.layout)
            try await lab.end(hosts, signal: SIGTERM, in: &file)
        }
    }

    struct Kill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End hosts at once (KILL).",
            discussion: """
                EXAMPLES
                  fleetctl lab kill --dir /tmp/lab coordinator
                """)

        @OptionGroup var place: Place
        @Argument(help: "coordinator, origin, m1, ...") var hosts: [String]

        func run() async throws {
            let lab = try place.lab
            var file = try LabFile.read(lab.layout)
            try await lab.end(hosts, signal: SIGKILL, in: &file)
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start hosts again on the state they have; without names, every one.",
            discussion: """
                EXAMPLES
                  fleetctl lab start --dir /tmp/lab
                  fleetctl lab start --dir /tmp/lab m1
                """)

        @OptionGroup var place: Place
        @Argument(help: "coordinator, origin, m1, ...") var hosts: [String] = []

        func run() async throws {
            let lab = try place.lab
            var file = try LabFile.read(lab.layout)
            let names = hosts.isEmpty ? ([file.coordinator] + file.hosts).map(\.name) : hosts
            for name in names { _ = try file.host(name) }
            try await lab.start(names, in: &file)
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End exactly what the lab started.",
            discussion: """
                EXAMPLES
                  fleetctl lab down --dir /tmp/lab            # `lab start` goes on with it
                  fleetctl lab down --dir /tmp/lab --purge
                """)

        @OptionGroup var place: Place
        @Flag(help: "Remove the lab's folder, too.") var purge = false

        func run() async throws {
            try await place.lab.down(purge: purge)
        }
    }
}
