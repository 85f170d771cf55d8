import ArgumentParser
import Crypto
import Glibc
import Hashing
import LinuxIO
import UpdateFramework

/// A client of TUF for tests: what the conformance suite of the TUF project and our oracle tests drive. docs/conformance.md
/// says how.
@main
struct ConformanceClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tuf-conformance-client",
        abstract: "A client of TUF, for tests.",
        usage: """
            tuf-conformance-client --metadata-dir DIR init ROOT
            tuf-conformance-client --metadata-dir DIR --metadata-url URL refresh
            tuf-conformance-client --metadata-dir DIR --metadata-url URL --target-dir DIR --target-base-url URL \
            --target-name PATH... download
            tuf-conformance-client --metadata-dir DIR [--fleet NAME] write
            """,
        discussion:
            "URLs are http: or file:. The exit code is 0, or 1 if anything is refused: the last line on standard"
            + " error is then `refused: LABEL: TEXT`.")

    /// What is done.
    enum Action: String, ExpressibleByArgument {
        /// Stores the root to begin from.
        case `init`
        /// Brings the top-level metadata up to date.
        case refresh
        /// The same, then fetches targets.
        case download
        /// Writes a sample repository with our writer, for other clients to read.
        case write
    }

    @Option(help: "Where trusted metadata is kept; with write, where the sample goes.")
    var metadataDir: String

    @Option(help: "The folder of metadata in the repository.")
    var metadataUrl: String?

    @Option(help: "A target; may be repeated.")
    var targetName: [String] = []

    @Option(help: "The folder of targets in the repository.")
    var targetBaseUrl: String?

    @Option(help: "Where targets are kept.")
    var targetDir: String?

    @Option(help: "The time of the update, in seconds since 1970, instead of the clock's.")
    var now: Int64?

    @Option(help: "Take only metadata of this fleet, by the profile of Mirrorfleet.")
    var fleet: String?

    @Option(help: "With write: hybrid or ed25519.")
    var keys = SampleRepository.Keys.hybrid

    @Argument(help: "init, refresh, download or write.")
    var action: Action

    @Argument(help: "With init: the file of the root.")
    var trustedRoot: String?

    func run() async throws {
        do {
            switch action {
            case .`init`: try initialize()
            case .refresh: _ = try await session().refresh()
            case .download: try await download()
            case .write: try SampleRepository(keys: keys, profile: profile, now: time).write(to: metadataDir)
            }
        } catch let error as UpdateError {
            throw refusal("refused: \(error.label): \(error)")
        } catch let exit as ExitCode {
            throw exit
        } catch {
            throw refusal("failed: \(error)")
        }
    }

    private var time: MetadataTime { MetadataTime(secondsSince1970: now ?? Int64(Glibc.time(nil))) }

    private var profile: MetadataProfile { fleet.map { .fleet(Array($0.utf8)) } ?? .specification }

    private func initialize() throws {
        guard let trustedRoot else { throw ValidationError("init wants the file of a root.") }
        let bytes = try OpenFile.open(Array(trustedRoot.utf8)).readAll(limit: MetadataLimits.rootByteCount)
        try KeptFiles(metadataDir).store(bytes, as: RoleName.root.fileName)
    }

    private func session() throws -> ClientSession {
        guard let metadataUrl else { throw ValidationError("--metadata-url is missing.") }
        return try ClientSession(
            kept: try KeptFiles(metadataDir), repository: RepositoryReader(metadataUrl), now: time, profile: profile)
    }

    private func download() async throws {
        guard let targetBaseUrl, let targetDir, !targetName.isEmpty else {
            throw ValidationError("download wants --target-name, --target-base-url and --target-dir.")
        }
        let source = RepositoryReader(targetBaseUrl)
        let kept = try KeptFiles(targetDir)
        var session = try await session().refresh()
        for name in targetName {
            guard let path = TargetPath(Array(name.utf8)) else { throw ValidationError("\(name) is no target.") }
            guard let target = try await session.find(path) else {
                throw refusal("refused: absent: there is no target \(path)")
            }
            // A name that is no path, and the same for each version of the target.
            let file = Digest.hash(.sha256, path.bytes).hex
            if let bytes = try kept.read(file, limit: Int(target.description.length)),
                (try? target.verify(bytes)) != nil
            {
                continue
            }
            let limit = Int(target.description.length)
            guard let bytes = try await source.read(target.filePath, limit: limit) else {
                throw refusal("refused: missing: target \(path) is not there")
            }
            try kept.store(try target.verify(bytes).bytes, as: file)
        }
    }

    /// What was refused, on standard error; then the program ends with 1.
    private func refusal(_ text: String) -> ExitCode {
        let line = Array((text + "\n").utf8)
        _ = Glibc.write(STDERR_FILENO, line, line.count)
        return ExitCode(1)
    }
}
