import ArgumentParser
import FleetAPI
import FleetModel
import UpdateFramework

/// `fleetctl release rollback`: an older content as the next release.
struct ReleaseRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Publish the content of an older release again, as the next release.",
        discussion: """
            Releases only go forward: the old content gets a new number, and mirrors sync it like any other release. \
            The origin must hold that release still. The directory that releases are published from is not changed: the \
            next publish brings its content back. One that takes away much wants --confirm-delete, as publish does; --request and \
            --import have it signed on several machines, as those of publish.

            EXAMPLES
              fleetctl -f fleet.yaml release rollback debian
              fleetctl -f fleet.yaml release rollback debian 41
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The release to go back to; without it the one before the head.") var sequence: UInt64?
    @OptionGroup var removal: RemovalOption
    @OptionGroup var keys: SetKeyOption
    @OptionGroup var request: SignatureRequestOption

    func run() async throws {
        let session = try FleetSession(option)
        let policy = try session.set(set)
        let signer = try request.signer(of: set, keys: keys, notes: SourceNotes(), session)
        var command = AgentCommand(.rollback, set: set)
        command.sequence = sequence
        command.policy = policy
        command.confirmDelete = removal.confirmDelete
        command.release = signer.signedDocument.map { Base64Bytes($0) }
        let line = try await AgentLine.open(command, to: session.mirror(policy.origin), of: session)
        let signing = DraftSigning(
            session: session, set: set, signer: signer, isDryRun: false, confirmsRemoval: removal.confirmDelete)
        let result = try await signing.follow(line, verb: "rollback")
        await line.close()
        try result.show(output.format)
    }
}
