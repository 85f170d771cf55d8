import ArgumentParser
import Content
import FleetAPI
import FleetModel
import LinuxIO
import Trust

/// `fleetctl verify`: compare bytes with digests and signatures, on a mirror or in a proof.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Re-hash what mirrors hold, or make and check the proof of one file.",
        discussion: """
            A blob found bad is named with its path, moved aside and taken out of the served tree; the next sync \
            fetches it again.

            EXAMPLES
              fleetctl -f fleet.yaml verify                 # every host
              fleetctl -f fleet.yaml verify m1 --quick      # sizes and times only
              fleetctl -f fleet.yaml verify m1 --set debian --proof pool/a.deb > a.proof
              fleetctl verify --proof-file a.proof          # offline, by the key inside
              fleetctl -f fleet.yaml verify --proof-file a.proof    # and that key must be the fleet's
            """)

    @OptionGroup var option: FleetOption
    @Argument(help: "The host to verify; without it every one.") var mirror: String?
    @Option(help: "Only this set.") var set: String?
    @Flag(help: "Look at sizes, times and presence only.") var quick = false
    @Option(help: "Print the proof that this path is in the newest release of --set that the mirror serves.")
    var proof: String?
    @Option(help: "Check the proof in this file.") var proofFile: String?

    func validate() throws {
        if proof != nil, set == nil || mirror == nil { throw ValidationError("--proof takes MIRROR and --set SET") }
        if let proof, case .failure(let error) = Result(catching: { try RelativePath(ArgumentText.bytes(proof)) }) {
            throw ValidationError("--proof takes a path as it is below the top of the set: \(error)")
        }
        if proofFile != nil, mirror != nil || set != nil || proof != nil || quick {
            throw ValidationError("--proof-file takes no mirror, set, --proof or --quick")
        }
    }

    func run() async throws {
        if let proofFile { return try checkProof(proofFile) }
        let session = try FleetSession(option)
        if let set { _ = try session.set(set) }
        if let proof, let mirror, let set {
            return try await printProof(of: proof, in: set, on: session.mirror(mirror), session: session)
        }
        let hosts = try mirror.map { [try session.mirror($0)] } ?? session.fleet.mirrors
        var bad: UInt64 = 0
        var failures: [FleetctlError] = []
        for host in hosts {
            do {
                bad += try await verify(host, session: session)
            } catch let error as FleetctlError where hosts.count > 1 {
                session.terminal.note("\(host.name): \(error.message)")
                failures.append(error)
            }
        }
        if bad > 0 {
            session.terminal.note("hint: the next sync heals it: \(session.command) sync --wait")
            throw ExitStatus.failed.code
        }
        if let failure = failures.first {
            throw (failures.count < hosts.count ? ExitStatus.someMirrorsFailed : failure.status).code
        }
    }

    /// Verifies one host; the number of bad paths.
    private func verify(_ host: MirrorPolicy, session: FleetSession) async throws -> UInt64 {
        var command = AgentCommand(.verify, set: set)
        command.quick = quick
        let line = try await AgentLine.open(command, to: host, of: session)
        var view = ProgressView(terminal: session.terminal)
        let clock = ContinuousClock()
        let began = clock.now
        while let event = try await line.next() {
            if let bad = event.bad {
                view.clear()
                print("\(host.name): BAD \(bad.set) \(bad.path): \(bad.reason) (blob \(bad.blob.prefix(16)))")
            }
            if let progress = event.progress {
                view.show(
                    [
                        ProgressRow(
                            label: "verify \(host.name)", done: progress.bytes, total: progress.totalBytes ?? 0,
                            note: "\(Quantity.count(progress.files)) \(progress.files == 1 ? "blob" : "blobs")")
                    ], now: (clock.now - began).inSeconds)
            }
            if let summary = event.summary {
                view.clear()
                await line.close()
                let verdict = summary.bad == 0 ? "ok" : "\(summary.bad) bad"
                let time = Quantity.decimal(summary.seconds, digits: 2)
                print(
                    "\(host.name): \(verdict), \(Quantity.count(summary.files)) \(summary.files == 1 ? "blob" : "blobs"), "
                        + "\(Quantity.describe(bytes: summary.bytes))\(quick ? " (quick)" : "") in \(time) s")
                return summary.bad
            }
        }
        throw FleetctlError(.failed, "\(host.name) ended the verify without a word", hint: "look into its log")
    }

    private func printProof(
        of path: String, in set: String, on host: MirrorPolicy, session: FleetSession
    ) async throws {
        var command = AgentCommand(.proof, set: set)
        command.path = Base64Bytes(ArgumentText.bytes(path))
        let line = try await AgentLine.open(command, to: host, of: session)
        while let event = try await line.next() {
            guard let bytes = event.item?.bytes?.bytes else { continue }
            await line.close()
            let proven = try PortableProof(decoding: bytes).verify()
            if proven.entry == nil {
                session.terminal.note(
                    "note: release \(proven.document.sequence) of \(set) has no \(proven.path): this proves that it is absent"
                )
            }
            print(String(decoding: bytes, as: UTF8.self), terminator: "")
            return
        }
        throw FleetctlError(.failed, "\(host.name) gave no proof", hint: "look into its log")
    }

    /// Checks a proof file by the root inside it; with a fleet.yaml given, by the root in the fleet's trust folder.
    private func checkProof(_ path: String) throws {
        let text = try TextFile.read(path, limit: PortableProof.maximumTextByteCount)
        let verified: ProvenEntry
        do {
            let anchor = isFleetNamed ? try OperatorTrust(try FleetSession(option)).roots : nil
            verified = try PortableProof(decoding: Array(text.utf8)).verify(from: anchor)
        } catch let error as PortableProofError {
            throw FleetctlError(.failed, "\(path): the proof does not hold: \(error)")
        }
        if isFleetNamed {
            let session = try FleetSession(option)
            guard verified.fleet == session.fleet.name else {
                throw FleetctlError(
                    .refused, "\(path) is about fleet \(verified.fleet), and \(session.file) is \(session.fleet.name)")
            }
        }
        print(verified.text)
        if !isFleetNamed {
            Terminal.standard.note(
                "hint: compare the digest of root \(verified.rootVersion) with the fleet's (sha256sum of its file), or name "
                    + "the fleet's file with -f")
        }
    }

    private var isFleetNamed: Bool { option.file != nil || Terminal.environment("FLEET_FILE") != nil }
}

extension ProvenEntry {
    /// What the proof says, for people.
    fileprivate var text: String {
        var lines = ["\(entry == nil ? "absent" : "present")  \(path)"]
        if let entry {
            switch entry.type {
            case .file: lines.append("  type       \(entry.isExecutable ? "executable file" : "file")")
            case .directory: lines.append("  type       directory")
            case .symlink: lines.append("  type       symlink to \(TerminalText.escape(entry.linkTarget))")
            }
            if entry.type == .file { lines.append("  size       \(entry.size)") }
            if let blob = entry.blob { lines.append("  blake3     \(blob)") }
            lines.append("  modified   \(CivilTime.text(entry.modified))")
        }
        lines.append("  release    \(document.fleet)/\(document.set) \(document.sequence)")
        lines.append("  root       \(document.manifest.digest)")
        lines.append("  trust      root \(rootVersion), SHA-256 \(rootFingerprint)")
        return lines.joined(separator: "\n")
    }
}
