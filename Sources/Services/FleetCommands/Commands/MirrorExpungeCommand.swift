import ArgumentParser
import Content
import FleetAPI
import FleetModel
import Trust

extension MirrorCommand {
    /// `fleetctl mirror expunge`.
    struct Expunge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "expunge",
            abstract: "Take a mirror out of the fleet for good.",
            discussion: """
                Take its lines out of fleet.yaml first: that file is applied, with the same safety rules as by `fleetctl \
                apply`, so a mirror with the only copy of a release stays. The mirror is drained, leaves plans and \
                members, what operators said of it is forgotten, and its certificates end. Run it again if it was cut off. \
                What stays on the host is printed.

                EXAMPLES
                  fleetctl -f fleet.yaml mirror expunge fra1
                """)

        @OptionGroup var option: FleetOption
        @Argument(help: "The mirror's name.") var name: String
        @Option(
            name: .customLong("allow"),
            help: "A safety rule that is broken on purpose, as for `fleetctl apply`; may be given again.")
        var allowed: [String] = []

        func run() async throws {
            let session = try FleetSession(option)
            guard PlainName.accepts(name) else {
                throw FleetctlError(.usage, "\(name) is no name of a host: a name is \(PlainName.rule)")
            }
            if session.fleet.mirror(named: name) != nil {
                throw FleetctlError(
                    .refused, "\(name) still stands in \(session.file)", hint: "take it out there, then run this again")
            }
            let codes = try ApplyCommand.codes(allowed)
            let client = try session.coordinator()
            // What would be refused is refused before the mirror is drained.
            let shown = try await client.apply(
                PolicyOrder(text: session.text, dryRun: true, allow: codes, expunge: name))
            guard shown.refusals.isEmpty else {
                PolicyText.show(shown, session, dryRun: true)
                throw ExitStatus.refused.code
            }
            if shown.changes.contains(where: { $0.path == "mirrors.\(name)" }) {
                _ = try await client.override(
                    OverrideOrder(mirror: name, kind: .drained, isSet: true, reason: "expunge"))
            }
            let answer = try await client.apply(
                PolicyOrder(text: session.text, dryRun: false, allow: codes, expunge: name))
            PolicyText.show(answer, session, dryRun: false)
            guard answer.refusals.isEmpty else { throw ExitStatus.refused.code }
            let signatures = try PolicySignatures(session.fleet, TrustFolder(path: session.fleet.trust.folder))
            signatures.show(session)
            signatures.hint(session)
            let word = try session.sign(
                HostStanding(fleet: session.fleet.name, name: name, isMember: false, at: wallMilliseconds()))
            _ = try await client.submit(standings: StandingList([word]).encode())
            print("expunged \(name)")
            session.terminal.note(
                """
                what stays on \(name): its data directory with what it serves, /etc/mirrorfleet with its key, /var/lib/mirrorfleet, \
                and the package
                hint: there: apt-get purge fleet-agent; then remove the data directory when no client needs it
                """)
        }
    }
}
