import ArgumentParser
import Content
import Glibc
import Trust

/// `fleetctl yank`: stop serving a path everywhere, now.
struct YankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "yank",
        abstract: "Have every mirror stop serving a path at once, whatever release it has.",
        discussion: """
            A signed list of yanked paths goes to every host, without a release, a plan or a sync. Hosts take the path, and \
            all below it if it is a directory, out of the trees that they serve and of every later one, and say so in their \
            reports; the command waits for them, and names those that have not (exit code 3). Its content stays in their \
            stores.

            Where the set's role takes more signatures than there are keys on this machine, --request FILE yanks nothing \
            and writes a file that asks for them; each of the others signs it with `fleetctl trust sign FILE --key KEY`, on \
            a machine that needs no network, and --import FILE carries it out. If a release or another yank was signed \
            meanwhile it is refused with exit code 4: ask again.

            EXAMPLES
              fleetctl -f fleet.yaml yank debian pool/x/xz-utils/xz-utils_5.6.1_amd64.deb --reason "CVE-2024-3094"
              fleetctl -f fleet.yaml yank debian pool/x/xz-utils --reason "CVE-2024-3094" --request yank.json
              fleetctl -f fleet.yaml yank debian --import yank.json
            """)

    @OptionGroup var options: YankOptions
    @Option(help: "Why; hosts keep it, and status shows it. Not with --import.") var reason: String?

    func validate() throws {
        guard options.isImport == (reason == nil) else {
            throw ValidationError(
                options.isImport ? "--import has the reason that was signed" : "--reason says why it is yanked")
        }
    }

    func run() async throws {
        let yanking = try Yanking(options)
        guard let reason else { return try await yanking.carryOut(.yank) }
        let path = try options.changedPath()
        let entry = YankList.Entry(path: path, reason: reason, yankedAt: Int64(time(nil)))
        try await yanking.change(.yank, path) { list throws(FleetctlError) in
            guard list.add(entry) else {
                throw FleetctlError(
                    .refused, "\(options.set) has \(YankList.limit) yanked paths already",
                    hint: "publish a release without them, then unyank them")
            }
        }
    }
}

/// `fleetctl unyank`: serve a path again.
struct UnyankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unyank",
        abstract: "Have every mirror serve a yanked path again.",
        discussion: """
            Each host puts back what its releases have there. --request and --import have it signed on several machines, \
            as those of yank.

            EXAMPLES
              fleetctl -f fleet.yaml unyank debian pool/x/xz-utils/xz-utils_5.6.1_amd64.deb
            """)

    @OptionGroup var options: YankOptions

    func run() async throws {
        let yanking = try Yanking(options)
        guard !options.isImport else { return try await yanking.carryOut(.unyank) }
        let path = try options.changedPath()
        try await yanking.change(.unyank, path) { list throws(FleetctlError) in
            guard list.remove(path) else {
                throw FleetctlError(
                    .failed, "\(options.set)/\(path) is not yanked",
                    hint: list.entries.isEmpty
                        ? "nothing of \(options.set) is"
                        : "these are: \(list.entries.map(\.path.description).joined(separator: ", "))")
            }
        }
    }
}

/// What `yank` and `unyank` are told.
struct YankOptions: ParsableArguments {
    @OptionGroup var option: FleetOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The path in the set, a file or a directory; as it was yanked to unyank it. Not with --import.")
    var path: String?
    @OptionGroup var keys: SetKeyOption
    @OptionGroup var request: SignatureRequestOption

    /// Whether what others signed is carried out.
    var isImport: Bool { !request.imports.isEmpty }

    func validate() throws {
        guard isImport == (path == nil) else {
            throw ValidationError(isImport ? "--import has the path that was signed" : "name the path")
        }
    }

    /// The path. Throws a `FleetctlError` if it is none.
    func changedPath() throws(FleetctlError) -> RelativePath {
        do {
            return try RelativePath(ArgumentText.bytes(path ?? ""))
        } catch {
            throw FleetctlError(
                .usage, "\(path ?? "") is no path of a set: \(error)", hint: "give it as it is in the set")
        }
    }
}
