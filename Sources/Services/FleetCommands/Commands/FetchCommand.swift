import AgentService
import ArgumentParser
import Content
import FleetAPI
import FleetModel
import Glibc
import Logging
import STOQTransport
import Telemetry

/// `fleetctl fetch`: content of the fleet on a machine that is no mirror.
struct FetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: "Retrieve a set, or paths of it, from the fleet into a directory of this machine.",
        discussion: """
            Asks the hosts of fleet.yaml that carry the set, all at once, and takes more from those that are faster; the \
            coordinator is not needed, and a certificate of an operator or a reader is enough. Everything is verified from \
            the root in the trust folder down to each byte; a host that lies is asked for nothing more.

            A second run fetches only what is missing or differs, also after one that was interrupted. Each file is \
            replaced by one rename. What is in the directory beside the release stays; a directory where the release has a \
            file, or a link where it has a directory, ends with exit code 4, before anything is changed. Paths that were \
            yanked are left out.

            EXAMPLES
              fleetctl -f fleet.yaml fetch debian --to /srv/copy
              fleetctl -f fleet.yaml fetch debian pool/main/h dists --to . --release 41
              fleetctl -f fleet.yaml fetch debian --to /srv/copy -o json    # docs/reference/fetch.md
            """)

    /// How often progress is drawn.
    private static let drawInterval = Duration.milliseconds(500)
    private static let threads = 4

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "The set.") var set: String
    @Argument(help: "Paths as they are below the top of the set, each with all below it; without any the whole set.")
    var paths: [String] = []
    @Option(help: "The directory to build them in; made if it is not there.") var to: String
    @Option(help: "The sequence of the release; without it the newest.") var release: UInt64?

    func validate() throws {
        for path in paths {
            do {
                _ = try RelativePath(ArgumentText.bytes(path))
            } catch {
                throw ValidationError("\(path) is no path below the top of a set: \(error)")
            }
        }
    }

    func run() async throws {
        let session = try FleetSession(option)
        _ = try session.set(set)
        let directory = try WorkingFolder.absolute(to)
        let trust = try OperatorTrust(session)
        let endpoint = try session.endpoint()
        let pool = BlockingPool(threads: Self.threads)
        let order = RetrievalOrder(
            fleet: session.fleet.name, set: set, sequence: release,
            paths: try paths.map { try RelativePath(ArgumentText.bytes($0)) }, sources: sources(session.fleet))
        let retrieval = Retrieval(
            order, endpoint: endpoint, pool: pool, now: Int64(time(nil)),
            logger: Telemetry.logger(label: "fleetctl", level: .critical))
        let summary: RetrievalSummary
        do {
            try TextFile.makeFolder(directory)
            summary = try await follow(retrieval, session.terminal) {
                try await retrieval.run(into: RetrievalFolder(directory), trusting: trust.documents) { repository in
                    do {
                        try trust.keep(repository)
                    } catch {
                        session.terminal.warn("the newest metadata is not kept in \(trust.folder): \(error)")
                    }
                }
            }
        } catch let error as RetrievalError {
            throw Self.failure(error, set, session)
        }
        await endpoint.shutdown()
        for liar in summary.liars {
            session.terminal.warn("\(liar) sent what is not true: nothing of it was kept")
            session.terminal.note("hint: \(session.command) verify \(liar)")
        }
        switch output.format {
        case .json: try printJSON(summary)
        case .table: print(summary.text)
        }
    }

    /// Hosts that carry the set, its origin last: it has enough to do.
    private func sources(_ fleet: Fleet) -> [PlanSource] {
        fleet.mirrors.filter { $0.sets.contains(set) || fleet.set(named: set)?.origin == $0.name }
            .sorted { ($0.role == .origin ? 1 : 0, $0.name) < ($1.role == .origin ? 1 : 0, $1.name) }
            .map { PlanSource(name: $0.name, address: $0.address, sequence: 0, region: $0.region) }
    }

    /// Runs `work`, and draws how far it is meanwhile.
    private func follow(
        _ retrieval: Retrieval, _ terminal: Terminal, _ work: () async throws -> RetrievalSummary
    ) async throws -> RetrievalSummary {
        let label = "fetch \(set)"
        let drawing = Task {
            var view = ProgressView(terminal: terminal)
            let clock = ContinuousClock()
            let began = clock.now
            defer { view.clear() }
            while !Task.isCancelled {
                let progress = retrieval.progress
                let note =
                    progress.phase == .fetch && progress.sources > 1
                    ? "from \(progress.sources) hosts" : progress.phase.rawValue
                view.show(
                    [ProgressRow(label: label, done: progress.bytes, total: progress.totalBytes, note: note)],
                    now: (clock.now - began).inSeconds)
                try? await Task.sleep(for: Self.drawInterval)
            }
        }
        let result: Result<RetrievalSummary, any Error>
        do {
            result = .success(try await work())
        } catch {
            result = .failure(error)
        }
        drawing.cancel()
        await drawing.value
        return try result.get()
    }

    private static func failure(_ error: RetrievalError, _ set: String, _ session: FleetSession) -> FleetctlError {
        switch error {
        case .noSource:
            FleetctlError(
                .tryAgain, "\(set): \(error)",
                hint: "what was fetched stays staged: the same command goes on from there")
        case .busy: FleetctlError(.tryAgain, "\(error)", hint: "wait for it, or take another directory")
        case .untrusted:
            FleetctlError(
                .refused, "\(set): \(error)",
                hint: "does the newest root lie in \(session.fleet.trust.folder)/metadata, and is the clock right?")
        case .inTheWay:
            FleetctlError(.refused, "\(error)", hint: "move it away, or take another directory; nothing was changed")
        case .noRoom: FleetctlError(.failed, "\(error)", hint: "make room, then run the same command again")
        case .noRelease:
            FleetctlError(.failed, "\(error)", hint: "what hosts have says: \(session.command) release list \(set)")
        case .noPath:
            FleetctlError(
                .failed, "\(set): \(error)", hint: "paths are those below the top of the set, without a / first")
        case .wrongFile, .badManifest: FleetctlError(.failed, "\(set): \(error)")
        }
    }
}

extension RetrievalSummary {
    /// The summary for people.
    fileprivate var text: String {
        let sources = bytesBySource.sorted { $0.key < $1.key }
            .map { "\($0.key) \(Quantity.describe(bytes: $0.value))" }.joined(separator: ", ")
        var text = """
            fetched \(set) release \(sequence) into \(directory)
              root        \(root)
              files       \(Quantity.count(files)) (\(Quantity.describe(bytes: bytes))), \(Quantity.count(fetchedFiles)) \
            fetched, \(Quantity.count(presentFiles)) there already
              received    \(sources.isEmpty ? "nothing" : sources)
              time        \(Quantity.decimal(seconds, digits: 2)) s
            """
        if !yanked.isEmpty { text += "\n  left out    \(yanked.joined(separator: ", ")): yanked" }
        return text
    }
}
