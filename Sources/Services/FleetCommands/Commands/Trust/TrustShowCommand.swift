import ArgumentParser
import Hashing
import UpdateFramework

/// `fleetctl trust show`: who signs for which role, and why something is believed.
struct TrustShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show who signs for which role, and what waits for signatures.",
        discussion: """
            --explain says of every document, from the first root down to a set or one release of it, which rule there is
            and whose signatures satisfy it.

            EXAMPLES
              fleetctl trust show --dir trust
              fleetctl trust show --dir trust --explain debian/7
            """)

    @OptionGroup var place: TrustPlace
    @OptionGroup var output: OutputOption
    @Option(help: "A set, or SET/RELEASE.") var explain: String?

    func run() async throws {
        let folder = try place.open()
        if explain != nil { try await bringUpToDate() }
        let state = try folder.state()
        if let explain {
            guard let trust = state.trust else {
                throw FleetctlError(.refused, "the first root waits for signatures: nothing is believed yet")
            }
            try Self.show(try explanation(of: explain, trust, in: folder), output.format)
            return
        }
        let summary = TrustSummary(state, held: try folder.heldKeys())
        switch output.format {
        case .json: try printJSON(summary)
        case .table:
            print(summary.table, terminator: "")
            for line in state.pending?.words ?? [] { print(line) }
            try summary.pending?.show(.table, place: place)
        }
    }

    /// Takes what the keeper has signed into the folder, where the fleet is known: what it refuses is a warning.
    private func bringUpToDate() async throws {
        guard let session = try place.session() else { return }
        do {
            let trust = try OperatorTrust(session)
            if let repository = try trust.repository(with: await session.exchangeMetadata()) {
                try trust.keep(repository)
            }
        } catch let error as FleetctlError {
            session.terminal.warn("this is what was seen last: \(error.message)")
        }
    }

    private func explanation(
        of text: String, _ trust: FleetTrust, in folder: TrustFolder
    ) throws -> TrustExplanation {
        var explanation = try TrustExplanation(
            fleet: trust.fleet, roots: folder.roots(), targets: trust.targetsDocument.bytes)
        let parts = text.split(separator: "/", maxSplits: 1)
        guard let name = parts.first, let role = RoleName.ofSet(String(name)), trust.targets.rule(for: role) != nil
        else {
            throw FleetctlError(.usage, "targets delegate to no set \"\(text)\"", hint: place.command("show"))
        }
        if let snapshot = try folder.newestDocument(of: .snapshot), let timestamp = try folder.timestamp() {
            try explanation.addOnline(snapshot: snapshot, timestamp: timestamp, of: trust)
        }
        if let set = try folder.newestDocument(of: role) {
            try explanation.addSet(
                role, set, of: trust, target: parts.count > 1 ? TargetPath(Array(text.utf8)) : nil)
        }
        return explanation
    }

    private static func show(_ explanation: TrustExplanation, _ format: OutputFormat) throws {
        switch format {
        case .json: try printJSON(TrustExplanationRow(explanation))
        case .table: for line in TrustExplanationRow(explanation).lines { print(line) }
        }
    }
}

/// An explanation as it is printed.
private struct TrustExplanationRow: Encodable {
    struct Rule: Encodable {
        var by: String
        var threshold: Int
        var keyCount: Int
        var signed: [String]
        var isMet: Bool
    }

    struct Step: Encodable {
        var role: String
        var version: Int64
        var expires: String
        var rules: [Rule]
    }

    struct Target: Encodable {
        var path: String
        var length: Int64?
        var sha256: String?
    }

    var steps: [Step]
    var target: Target?

    init(_ explanation: TrustExplanation) {
        steps = explanation.steps.map { step in
            Step(
                role: "\(step.role)", version: step.version, expires: "\(step.expires)",
                rules: step.states.map { state in
                    Rule(
                        by: "\(state.rule.delegator) \(state.rule.delegatorVersion)",
                        threshold: state.rule.grant.threshold, keyCount: state.rule.grant.keys.count,
                        signed: state.signed.map(\.words), isMet: state.isMet)
                })
        }
        target = explanation.target.map { target in
            Target(
                path: "\(target.path)", length: target.description?.length,
                sha256: target.description?.hashes.sha256.map {
                    String(decoding: Hexadecimal.letters($0), as: UTF8.self)
                })
        }
    }

    var lines: [String] {
        var lines: [String] = []
        for step in steps {
            lines.append("\(step.role) \(step.version), until \(step.expires)")
            for rule in step.rules {
                let signers = rule.signed.isEmpty ? "nobody" : rule.signed.joined(separator: "; ")
                lines.append(
                    "  \(rule.by) wants \(rule.threshold) of \(rule.keyCount): \(signers)\(rule.isMet ? "" : ", NOT MET")"
                )
            }
        }
        if let target {
            let what = target.length.map { "\($0) bytes, SHA-256 \(target.sha256 ?? "unknown")" } ?? "not named"
            lines.append("\(target.path): \(what)")
        }
        return lines
    }
}
