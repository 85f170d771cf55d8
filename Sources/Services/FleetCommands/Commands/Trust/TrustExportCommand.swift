import ArgumentParser
import Glibc
import UpdateFramework

/// `fleetctl trust export`: the TUF repository as files.
struct TrustExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the TUF repository as files, for any client of TUF.",
        discussion: """
            Writes metadata/ and targets/ (names with hashes, consistent snapshots). All of it is verified before. A folder
            that was exported to before is updated in place, the timestamp last. With --dir alone nothing but the trust
            folder is read.

            EXAMPLES
              fleetctl -f fleet.yaml trust export /srv/tuf
            """)

    @Argument(help: "The folder.") var target: String
    @OptionGroup var place: TrustPlace

    func run() async throws {
        let folder = try place.open()
        let roots = try folder.roots()
        guard let trust = try folder.state().trust, let root = roots.first else {
            throw FleetctlError(.refused, "the first root waits for signatures: there is no repository yet")
        }
        let source: any RepositorySource =
            if let session = try place.session() { try await FleetSource(session, roots: roots) } else {
                FolderSource(folder: folder)
            }
        let export: RepositoryExport
        do {
            export = try await RepositoryExport(
                root: root, fleet: trust.fleet, now: MetadataTime(secondsSince1970: Int64(time(nil))),
                source: source)
        } catch UpdateError.missing(let role, _) where role == .timestamp || role == .snapshot {
            throw FleetctlError(
                .failed, "there is no \(role) yet, which the keeper signs", hint: "publish a release first")
        }
        let path = try WorkingFolder.absolute(target)
        try export.write(to: path)
        print("wrote \(export.documents.count + 1) documents and \(export.targets.count) targets to \(path)")
        for path in export.missing { Terminal.standard.warn("nobody has \(path) any more: it was left out") }
        for type in export.unusualKeyTypes {
            Terminal.standard.note(
                "note: other clients of TUF need the key type \(type) to read it (docs/formats/trust.md, Keys)")
        }
    }
}
