import Content
import Database
import Hashing
import LinuxIO
import Synchronization
package import Trust

/// Brings one verified release into the store of a mirror, and serves it.
///
/// The caller's duties, in this order; every call blocks, all may come from any thread:
/// 1. If `usableChangeset` names one, get it and give it to `supply(changeset:)`.
/// 2. While `neededNodes` is not empty, get those and give them to `supply(nodes:)`.
/// 3. While `neededChunkLists` is not empty, get those and give them to `supply(chunkLists:)`.
/// 4. Call `prepareChunks`, get what it says is missing, from several sources and threads if wished, and give it to
///    `supply(chunks:)`; meanwhile call `copyHeld` until it returns nil, and get what it says is missing as well.
/// 5. Call `nextWindow`; while it is true, there are more blobs than are planned at once: go on at 3.
/// 6. Call `hold` if others are to be told that all is here before it is served; anything may happen in between.
/// 7. Call `finish`. When it returns the release is durable, served and the head.
///
/// Everything given is verified against a digest that the release's signature reaches. A session that is suspended, or
/// whose process was killed, leaves its staged parts: the next one of the set goes on with what is right in them.
package final class FetchSession: Sendable {
    package let release: VerifiedRelease
    let store: Store
    let set: SetRecord
    let staging: StagingFolder
    let allowsEscapingLinks: Bool
    /// How much the release may take away; nil: all.
    let removals: RemovalLimits?
    /// Blobs that are planned at once, which bounds the memory of a fetch.
    let windowBlobs: Int
    let state: Mutex<State>
    let assemblies = BlobAssemblies()
    let turns = ChunkTurns()
    let copyMemory = KeptMemory()

    /// `manifest` -> `chunkLists` -> `preparing` -> `chunks` -> `finishing` -> `ended`; from `chunks` back to
    /// `chunkLists` for the next window; to `ended` from everywhere.
    enum Stage: String {
        case manifest, chunkLists = "chunk-lists", preparing, chunks, finishing = "finish", ended
    }

    struct State {
        var stage = Stage.manifest
        var walk: ManifestWalk
        /// What differs from the head, once the manifest was checked against it.
        var changes = KnownChanges()
        /// Every node is looked at, also those that the store holds: after damage was found.
        var looksAtAll: Bool
        var nodes: StagedValues
        var lists: StagedValues
        var neededLists: [(digest: ChunkListDigest, size: UInt64)] = []
        var needs = FetchNeeds()
        /// The first path that the windows until now did not reach; nil if they reached all.
        var nextPath: RelativePath?
        /// Bytes of new blobs of the windows that are done.
        var earlierBytes: UInt64 = 0
        /// Bytes of new blobs of this window.
        var windowBytes: UInt64 = 0
        /// Bytes of new blobs beyond this window; blobs of several files may count several times.
        var laterBytes: UInt64 = 0
        var finished: [StagedBlob] = []
        var bytesSinceSync: UInt64 = 0
    }

    init(
        _ store: Store, _ release: VerifiedRelease, allowsEscapingLinks: Bool, removals: RemovalLimits?,
        windowBlobs: Int
    ) throws {
        precondition(windowBlobs >= 1, "a window holds at least one blob, not \(windowBlobs)")
        self.store = store
        self.windowBlobs = windowBlobs
        self.release = release
        self.allowsEscapingLinks = allowsEscapingLinks
        self.removals = removals
        let name = release.document.set
        let set = try store.database.withTransaction { try $0.ensureContentSet(name) }
        self.set = set
        if let head = set.head {
            let held = try store.database.read { try $0.release(set.number, head) }
            let sequence = release.document.sequence
            guard sequence > head || (sequence == head && held?.digest == release.digest) else {
                throw StoreError.staleRelease(set: name, sequence: sequence, head: head)
            }
        }
        staging = try StagingFolder(store, set: name, .fetch)
        let looksAtAll = set.isDamaged
        let walk = try store.database.read { session in
            try ManifestWalk(root: release.document.manifest.digest) { node in
                try !looksAtAll && session.holds(.node, node.raw)
            }
        }
        let state = State(
            walk: walk, looksAtAll: looksAtAll,
            nodes: try StagedValues(in: staging.folder, name: StoreLayout.stagedNodes),
            lists: try StagedValues(in: staging.folder, name: StoreLayout.stagedLists))
        self.state = Mutex(state)
        store.note(.fetchManifest, name)
    }

    deinit { suspend() }

    var name: String { self.set.name }
    var root: NodeDigest { release.document.manifest.digest }

    /// The root whose entries are all held rightly; nil if none is known to be.
    func base() throws -> NodeDigest? {
        guard !set.isDamaged, !set.isAhead, let head = set.head else { return nil }
        return try store.database.read { try $0.release(set.number, head)?.root }
    }

    /// Ends the session; what was staged stays for the next one of the set. Ending it twice does nothing.
    package func suspend() {
        let wasOpen = state.withLock { state in
            let wasOpen = state.stage != .ended
            state.stage = .ended
            state.needs = FetchNeeds()
            return wasOpen
        }
        guard wasOpen else { return }
        assemblies.end(.sessionEnded(set: name))
        // Whatever it has stored is below the root on which it settled.
        store.end(name, leavesRows: false)
    }

    /// Ends the session and removes what was staged. After its end it does nothing.
    package func abandon() {
        let isOpen = state.withLock { $0.stage != .ended }
        guard isOpen else { return }
        try? store.database.withTransaction { try $0.forgetUnfinishedFetch(of: set.number) }
        // What cannot be removed now is removed by the next session of the set, if that has no use for it.
        try? store.staging.removeTree(Array(StagingFolder.name(name, .fetch).utf8))
        suspend()
    }

    /// How far it is.
    package var progress: FetchProgress {
        state.withLock { state in
            FetchProgress(
                phase: state.stage.rawValue,
                bytesTotal: state.earlierBytes + state.windowBytes + state.laterBytes,
                bytesDone: state.earlierBytes + state.needs.doneBytes,
                chunksMissing: state.needs.missingCount, chunksFetched: state.needs.fetchedCount)
        }
    }

    /// Makes everything durable, proves that the release is complete, links its tree, flips, records the head.
    ///
    /// Durable when it returns. If it throws nothing is served that was not before; the session has ended, and the next
    /// one of the release goes on from what is durable.
    /// - Parameter trees: which trees of older releases stay as they are.
    package func finish(_ trees: TreePolicy = TreePolicy()) throws -> ServedState {
        try state.withLock { state in
            try expectAll(state)
            state.stage = .finishing
        }
        defer { suspend() }
        let served = try settled(trees).run()
        try store.staging.removeTree(Array(StagingFolder.name(name, .fetch).utf8))
        return served
    }

    /// Makes everything durable and proves that the release is complete, as `finish` does, and serves nothing yet: what a
    /// receipt says. The session goes on.
    /// - Throws: what `finish` throws; the session has ended only if what was staged is of no use any more.
    package func hold(_ trees: TreePolicy = TreePolicy()) throws {
        try state.withLock { try expectAll($0) }
        try settled(trees).hold()
    }

    private func expectAll(_ state: State) throws {
        guard state.stage != .ended else { throw StoreError.sessionEnded(set: name) }
        guard state.stage == .chunks else { throw StoreError.tooEarly(set: name, step: "finishing a fetch") }
        guard state.needs.missingCount == 0 else {
            throw StoreError.missingChunks(set: name, count: state.needs.missingCount)
        }
        guard state.nextPath == nil else { throw StoreError.tooEarly(set: name, step: "finishing a fetch") }
    }

    /// The way to the flip, with all that was fetched recorded.
    private func settled(_ trees: TreePolicy) throws -> Activation {
        try store.keep(trees.keepReleases, of: set.number)
        try commitGroup(isLast: true)
        return Activation(
            store: store, set: set, document: release.document, digest: release.digest, bytes: release.bytes,
            staging: staging, base: try base(), changes: state.withLock { $0.changes }, policy: trees)
    }

    /// Makes what was written durable with one syncfs, and records the blobs that are finished.
    func commitGroup(isLast: Bool) throws {
        // Before anything is taken: what is staged stays, and the next attempt goes on when there is room.
        try store.expectRoom(bytes: 0, for: name)
        let group = state.withLock { state -> [StagedBlob] in
            let group = state.finished
            state.finished = []
            state.bytesSinceSync = 0
            return group
        }
        do {
            if !group.isEmpty {
                try store.commit(group, of: name, from: staging)
            } else if !isLast {
                store.note(.groupSync, name)
                try staging.durability.syncFileSystem()
            }
        } catch {
            // The disk lost something and does not say what: nothing that was staged may be used.
            suspend()
            try? store.staging.removeTree(Array(StagingFolder.name(name, .fetch).utf8))
            throw error
        }
    }
}

extension Store {
    /// Begins to fetch a verified release, or to repair it if it is the head already; goes on with what an earlier
    /// session of the set had staged.
    /// - Parameters:
    ///   - allowsEscapingLinks: symlinks that leave the set are taken as they are.
    ///   - removals: how much of what is served the release may take away; nil: all. A release that takes more is refused
    ///     (`removesTooMuch`) as soon as its manifest is complete.
    ///   - windowBlobs: blobs that are planned at once; the memory of the session grows with it.
    /// - Throws: `busy` if a session of the set runs, `staleRelease` for one below the head.
    package func beginFetch(
        _ release: VerifiedRelease, allowsEscapingLinks: Bool = false, removals: RemovalLimits? = nil,
        windowBlobs: Int = StoreLayout.fetchWindowBlobs
    ) throws -> FetchSession {
        let name = release.document.set
        try begin(name)
        do {
            return try FetchSession(
                self, release, allowsEscapingLinks: allowsEscapingLinks, removals: removals, windowBlobs: windowBlobs)
        } catch {
            end(name)
            throw error
        }
    }
}
