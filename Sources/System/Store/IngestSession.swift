import Content
import Database
import LinuxIO
import Synchronization
package import Trust

/// Brings a source tree into the store of the origin, as the next release of a set.
///
/// 1. `run` reads the tree and gives a draft: what the release document says of it.
/// 2. The publisher signs a document made of the draft.
/// 3. `commit` takes the signed release, makes it the head and serves it; or `abandon` forgets it.
///
/// A session that ends without a commit leaves no release and nothing that a reader sees; what it stored is found again
/// by the next publish of the set.
package final class IngestSession: Sendable {
    let store: Store
    let set: SetRecord
    package let options: IngestOptions
    let staging: StagingFolder
    private let state = Mutex(State())

    /// `open` -> `running` -> `drafted` -> `ended`; to `ended` from everywhere.
    private enum Stage {
        case open, running, drafted, ended
    }

    private struct State {
        var stage = Stage.open
        var made: MadeDraft?
    }

    init(_ store: Store, set name: String, _ options: IngestOptions) throws {
        self.store = store
        self.options = options
        set = try store.database.withTransaction { try $0.ensureContentSet(name) }
        staging = try StagingFolder(store, set: name, .ingest)
    }

    deinit { abandon() }

    /// Reads the tree at `source`, an absolute path or one relative to the working directory.
    ///
    /// Nothing that a reader sees is changed, and nothing in the source. Throws what the tree has that a release cannot
    /// hold, `changedWhileRead`, and what the disk says; the session has ended then.
    /// What `progress` throws ends the session, too: it is called after each part of the tree.
    /// - Parameter willCopy: called at most once, with mode `reflink` where the file system cannot share blocks, before
    ///   the first byte of the tree is copied. What it throws ends the session, with nothing copied.
    package func run(
        source: String, willCopy: (PlannedCopies) throws -> Void = { _ in },
        progress: (IngestProgress) throws -> Void = { _ in }
    ) throws -> IngestDraft {
        try makeDraft {
            var run = try IngestRun(self, source: source)
            let made = try run.run(willCopy, progress)
            if made.draft.isUnchanged, set.isDamaged, !options.dryRun { try repairHead() }
            return made
        }
    }

    /// Drafts the release after the head with the content of release `sequence`, in place of `run`.
    ///
    /// Nothing that a reader sees is changed. Throws `cannotRollBack` if something that the old release names is no
    /// longer held; the session has ended then.
    package func rollBack(to sequence: UInt64) throws -> IngestDraft {
        try makeDraft { try RollbackDraft(store: store, set: set, sequence: sequence).make() }
    }

    private func makeDraft(_ make: () throws -> MadeDraft) throws -> IngestDraft {
        try state.withLock { state in
            guard state.stage == .open else { throw StoreError.sessionEnded(set: set.name) }
            state.stage = .running
        }
        do {
            let made = try make()
            if !options.dryRun { store.gate.sessionSettled(set.name, on: made.draft.root.digest) }
            state.withLock { state in
                state.stage = .drafted
                state.made = made
            }
            return made.draft
        } catch {
            abandon()
            throw error
        }
    }

    /// Makes the draft's release, signed and verified, durable and the head, and serves it.
    ///
    /// Durable when it returns; if it throws, the head is what it was. The session has ended either way.
    /// - Throws: `releaseDoesNotMatchDraft` if the document says something else than the draft.
    @discardableResult
    package func commit(_ release: VerifiedRelease) throws -> ServedState {
        let made = try state.withLock { state in
            guard state.stage == .drafted, let made = state.made else {
                throw StoreError.sessionEnded(set: set.name)
            }
            state.stage = .running
            return made
        }
        defer { abandon() }
        guard !options.dryRun else { throw StoreError.sessionEnded(set: set.name) }
        try expectMatch(release.document, made.draft)
        try store.keep(options.trees.keepReleases, of: set.number)
        return try Activation(
            store: store, set: set, document: release.document, digest: release.digest, bytes: release.bytes,
            staging: staging, base: try base(), changes: made.changes, policy: options.trees
        ).run { session in
            try session.run(
                "UPDATE content_set SET log = ? WHERE number = ?", [.blob(made.log.encode()), .integer(set.number)])
        }
    }

    private func expectMatch(_ document: ReleaseDocument, _ draft: IngestDraft) throws {
        func check(_ isEqual: Bool, _ field: String) throws {
            if !isEqual { throw StoreError.releaseDoesNotMatchDraft(set: set.name, field: field) }
        }
        try check(document.set == set.name, "set")
        try check(document.manifest == draft.root, "manifest")
        try check(document.chunkLog == draft.chunkLog, "chunk log")
        try check(document.chunkProfile == draft.chunkProfile.identifier, "chunk profile")
        try check(document.changeset == draft.changeset, "changeset")
        try check(document.previous == draft.previous?.digest, "previous release")
        try check(document.sequence > draft.previous?.sequence ?? 0, "sequence")
    }

    /// The root whose entries are all held rightly; nil if none is known to be.
    private func base() throws -> NodeDigest? {
        guard !set.isDamaged, !set.isAhead, let head = set.head else { return nil }
        return try store.database.read { try $0.release(set.number, head)?.root }
    }

    /// The tree was read again because something of the head was damaged: serves the head rightly again.
    private func repairHead() throws {
        guard let bytes = try store.releaseDocument(set: set.name) else { return }
        let document = try ReleaseDocument(decoding: bytes)
        _ = try Activation(
            store: store, set: set, document: document, digest: ReleaseDocument.digest(of: bytes), bytes: bytes,
            staging: staging,
            base: nil, changes: KnownChanges(), policy: options.trees
        ).run()
    }

    /// Ends the session and forgets the draft. Ending it twice, or after a commit, does nothing.
    package func abandon() {
        let wasOpen = state.withLock { state in
            let wasOpen = state.stage != .ended
            state.stage = .ended
            return wasOpen
        }
        guard wasOpen else { return }
        // What cannot be removed now is removed when the store opens, or by the next publish.
        try? store.staging.removeTree(Array(StagingFolder.name(set.name, .ingest).utf8))
        store.end(set.name)
    }
}

extension Store {
    /// Begins a publish of `set`. Throws `busy` if a session of the set runs.
    package func beginIngest(set: String, options: IngestOptions = IngestOptions()) throws -> IngestSession {
        try begin(set)
        do {
            return try IngestSession(self, set: set, options)
        } catch {
            end(set)
            throw error
        }
    }
}
