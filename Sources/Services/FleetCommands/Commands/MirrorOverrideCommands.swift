import ArgumentParser
import FleetAPI
import FleetModel

/// What every command that says something of a host beyond fleet.yaml takes.
private struct OverrideOptions: ParsableArguments {
    @OptionGroup var option: FleetOption
    @Argument(help: "The host's name in fleet.yaml.") var name: String
    @Option(name: .customLong("for"), help: "For how long, with a unit; else until it is taken back.")
    var time: DurationOption?
    @Option(help: "Why; status shows it.") var reason: String?

    /// Has the coordinator keep it; prints what counts for the host then.
    func set(_ kind: HostOverride.Kind, limits: TransferLimits? = nil) async throws {
        try await OverrideOptions.send(
            OverrideOrder(
                mirror: name, kind: kind, isSet: true, seconds: time?.seconds, limits: limits, reason: reason), option)
    }

    static func send(_ order: OverrideOrder, _ option: FleetOption) async throws {
        let session = try FleetSession(option)
        _ = try session.mirror(order.mirror)
        let overrides = try await session.coordinator().override(order).overrides
        if overrides.isEmpty { print("\(order.mirror) is as fleet.yaml says") }
        for override in overrides { print(override.sentence) }
    }
}

/// What the commands take that take something back.
private struct ResumeOptions: ParsableArguments {
    @OptionGroup var option: FleetOption
    @Argument(help: "The host's name in fleet.yaml.") var name: String

    func clear(_ kind: HostOverride.Kind) async throws {
        try await OverrideOptions.send(OverrideOrder(mirror: name, kind: kind, isSet: false), option)
    }
}

extension HostOverride {
    /// `m1 drained by alice since 2026-11-28 10:00:00Z until 2026-11-28 12:00:00Z: new disks`.
    var sentence: String {
        "\(mirror) \(words) by \(by) since \(CivilTime.text(since))"
            + (until.map { " until \(CivilTime.text($0))" } ?? "") + (reason.map { ": \($0)" } ?? "")
    }
}

extension MirrorCommand {
    /// `fleetctl mirror pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Send a mirror nothing new; it goes on serving what it has.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror pause fra1 --for 2h --reason "new disks"
                """)

        @OptionGroup fileprivate var options: OverrideOptions

        func run() async throws { try await options.set(.paused) }
    }

    /// `fleetctl mirror resume`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Take back a pause.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror resume fra1
                """)

        @OptionGroup fileprivate var options: ResumeOptions

        func run() async throws { try await options.clear(.paused) }
    }

    /// `fleetctl mirror drain`.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Send a mirror no clients and nothing new, and let transfers end.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror drain fra1 --reason "upgrade"
                """)

        @OptionGroup fileprivate var options: OverrideOptions

        func run() async throws { try await options.set(.drained) }
    }

    /// `fleetctl mirror undrain`.
    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undrain", abstract: "Take back a drain.",
            discussion: """
                EXAMPLES
                  fleetctl -f fleet.yaml mirror undrain fra1
                """)

        @OptionGroup fileprivate var options: ResumeOptions

        func run() async throws { try await options.clear(.drained) }
    }

    /// `fleetctl mirror limit`.
    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limit",
            abstract: "Limit what a mirror sends to other hosts and receives from them.",
            discussion: """
                Rates are bytes a second (50MB) or bits (400mbit); 0 pauses. The host's own agent.yaml can only be narrowed. \
                Without --up and --down the limit is taken back.

                EXAMPLES
                  fleetctl -f fleet.yaml mirror limit fra1 --up 50MB --down 50MB --for 2h
                  fleetctl -f fleet.yaml mirror limit fra1
                """)

        @OptionGroup fileprivate var options: OverrideOptions
        @Option(help: "What it may send: 50MB (bytes a second), 400mbit, or 0.") var up: RateOption?
        @Option(help: "What it may receive: 50MB (bytes a second), 400mbit, or 0.") var down: RateOption?

        func run() async throws {
            guard up != nil || down != nil else {
                return try await OverrideOptions.send(
                    OverrideOrder(mirror: options.name, kind: .limited, isSet: false), options.option)
            }
            try await options.set(
                .limited, limits: TransferLimits(up: up?.bytesPerSecond, down: down?.bytesPerSecond))
        }
    }
}

/// A rate with its unit.
struct RateOption: ExpressibleByArgument {
    let bytesPerSecond: UInt64

    init?(argument: String) {
        guard let rate = try? Quantity.bytesPerSecond(argument) else { return nil }
        bytesPerSecond = rate
    }
}
