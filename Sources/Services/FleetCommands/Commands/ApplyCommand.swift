import ArgumentParser
import FleetAPI
import FleetModel
import UpdateFramework

/// `fleetctl apply`: a changed fleet.yaml for the running coordinator.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Hand a changed fleet.yaml to the running coordinator.",
        discussion: """
            Shows what changes against the copy in force, and hands the file over unless a safety rule speaks against \
            it: then nothing is changed (exit code 4). Rules that can be meant are named by --allow CODE. What operators \
            said of hosts (pause, drain, limit) stays. It holds at once and after a restart, until another file is \
            applied or the coordinator's own file is changed: who spoke last rules. What hosts take of a set from signed \
            metadata alone (flip_quorum, max_delete, max_shrink, fetch) is named as long as the file says something else \
            than what is signed (by trust.folder, where that is here), also a line that was taken out of the file; with \
            --sign what the file says is signed, no more and no less, as `trust policy` does.

            EXAMPLES
              fleetctl -f fleet.yaml apply --dry-run
              fleetctl -f fleet.yaml apply
              fleetctl -f fleet.yaml apply --sign
              fleetctl -f fleet.yaml apply --allow replicas -o json
            """)

    @OptionGroup var options: TrustEditOptions
    @OptionGroup var passphrase: PassphraseOption
    @Flag(help: "Sign what counts only once it is signed, with the keys of the trust folder.") var sign = false
    @Flag(help: "Only show what would change.") var dryRun = false
    @Flag(help: "With --dry-run: exit with 2 when something would change.") var detailedExitcode = false
    @Option(
        name: .customLong("allow"),
        help: ArgumentHelp(
            "A rule that is broken on purpose; may be given again.",
            discussion: "One of: \(Self.codes.joined(separator: ", "))."))
    var allowed: [String] = []

    func validate() throws {
        guard !sign || !dryRun else { throw ValidationError("--sign and --dry-run exclude each other") }
        guard sign || (options.signers.isEmpty && !options.isKept && passphrase.file == nil) else {
            throw ValidationError("--sign-with, --no-hand-over and --passphrase-file are for --sign")
        }
    }

    private static let codes = PolicyRefusal.Code.allCases.filter(\.canBeAllowed).map(\.rawValue)

    /// The rules that `texts` name. Throws a usage error that lists those that can be allowed.
    static func codes(_ texts: [String]) throws(FleetctlError) -> [PolicyRefusal.Code] {
        var found: [PolicyRefusal.Code] = []
        for text in texts {
            guard let code = PolicyRefusal.Code(rawValue: text), code.canBeAllowed else {
                throw FleetctlError(
                    .usage, "there is no rule \"\(text)\" that can be allowed",
                    hint: "rules are: \(codes.joined(separator: ", "))")
            }
            found.append(code)
        }
        return found
    }

    func run() async throws {
        let session = try FleetSession(options.place.fleet)
        // Before anything changes: without a folder, or while another change waits, nothing could be signed.
        let editing = sign ? try TrustEditing(options.place) : nil
        let plan = try editing?.plan(by: session.fleet)
        let signatures = try PolicySignatures(session.fleet, options.place.open())
        let answer = try await session.coordinator().apply(
            PolicyOrder(text: session.text, dryRun: dryRun, allow: Self.codes(allowed)))
        let isTable = options.output.format == .table
        if isTable {
            PolicyText.show(answer, session, dryRun: dryRun)
            signatures.show(session)
        }
        if let editing, let plan, answer.refusals.isEmpty {
            return try await sign(plan, ApplyOutcome(answer, signatures), editing)
        }
        if isTable { signatures.hint(session) } else { try printJSON(ApplyOutcome(answer, signatures)) }
        if !answer.refusals.isEmpty { throw ExitStatus.refused.code }
        if dryRun, detailedExitcode, !answer.changes.isEmpty { throw ExitStatus.changesPending.code }
    }

    /// Signs what is not signed yet, now that the coordinator has the file, and gives it to the keeper.
    private func sign(_ plan: TrustPlan, _ applied: ApplyOutcome, _ editing: TrustEditing) async throws {
        let source = try passphrase.source()
        let outcome = try editing.carryOut(plan, more: options.signers, passphrases: source)
        if options.output.format == .table { return try await options.finish(outcome, editing.folder, source) }
        var applied = applied
        applied.signed = outcome
        try printJSON(applied)
        try await options.handOver(outcome, editing.folder, source)
    }
}

/// The answer of the coordinator, and how the file differs from what is signed.
struct ApplyOutcome: Encodable {
    private let answer: PolicyAnswer
    private let signatures: PolicySignatures
    /// What became of it with --sign.
    var signed: TrustOutcome?

    init(_ answer: PolicyAnswer, _ signatures: PolicySignatures) {
        self.answer = answer
        self.signatures = signatures
    }

    private enum CodingKeys: String, CodingKey { case signatures, otherSets, signed }

    /// The keys of the answer and these.
    func encode(to encoder: any Encoder) throws {
        try answer.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(signatures.needs, forKey: .signatures)
        try container.encode(signatures.otherSets, forKey: .otherSets)
        try container.encodeIfPresent(signed, forKey: .signed)
    }
}

/// What `apply` and `mirror expunge` show.
enum PolicyText {
    /// Changes on standard output, what speaks against them and what else there is to know on standard error.
    static func show(_ answer: PolicyAnswer, _ session: FleetSession, dryRun: Bool) {
        for change in answer.changes { print(line(change, file: session.file)) }
        for refusal in answer.refusals {
            let change = answer.changes.first { $0.isWithin(refusal.path) && $0.kind != .removed }
            let place = change.map { "\(session.file):\($0.line):\($0.column): " } ?? ""
            session.terminal.note("\(place)refused: \(refusal.path): \(refusal.message)")
            session.terminal.note("hint: \(refusal.hint)")
        }
        for path in answer.afterRestart { session.terminal.warn("\(path) holds after a restart of the coordinator") }
        guard answer.refusals.isEmpty else { return }
        if answer.changes.isEmpty {
            print("nothing changes")
        } else if dryRun {
            print("\(count(answer)) would be applied")
        } else {
            print("applied \(count(answer))")
        }
    }

    private static func count(_ answer: PolicyAnswer) -> String {
        "\(answer.changes.count) \(answer.changes.count == 1 ? "change" : "changes")"
    }

    private static func line(_ change: PolicyChange, file: String) -> String {
        let place = "\(change.line):\(change.column)"
        return switch change.kind {
        case .added: "\(file):\(place): + \(change.path): \(change.after ?? "")"
        case .changed: "\(file):\(place): \(change.path): \(change.before ?? "") -> \(change.after ?? "")"
        case .removed: "\(file): - \(change.path): \(change.before ?? "") (\(place) of the copy in force)"
        }
    }
}
