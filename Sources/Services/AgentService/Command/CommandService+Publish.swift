import Content
import FleetAPI
import FleetModel
import Glibc
import Hashing
import LinuxIO
import STOQTransport
import Store
import Trust

/// Publishing: ingest, draft, the operator's signature, commit.
extension CommandService {
    /// A draft keeps others from publishing, and `fleetctl` signs at once.
    private static let signingSeconds: Int64 = 60

    func publish(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        let policy = try required(command.policy, "policy of the set")
        let source = try allowedSource(try required(command.source, "source"))
        let isDryRun = command.dryRun ?? false
        try expectOrigin(policy)
        let options = try ingestOptions(policy, isDryRun: isDryRun)
        try await makeRelease(of: set, options, line, as: DraftWish(command)) { session in
            try await withProgress(line) { tell, isCancelled in
                try session.run(
                    source: source,
                    willCopy: { copies in
                        var event = AgentEvent(.warning)
                        event.warning = Self.warning(of: copies, set: set)
                        try line.sendBlocking(event)
                    },
                    progress: { progress in
                        if isCancelled() { throw CancellationError() }
                        tell(CommandProgress(phase: progress.phase, files: progress.files, bytes: progress.bytes))
                    })
            }
        }
    }

    /// Makes the content of an older release the next one.
    func rollBack(_ command: AgentCommand, _ line: EventLine) async throws {
        let set = try required(command.set, "set")
        let policy = try required(command.policy, "policy of the set")
        try expectOrigin(policy)
        let (sequence, document) = try await pool.run { [store, settings] in
            let held = try store.sequences(set: set)
            guard let head = try store.head(set: set)?.sequence,
                let sequence = command.sequence ?? held.last(where: { $0 < head }),
                let bytes = try store.releaseDocument(set: set, sequence: sequence)
            else {
                let wanted = command.sequence.map { "release \($0)" } ?? "an older release"
                throw CommandFailure(
                    .notFound, "\(settings.name) does not hold \(wanted) of \(set)",
                    hint: "fleetctl release list \(set)")
            }
            return (sequence, try ReleaseDocument(decoding: bytes))
        }
        var options = try ingestOptions(policy, isDryRun: command.dryRun ?? false)
        // What the old release was allowed comes back with it.
        options.allowEscapingLinks = document.allowsEscapingLinks
        try await makeRelease(of: set, options, line, as: DraftWish(command)) { [pool] session in
            try await pool.run { try session.rollBack(to: sequence) }
        }
    }

    private func expectOrigin(_ policy: SetPolicy) throws {
        guard settings.role == .origin else {
            throw CommandFailure(.refused, "\(settings.name) is no origin", hint: "publish on \(policy.origin)")
        }
    }

    /// Runs one session: its draft, the operator's signature, the commit; then delivers a report.
    private func makeRelease(
        of set: String, _ options: IngestOptions, _ line: EventLine, as wish: DraftWish,
        draft: (IngestSession) async throws -> IngestDraft
    ) async throws {
        let session = try await pool.run { [store] in try store.beginIngest(set: set, options: options) }
        var done = AgentEvent(.done)
        activity.update(set) { $0.activity = .publishing }
        defer { activity.update(set) { $0.activity = .idle } }
        do {
            let served = try await offer(
                try await draft(session), of: session, set: set, line, as: wish)
            if let served {
                done.retimed = served.retimed
                done.metadata = Base64Bytes(trust.documents(newerThan: MetadataVersions()).encode())
                tender.tend(set, options.trees)
            } else {
                try? await pool.run { session.abandon() }
            }
        } catch {
            try? await pool.run { session.abandon() }
            throw error
        }
        await deliverReport()
        try await line.send(done)
    }

    /// Sends the draft, takes the signature, commits. Nil: no release was to be committed, or the draft was given up.
    private func offer(
        _ draft: IngestDraft, of session: IngestSession, set: String, _ line: EventLine, as wish: DraftWish
    ) async throws -> ServedState? {
        var figures = ReleaseDraft(
            document: nil, sequence: sequence(of: draft, set: set),
            root: draft.root.digest.description, files: draft.root.files, entries: draft.root.entries,
            bytes: draft.root.bytes, newChunks: draft.newChunks, newBytes: draft.newBytes,
            copiedBytes: draft.copiedBytes, warnings: draft.warnings)
        (figures.removedFiles, figures.removedBytes) = (draft.removed?.files, draft.removed?.bytes)
        let excess = wish.confirmsRemoval(figures.sequence) ? nil : excess(of: draft, set: set)
        var event = AgentEvent(.draft)
        if draft.isUnchanged || session.options.dryRun {
            if let excess { figures.warnings.append("this release would need --confirm-delete: it \(excess)") }
            if draft.isUnchanged { try wish.expectHead(draft, set: set) }
            event.draft = figures
            try await line.send(event)
            if draft.isUnchanged { try await line.send(AgentEvent(.unchanged)) }
            return nil
        }
        if let excess {
            throw CommandFailure(
                .refused, "release \(figures.sequence) of \(set) is refused: it \(excess)",
                hint: "look at what is gone; if that is meant, do it again with --confirm-delete")
        }
        let document = try document(
            of: draft, set: set, sequence: figures.sequence,
            allowsEscapingLinks: session.options.allowEscapingLinks, as: wish)
        try wish.expect(document)
        let bytes = document.encode()
        figures.document = Base64Bytes(bytes)
        figures.metadata = Base64Bytes(trust.documents(newerThan: MetadataVersions()).encode())
        event.draft = figures
        try await line.send(event)
        let late = CommandFailure(
            .failed, "no signature came within \(Quantity.describe(seconds: Self.signingSeconds))",
            hint: "publish again; what was read is not read again")
        guard let answer = try await line.next(within: .seconds(Self.signingSeconds), late: late) else {
            throw CommandFailure(.refused, "the draft was not signed")
        }
        guard let encoded = try WireJSON.decode(DraftSignature.self, from: answer).metadata?.bytes else { return nil }
        let release = try await accept(encoded, signing: bytes, of: draft, set: set, sequence: figures.sequence)
        return try await pool.run { try session.commit(release) }
    }

