import Content
import FleetAPI
import FleetModel
import Glibc
import Trust
import UpdateFramework

/// The operator's side of a command that makes a release: progress, the signature of the draft, the registration.
struct DraftSigning {
    let session: FleetSession
    let set: String
    /// Nil in a dry run: nothing is signed.
    let signer: (any DraftSigner)?
    let isDryRun: Bool
    /// The operator's word that the release may take away more than hosts allow.
    let confirmsRemoval: Bool
    /// The tree that the draft must be of; nil: whatever the origin read.
    var reading: LocalReading?

    /// Shows progress, signs the draft, registers what was committed.
    func follow(_ line: AgentLine, verb: String) async throws -> PublishResult {
        var view = ProgressView(terminal: session.terminal)
        let clock = ContinuousClock()
        let began = clock.now
        var result = PublishResult(set: set, isDryRun: isDryRun)
        var document: [UInt8]?
        while let event = try await line.next() {
            switch event.kind {
            case .progress:
                guard let progress = event.progress else { continue }
                view.show(
                    [
                        .ingest(
                            "\(verb) \(set)", progress.phase, files: progress.files, bytes: progress.bytes,
                            of: progress.totalBytes ?? 0)
                    ], now: (clock.now - began).inSeconds)
            case .warning:
                view.clear()
                if let warning = event.warning { session.terminal.warn(warning) }
            case .unchanged: result.isUnchanged = true
            case .draft:
                guard let draft = event.draft else { continue }
                result.take(draft)
                view.clear()
                for warning in draft.warnings { session.terminal.warn(warning) }
                try await reading?.expect(draft, on: line, set: set)
                guard let signer, let bytes = draft.document?.bytes else { continue }
                try check(bytes, draft: draft)
                switch try answer(to: draft, bytes, by: signer) {
                case .request(let outcome):
                    result.request = outcome
                    try await line.send(DraftSignature(metadata: nil))
                case .release(let documents):
                    let metadata = try await kept(documents)
                    try await line.send(DraftSignature(metadata: Base64Bytes(metadata.encode())))
                    document = bytes
                }
            case .done:
                view.clear()
                result.take(event.retimed)
                result.seconds = (clock.now - began).inSeconds
                if let document, let sequence = result.sequence, let metadata = event.metadata?.bytes {
                    await register(
                        ReleaseRegistration(set: set, sequence: sequence, document: document, metadata: metadata))
                }
                return result
            case .bad, .item, .failed: continue
            }
        }
        throw FleetctlError(.failed, "the agent ended the \(verb) without a word", hint: "look into its log")
    }

    private func answer(
        to draft: ReleaseDraft, _ document: [UInt8], by signer: any DraftSigner
    ) throws -> DraftAnswer {
        let held = try RepositoryDocuments(decoding: draft.metadata?.bytes ?? [])
        do {
            return try signer.sign(document, draft, after: held)
        } catch let error as UpdateError {
            throw FleetctlError.refusedMetadata(error, ofSet: set)
        }
    }

    /// The documents as the origin takes them: what the keeper made of them, where that is another host.
    private func kept(_ documents: RepositoryDocuments) async throws -> RepositoryDocuments {
        let origin = try session.set(set).origin
        return session.fleet.keeper == origin ? documents : try await session.exchangeMetadata(documents)
    }

    /// Throws unless the document says what was asked for.
    private func check(_ document: [UInt8], draft: ReleaseDraft) throws {
        let release = try ReleaseDocument(decoding: document)
        guard release.fleet == session.fleet.name, release.set == set, release.sequence == draft.sequence,
            release.manifest.digest.description == draft.root
        else {
            throw FleetctlError(
                .refused,
                "the origin drafted release \(release.sequence) of \(release.fleet)/\(release.set), not of "
                    + "\(session.fleet.name)/\(set)", hint: "is the right agent running on the origin?")
        }
        // Signed, it would be the operator's own word.
        let isSigned = signer?.signedDocument == document
        guard release.removalConfirmedAt != release.sequence || confirmsRemoval || isSigned else {
            throw FleetctlError(
                .refused,
                "the origin drafted a release of \(set) that may take away anything, and nobody asked for that",
                hint: "is the right agent running on the origin?")
        }
        try reading?.expect(release)
    }

    /// Tells the coordinator; a release stands without it, too.
    private func register(_ registration: ReleaseRegistration) async {
        do {
            let client = try session.coordinator()
            _ = try await client.register(registration)
            try await session.warnIfSuperseded(client)
        } catch {
            session.terminal.warn(
                "the release stands, but the coordinator was not told: \(error); it learns of it from the origin's report"
            )
        }
    }
}

extension Duration {
    /// In seconds, for what people read.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension ProgressRow {
    /// How far a tree is read.
    static func ingest(_ label: String, _ phase: String, files: UInt64, bytes: UInt64, of total: UInt64 = 0) -> Self {
        ProgressRow(
            label: label, done: bytes, total: total,
            note: "\(phase), \(Quantity.count(files)) \(files == 1 ? "file" : "files")")
    }
}
