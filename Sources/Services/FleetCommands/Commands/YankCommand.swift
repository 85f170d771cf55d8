import ArgumentParser
import Content
import FleetAPI
import FleetModel
import Glibc
import Trust
import UpdateFramework

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

            EXAMPLES
              fleetctl -f fleet.yaml yank debian pool/x/xz-utils/xz-utils_5.6.1_amd64.deb --reason "CVE-2024-3094"
            """)

    @OptionGroup var option: FleetOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The path in the set, a file or a directory.") var path: String
    @Option(help: "Why; hosts keep it, and status shows it.") var reason: String
    @OptionGroup var keys: SetKeyOption

    func run() async throws {
        let session = try FleetSession(option)
        let yanking = try Yanking(session: session, set: set, path: path, keys: keys)
        let entry = YankList.Entry(path: yanking.path, reason: reason, yankedAt: Int64(time(nil)))
        try await yanking.run(expectsPath: true) { list in
            guard list.add(entry) else {
                throw FleetctlError(
                    .refused, "\(set) has \(YankList.limit) yanked paths already",
                    hint: "publish a release without them, then unyank them")
            }
        }
        print("yanked \(set)/\(yanking.path)")
        try await yanking.waitForHosts()
    }
}

/// `fleetctl unyank`: serve a path again.
struct UnyankCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unyank",
        abstract: "Have every mirror serve a yanked path again.",
        discussion: """
            Each host puts back what its releases have there.

            EXAMPLES
              fleetctl -f fleet.yaml unyank debian pool/x/xz-utils/xz-utils_5.6.1_amd64.deb
            """)

    @OptionGroup var option: FleetOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The path, as it was yanked.") var path: String
    @OptionGroup var keys: SetKeyOption

    func run() async throws {
        let session = try FleetSession(option)
        let yanking = try Yanking(session: session, set: set, path: path, keys: keys)
        try await yanking.run(expectsPath: false) { list in
            guard list.remove(yanking.path) else {
                throw FleetctlError(
                    .failed, "\(set)/\(yanking.path) is not yanked",
                    hint: list.entries.isEmpty
                        ? "nothing of \(set) is"
                        : "these are: \(list.entries.map(\.path.description).joined(separator: ", "))")
            }
        }
        print("unyanked \(set)/\(yanking.path)")
        try await yanking.waitForHosts()
    }
}

/// One change of a set's list of yanked paths.
private struct Yanking {
    /// Hosts that are up have said what they did long before.
    private static let patience = Duration.seconds(20)
    private static let code = "yank-pending"

    let session: FleetSession
    let set: String
    let path: RelativePath
    private let origin: String
    private let signers: SetRoleSigning.Signers

    init(session: FleetSession, set: String, path: String, keys: SetKeyOption) throws {
        self.session = session
        self.set = set
        origin = try session.set(set).origin
        do {
            self.path = try RelativePath(ArgumentText.bytes(path))
        } catch {
            throw FleetctlError(.usage, "\(path) is no path of a set: \(error)", hint: "give it as it is in the set")
        }
        signers = try keys.signers(of: set, session)
    }

    /// Changes the list that is in force by `change`, signs it, and has the origin take it.
    func run(expectsPath: Bool, _ change: (inout YankList) throws -> Void) async throws {
        let held = try await session.metadata(of: set, at: origin, path: expectsPath ? path.bytes : nil)
        var list = held.list ?? YankList(fleet: session.fleet.name, set: set)
        try change(&list)
        let bytes = list.encode()
        var documents: RepositoryDocuments
        do {
            documents = try signers.documents(
                after: held.documents, now: MetadataTime(secondsSince1970: Int64(time(nil)))
            ) { $0.set(yanked: bytes) }
        } catch let error as UpdateError {
            throw FleetctlError(
                .refused, "the origin has metadata that the trust folder refuses: \(error)",
                hint: "fleetctl trust show --explain \(set)")
        }
        if session.fleet.keeper != origin { documents = try await session.exchangeMetadata(documents) }
        _ = try await session.metadata(of: set, at: origin, taking: (documents, list))
    }

    /// Waits until every host has said that it did it. Throws with exit code 3 and their names if some have not.
    func waitForHosts() async throws {
        let pending: [String]
        do {
            pending = try await pendingHosts()
        } catch {
            return session.terminal.warn(
                "the list is in force at \(origin), and who else has it is not known: \(error)")
        }
        guard pending.isEmpty else {
            throw FleetctlError(
                .someMirrorsFailed, "no word yet from \(pending.joined(separator: ", "))",
                hint: "they may serve it still; \(session.command) status shows when they have done it")
        }
        print("every mirror of \(set) has said so")
    }

    /// Hosts that have not said so when the time is over.
    private func pendingHosts() async throws -> [String] {
        let client = try session.coordinator()
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        var change: UInt64?
        while true {
            let answer = try await client.status(after: change, wait: change == nil ? .zero : .seconds(1))
            change = answer.change
            let pending = answer.status.problems.filter { $0.code == Self.code && $0.set == set }.compactMap(\.mirror)
            if pending.isEmpty || clock.now >= deadline { return pending }
        }
    }
}
