import ArgumentParser
import Content
import FleetAPI
import FleetModel
import Trust

/// `fleetctl publish`: the next release of a set.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make the next release of a set from a directory on its origin, and sign it.",
        discussion: """
            The origin's agent reads the directory, which it never changes; fleetctl signs. An unchanged directory makes \
            no release and is no error. A second publish of a set while one runs ends with exit code 5.

            EXAMPLES
              fleetctl -f fleet.yaml publish debian /srv/origin/debian
              fleetctl -f fleet.yaml publish debian --dry-run
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "The directory on the origin's host; without it the set's `source` in fleet.yaml.")
    var source: String?
    @Flag(help: "Only say what a release would hold.") var dryRun = false

    func run() async throws {
        let session = try FleetSession(option)
        let policy = try session.set(set)
        guard let source = try source.map({ try WorkingFolder.absolute($0) }) ?? policy.source else {
            throw FleetctlError(
                .usage, "no directory given, and \(session.file) names no `source` for \(set)",
                hint: "\(session.command) publish \(set) DIRECTORY")
        }
        let key = dryRun ? nil : try PublisherKeyFile.read(session)
        var command = AgentCommand(.publish, set: set)
        command.source = source
        command.policy = policy
        command.dryRun = dryRun
        let line = try await AgentLine.open(command, to: session.mirror(policy.origin), of: session)
        let result = try await follow(line, session: session, key: key)
        await line.close()
        switch output.format {
        case .json: try printJSON(result)
        case .table: print(result.text)
        }
    }

    /// Shows progress, signs the draft, registers what was committed.
    private func follow(_ line: AgentLine, session: FleetSession, key: PublisherKey?) async throws -> PublishResult {
        var view = ProgressView(terminal: session.terminal)
        let clock = ContinuousClock()
        let began = clock.now
        var result = PublishResult(set: set, isDryRun: dryRun)
        var signed: SignedRelease?
        while let event = try await line.next() {
            switch event.kind {
            case .progress:
                guard let progress = event.progress else { continue }
                view.show(
                    [
                        ProgressRow(
                            label: "publish \(set)", done: progress.bytes, total: progress.totalBytes ?? 0,
                            note:
                                "\(progress.phase), \(Quantity.count(progress.files)) \(progress.files == 1 ? "file" : "files")"
                        )
                    ], now: seconds(clock.now - began))
            case .warning:
                view.clear()
                if let warning = event.warning { session.terminal.warn(warning) }
            case .unchanged: result.isUnchanged = true
            case .draft:
                guard let draft = event.draft else { continue }
                result.take(draft)
                view.clear()
                for warning in draft.warnings { session.terminal.warn(warning) }
                guard let key, let document = draft.document?.bytes else { continue }
                let release = try sign(document, with: key, draft: draft, session: session)
                try await line.send(DraftSignature(signedRelease: Base64Bytes(release.encode())))
                signed = release
            case .done:
                view.clear()
                result.seconds = seconds(clock.now - began)
                if let signed { await register(signed, session: session) }
                return result
            case .bad, .item, .failed: continue
            }
        }
        throw FleetctlError(.failed, "the agent ended the publish without a word", hint: "look into its log")
    }

    /// Signs the document, if it says what was asked for.
    private func sign(
        _ document: [UInt8], with key: PublisherKey, draft: ReleaseDraft, session: FleetSession
    ) throws -> SignedRelease {
        let release = try ReleaseDocument(decoding: document)
        guard release.fleet == session.fleet.name, release.set == set, release.sequence == draft.sequence,
            release.manifest.digest.description == draft.root
        else {
            throw FleetctlError(
                .refused,
                "the origin drafted release \(release.sequence) of \(release.fleet)/\(release.set), not of "
                    + "\(session.fleet.name)/\(set)", hint: "is the right agent running on the origin?")
        }
        return try SignedRelease(release, by: key)
    }

    /// Tells the coordinator; a release stands without it, too.
    private func register(_ signed: SignedRelease, session: FleetSession) async {
        do {
            let client = try session.coordinator()
            _ = try await client.register(release: signed.encode(), set: set)
            try await session.warnIfSuperseded(client)
        } catch {
            session.terminal.warn(
                "the release stands, but the coordinator was not told: \(error); it learns of it from the origin's report"
            )
        }
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}

/// What `publish` prints.
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
    var seconds: Double?

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

    /// The result for people.
    var text: String {
        if isUnchanged { return "\(set): unchanged, no release made" + (sequence.map { " (head is \($0))" } ?? "") }
        let verb = isDryRun ? "would publish" : "published"
        return """
            \(verb) \(set) release \(sequence ?? 0)
              root        \(root ?? "-")
              files       \(Quantity.count(files ?? 0))
              bytes       \(Quantity.describe(bytes: bytes ?? 0))
              new chunks  \(Quantity.count(newChunks ?? 0)) (\(Quantity.describe(bytes: newBytes ?? 0)))
            """
    }
}
