import ArgumentParser
import FleetAPI
import FleetModel
import UpdateFramework

/// `fleetctl publish`: the next release of a set.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make the next release of a set from a directory on its origin, and sign it.",
        discussion: """
            The origin's agent reads the directory, which it never changes; fleetctl signs. An unchanged directory makes \
            no release and is no error. A second publish of a set while one runs ends with exit code 5.

            A release that takes away more than the hosts' max_delete and max_shrink allow (20 % of the files or bytes, \
            agent.yaml) is refused with exit code 4, here and by every mirror, unless it is published with \
            --confirm-delete: the signed release says so then.

            What is signed is what the origin's agent says that it read: whoever holds that host can have a false tree \
            signed. With --local fleetctl reads the same directory on its own machine first, all of it, and signs only \
            a release of exactly that tree; another one is refused with exit code 4.

            Where the set's role takes more signatures than there are keys on this machine, --request FILE publishes \
            nothing and writes a file that asks for them; each of the others signs it with `fleetctl trust sign FILE \
            --key KEY`, on a machine that needs no network, and --import FILE publishes it. The directory must be as it \
            was then: the origin makes the release again, and what is not the signed one, byte for byte, is refused with \
            exit code 4.

            With --replicas the command has the release brought to mirrors, and returns when so many hold it; with \
            --region only those of these regions count. Exit code 3 says that too few did within --timeout: the release \
            stands, and mirrors go on.

            EXAMPLES
              fleetctl -f fleet.yaml publish debian /srv/origin/debian
              fleetctl -f fleet.yaml publish debian --replicas 2 --region eu --region us --timeout 1h
              fleetctl -f fleet.yaml publish debian /srv/origin/debian --local
              fleetctl -f fleet.yaml publish debian --dry-run
              fleetctl -f fleet.yaml publish debian /srv/origin/debian --request release.json
              fleetctl -f fleet.yaml publish debian --import release.json
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The directory on the origin's host; without it the set's `source` in fleet.yaml.")
    var source: String?
    @Flag(help: "Only say what a release would hold.") var dryRun = false
    @Flag(help: "Read the directory here, too, and sign only what was read.") var local = false
    @Option(help: "Return when so many mirrors hold the release.") var replicas: Int?
    @Option(name: .customLong("region"), help: "With --replicas: only mirrors there count; may be given again.")
    var regions: [String] = []
    @Option(help: "How long --replicas waits, with a unit.") var timeout = DurationOption.tenMinutes
    @OptionGroup var removal: RemovalOption
    @OptionGroup var keys: SetKeyOption
    @OptionGroup var request: SignatureRequestOption

    func validate() throws {
        if let replicas, !(1...10_000).contains(replicas) { throw ValidationError("--replicas takes 1 to 10000") }
        if replicas == nil, !regions.isEmpty { throw ValidationError("--region counts with --replicas") }
        if dryRun, request.isGiven { throw ValidationError("--dry-run asks for no signatures, and imports none") }
        if replicas != nil, request.request != nil { throw ValidationError("--request brings nothing to mirrors") }
        if replicas != nil, dryRun { throw ValidationError("--replicas and --dry-run exclude each other") }
    }

    func run() async throws {
        let session = try FleetSession(option)
        let policy = try session.set(set)
        let given = try source.map { try WorkingFolder.absolute($0) }
        let signed = request.imports.isEmpty ? nil : try request.signedRelease(of: set, keys: keys, session)
        guard let source = given ?? signed?.source ?? policy.source else {
            throw FleetctlError(
                .usage, "no directory given, and \(session.file) names no `source` for \(set)",
                hint: "\(session.command) publish \(set) DIRECTORY")
        }
        let follower = try replicas.map {
            try ReplicaFollower(session: session, set: set, wanted: $0, regions: regions)
        }
        let notes = SourceNotes(source: source, digests: policy.digests)
        let signer: (any DraftSigner)? =
            if dryRun { nil } else if let signed { signed } else {
                try request.signer(of: set, keys: keys, notes: notes, session)
            }
        var command = AgentCommand(.publish, set: set)
        command.source = source
        command.policy = policy
        command.dryRun = dryRun
        command.confirmDelete = removal.confirmDelete
        command.release = (signer?.signedDocument).map { Base64Bytes($0) }
        let reading = try await local ? LocalReading.read(source, policy: policy, terminal: session.terminal) : nil
        let line = try await AgentLine.open(command, to: session.mirror(policy.origin), of: session)
        let signing = DraftSigning(
            session: session, set: set, signer: signer, isDryRun: dryRun, confirmsRemoval: removal.confirmDelete,
            reading: reading)
        var result = try await signing.follow(line, verb: "publish")
        await line.close()
        if let follower {
            result.replication = try await follower.run(
                sequence: result.isUnchanged ? nil : result.sequence, timeout: timeout.duration)
        }
        try result.show(output.format)
        if result.replication?.isReached == false {
            session.terminal.note("hint: mirrors go on; see how far they are with: \(session.command) status")
            throw ExitStatus.someMirrorsFailed.code
        }
    }
}

/// The word that `publish` and `release rollback` want for a release that takes away much.
struct RemovalOption: ParsableArguments {
    @Flag(help: "The release may take away more than hosts allow without this word.") var confirmDelete = false
}

/// What `publish` and `release rollback` print.
struct PublishResult: Codable {
    var set: String
    var isDryRun: Bool
    var isUnchanged = false
    var sequence: UInt64?
    var root: String?
    var files: UInt64?
    var bytes: UInt64?
    var newChunks: UInt64?
    var newBytes: UInt64?
    var copiedBytes: UInt64?
    var retimedFiles: UInt64?
    var retimedBytes: UInt64?
    var seconds: Double?
    /// With `--request`: the file that asks for signatures.
    var request: RequestOutcome?
    /// With `publish --replicas`: who holds the release.
    var replication: Replication?

    init(set: String, isDryRun: Bool) {
        self.set = set
        self.isDryRun = isDryRun
    }

    mutating func take(_ draft: ReleaseDraft) {
        sequence = draft.sequence
        root = draft.root
        files = draft.files
        bytes = draft.bytes
        newChunks = draft.newChunks
        newBytes = draft.newBytes
        copiedBytes = draft.copiedBytes
    }

    mutating func take(_ retimed: RetimedFiles?) {
        retimedFiles = retimed?.files ?? 0
        retimedBytes = retimed?.bytes ?? 0
    }

    /// Prints it.
    func show(_ format: OutputFormat) throws {
        switch format {
        case .json: try printJSON(self)
        case .table: print(text)
        }
    }

    /// The result for people.
    var text: String { replication.map { "\(releaseText)\n\($0.text)" } ?? releaseText }

    private var releaseText: String {
        if isUnchanged { return "\(set): unchanged, no release made" + (sequence.map { " (head is \($0))" } ?? "") }
        let verb = request != nil ? "asks for signatures:" : isDryRun ? "would publish" : "published"
        var text = """
            \(verb) \(set) release \(sequence ?? 0)
              root        \(root ?? "-")
              files       \(Quantity.count(files ?? 0))
              bytes       \(Quantity.describe(bytes: bytes ?? 0))
              new chunks  \(Quantity.count(newChunks ?? 0)) (\(Quantity.describe(bytes: newBytes ?? 0)))
            """
        if let files = retimedFiles, files > 0 {
            let retimed = RetimedFiles(files: files, bytes: retimedBytes ?? 0)
            text += "\n  new times   \(retimed.text) changed in place, also in trees that stay"
        }
        if let request { text += "\n\(request.text)" }
        return text
    }
}