    /// Takes the metadata that signs a drafted document: durable before the release is committed, so that what is
    /// committed can always be shown to be signed.
    private func accept(
        _ encoded: [UInt8], signing document: [UInt8], of draft: IngestDraft, set: String, sequence: UInt64
    ) async throws -> VerifiedRelease {
        let head = draft.previous.map { TrustedHead(sequence: $0.sequence, digest: $0.digest) }
        do {
            let offered = try RepositoryDocuments(decoding: encoded)
            return try await pool.run { [trust] in
                try trust.accept(offered)
                return try trust.verify(document, sequence: sequence, ofSet: set, above: head)
            }
        } catch let error as FileError {
            throw error
        } catch {
            throw CommandFailure(
                .refused, "the signature is not accepted: \(error)",
                hint: "fleetctl trust show --explain \(set)")
        }
    }

    /// Above every sequence that was ever signed: one that was signed and then not committed is lost, and never signed
    /// again for something else.
    private func sequence(of draft: IngestDraft, set: String) -> UInt64 {
        let held = draft.previous?.sequence ?? 0
        if draft.isUnchanged { return held }
        return max(held, trust.repository?.sequences(ofSet: set).last ?? 0) + 1
    }

    private static func warning(of copies: PlannedCopies, set: String) -> String {
        "this file system cannot share blocks: up to \(Quantity.describe(bytes: copies.bytes)) in "
            + "\(copies.files) \(copies.files == 1 ? "file" : "files") will be copied into the store; "
            + "`ingest: link` for \(set) in fleet.yaml avoids it"
    }

    /// What the draft takes away beyond what this host allows; nil if nothing.
    private func excess(of draft: IngestDraft, set: String) -> RemovalExcess? {
        guard !draft.isUnchanged, let held = draft.previous?.manifest else { return nil }
        return settings.trust.removals(under: trust.policy(ofSet: set)).excess(
            from: held, to: draft.root, removed: draft.removed)
    }

    private func document(
        of draft: IngestDraft, set: String, sequence: UInt64, allowsEscapingLinks: Bool, as wish: DraftWish
    ) throws -> ReleaseDocument {
        let confirmed = wish.confirmsRemoval(sequence) ? sequence : draft.previous?.removalConfirmedAt
        return try ReleaseDocument(
            fleet: settings.fleet, set: set, sequence: sequence, publishedAt: wish.signed?.publishedAt ?? clock.now(),
            manifest: draft.root,
            predecessor: draft.previous.map { ReleasePredecessor.release($0.digest) } ?? ReleasePredecessor.first,
            changeset: draft.changeset, chunkProfile: draft.chunkProfile.identifier, chunkLog: draft.chunkLog,
            extensions: [.topModified(draft.topModified)] + (allowsEscapingLinks ? [.escapingLinks] : [])
                + (draft.retouchedBytes > 0 ? [.retouchedBytes(draft.retouchedBytes)] : [])
                + (confirmed.map { [.removalConfirmed(at: $0)] } ?? []))
    }

    private func ingestOptions(_ policy: SetPolicy, isDryRun: Bool) throws -> IngestOptions {
        let rules: SourceRules
        do {
            rules = try SourceRules(policy)
        } catch {
            throw CommandFailure(.refused, "this agent knows no \(error)")
        }
        let mode: IngestMode =
            switch policy.ingest {
            case .reflink: .reflink
            case .copy: .copy
            case .link: .link
            }
        return IngestOptions(
            mode: mode, profile: rules.profile, digests: rules.digests,
            allowEscapingLinks: rules.allowsEscapingLinks, trees: TreePolicy(policy), dryRun: isDryRun)
    }

    /// `source` with every link resolved, if it lies in a directory that agent.yaml allows.
    private func allowedSource(_ source: String) throws -> String {
        guard let real = resolved(source) else {
            throw CommandFailure(
                .failed, "\(source): \(String(cString: strerror(errno)))",
                hint: "name a directory on the host of \(settings.name)")
        }
        let isAllowed = settings.publishFrom.contains { allowed in
            guard let top = resolved(allowed) else { return false }
            return Self.holds(top, real)
        }
        guard isAllowed else {
            throw CommandFailure(
                .refused, "\(settings.name) may not publish from \(real)",
                hint: "add it to `publish_from` in that host's agent.yaml: only the host decides this")
        }
        if let data = resolved(settings.dataPath) {
            // The store would be read while it grows; and what lies in it has been published already.
            guard !Self.holds(real, data), !Self.holds(data + "/.store", real) else {
                throw CommandFailure(
                    .refused, "\(real) and the data directory of \(settings.name), \(data), lie in one another",
                    hint: "publish a directory beside it")
            }
        }
        return real
    }

    /// Whether `path` is `top` or lies below it; both without links.
    private static func holds(_ top: String, _ path: String) -> Bool {
        top == "/" || path == top || path.hasPrefix(top + "/")
    }

    private func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
