import ArgumentParser
import FleetAPI
import FleetModel

extension MirrorCommand {
    /// `fleetctl mirror pardon`.
    struct Pardon: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pardon",
            abstract: "Have hosts ask a mirror again that they cut off for wrong bytes.",
            discussion: """
                Each host remembers by itself who sent it wrong bytes, and asks it for nothing for an hour, then twice as \
                long each time. Verify the mirror first: what is wrong on its disk is sent again. Every host is asked, \
                not only those that the coordinator knows to have cut it off.

                EXAMPLES
                  fleetctl -f fleet.yaml verify fra1
                  fleetctl -f fleet.yaml mirror pardon fra1
                  fleetctl -f fleet.yaml mirror pardon fra1 --at ams1
                """)

        @OptionGroup var option: FleetOption
        @Argument(help: "The mirror's name in fleet.yaml.") var name: String
        @Option(name: .customLong("at"), help: "Only this host forgets; may be given again.") var hosts: [String] = []

        func run() async throws {
            let session = try FleetSession(option)
            _ = try session.mirror(name)
            let asked =
                try hosts.isEmpty
                ? session.fleet.mirrors.filter { $0.name != name } : hosts.map { try session.mirror($0) }
            var failures: [FleetctlError] = []
            var pardoning = 0
            for host in asked {
                do {
                    guard try await pardon(at: host, session) else { continue }
                    print("\(host.name) asks \(name) again")
                    pardoning += 1
                } catch let error as FleetctlError where asked.count > 1 {
                    session.terminal.note("\(host.name): \(error.message)")
                    failures.append(error)
                }
            }
            if let failure = failures.first {
                throw (failures.count < asked.count ? ExitStatus.someMirrorsFailed : failure.status).code
            }
            if pardoning == 0 { print("nobody has anything against \(name)") }
        }

        /// Whether the host had something against it.
        private func pardon(at host: MirrorPolicy, _ session: FleetSession) async throws -> Bool {
            var command = AgentCommand(.pardon)
            command.mirror = name
            let line = try await AgentLine.open(command, to: host, of: session)
            while let event = try await line.next() {
                guard event.kind == .done else { continue }
                await line.close()
                return event.isNews ?? false
            }
            throw FleetctlError(.failed, "\(host.name) gave no answer", hint: "look into its log")
        }
    }
}
