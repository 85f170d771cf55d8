import Content
import FleetAPI
import FleetModel
import Trust

/// The operator's side of a command that makes a release: progress, the signature of the draft, the registration.
struct DraftSigning {
    let session: FleetSession
    let set: String
    /// Nil in a dry run: nothing is signed.
    let key: PublisherKey?
    let isDryRun: Bool
    /// The operator's word that the release may take away more than hosts allow.
    let confirmsRemoval: Bool

    /// Shows progress, signs the draft, registers what was committed.
    func follow(_ line: AgentLine, verb: String) async throws -> PublishResult {
        var view = ProgressView(terminal: session.terminal)
        let clock = ContinuousClock()
        let began = clock.now
        var result = PublishResult(set: set, isDryRun: isDryRun)
        var signed: SignedRelease?
        while let event = try await line.next() {
            switch event.kind {
            case .progress:
                guard let progress = event.progress else { continue }
                view.show(
                    [
                        ProgressRow(
                            label: "\(verb) \(set)", done: progress.bytes, total: progress.totalBytes ?? 0,
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
                let release = try sign(document, with: key, draft: draft)
                try await line.send(DraftSignature(signedRelease: Base64Bytes(release.encode())))
                signed = release
            case .done:
                view.clear()
                result.take(event.retimed)
                result.seconds = seconds(clock.now - began)
                if let signed { await register(signed) }
                return result
            case .bad, .item, .failed: continue
            }
        }
        throw FleetctlError(.failed, "the agent ended the \(verb) without a word", hint: "look into its log")
    }

    /// Signs the document, if it says what was asked for.
    private func sign(
        _ document: [UInt8], with key: PublisherKey, draft: ReleaseDraft
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
        // Signed, it would be the operator's own word.
        guard release.removalConfirmedAt != release.sequence || confirmsRemoval else {
            throw FleetctlError(
                .refused,
                "the origin drafted a release of \(set) that may take away anything, and nobody asked for that",
                hint: "is the right agent running on the origin?")
        }
        return try SignedRelease(release, by: key)
    }

    /// Tells the coordinator; a release stands without it, too.
    private func register(_ signed: SignedRelease) async {
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
