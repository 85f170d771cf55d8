import Content
import Hashing
import LinuxIO
import Store
import Testing
import Trust
import TrustSupport

/// A publisher with every key, and what a mirror does to get a release from another store in the same process.
struct TestFleet {
    let folder: TemporaryFolder
    let publisher: TestPublisher

    init() throws {
        folder = try TemporaryFolder()
        publisher = try TestPublisher(
            fleet: "test", sets: ["pool", "iso", "images", "other"] + (0..<16).map { "set\($0)" })
    }

    func data(_ name: String) -> String { "\(folder.path)/\(name)" }

    func store(_ name: String, _ phases: Phases? = nil) throws -> Store {
        try Store.open(data: data(name)) { phase, _ in phases?.note(phase) }
    }

    func source(_ name: String = "source") throws -> SourceTree { try SourceTree(in: folder, name) }

    /// Ingests and commits; nil if the tree is unchanged. Without linger old trees go at once, too.
    @discardableResult
    func publish(
        _ tree: SourceTree, to store: Store, set: String = "pool", options: IngestOptions = IngestOptions(),
        confirmedAt: UInt64? = nil
    ) throws -> VerifiedRelease? {
        let session = try store.beginIngest(set: set, options: options)
        let draft = try session.run(source: tree.path)
        if draft.isUnchanged {
            session.abandon()
            return nil
        }
        let release = try sign(draft, set: set, confirmedAt: confirmedAt)
        _ = try session.commit(release)
        if options.trees.lingerSeconds == 0 { try store.tendTrees(of: set, options.trees) }
        return release
    }

    func sign(
        _ draft: IngestDraft, set: String = "pool", publishedAt: Int64 = 1_700_000_000, confirmedAt: UInt64? = nil
    ) throws -> VerifiedRelease {
        let predecessor: ReleasePredecessor =
            if let previous = draft.previous { .release(previous.digest) } else { .first }
        let document = try ReleaseDocument(
            fleet: "test", set: set, sequence: (draft.previous?.sequence ?? 0) + 1, publishedAt: publishedAt,
            manifest: draft.root, predecessor: predecessor,
            changeset: draft.changeset, chunkProfile: draft.chunkProfile.identifier, chunkLog: draft.chunkLog,
            extensions: confirmedAt.map { [.removalConfirmed(at: $0)] } ?? [])
        return try publisher.release(document)
    }

    /// Takes the document of any release, as if it had been signed.
    func check(_ document: [UInt8], set: String, sequence: UInt64) throws -> VerifiedRelease {
        let stated = try ReleaseDocument(decoding: document)
        guard stated.set == set, stated.sequence == sequence else { throw NotSigned() }
        return try publisher.release(stated)
    }

    struct NotSigned: Error {}

    /// What a fetch has moved.
    struct Moved {
        var nodes = 0
        var lists = 0
        var chunks = 0
        var bytes: UInt64 = 0
        var usedChangeset = false
        var needs: ChunkNeeds?
        var served: ServedState?
    }

    /// Fetches a release from `origin`, up to but without `finish`; chunks in the order that is asked for.
    func fill(
        _ session: FetchSession, from origin: Store, usesChangeset: Bool = true, chunkLimit: Int = .max,
        copiesHeld: Bool = true
    ) throws -> Moved {
        var moved = Moved()
        if usesChangeset, let digest = try session.usableChangeset() {
            let bytes = try #require(try origin.changeset(digest))
            moved.usedChangeset = try session.supply(changeset: bytes)
        }
        while true {
            let needed = try session.neededNodes(limit: 100)
            if needed.isEmpty { break }
            try session.supply(nodes: try needed.map { ($0, try #require(try origin.node($0))) })
            moved.nodes += needed.count
        }
        while true {
            let needed = try session.neededChunkLists(limit: 100)
            if needed.isEmpty { break }
            try session.supply(chunkLists: try needed.map { ($0, try #require(try origin.chunkList($0))) })
            moved.lists += needed.count
        }
        let needs = try session.prepareChunks()
        moved.needs = needs
        while copiesHeld, let lost = try session.copyHeld(atMost: 1 << 20) { #expect(lost == []) }
        for start in stride(from: 0, to: min(needs.missing.count, chunkLimit), by: 16) {
            let part = Array(needs.missing[start..<min(start + 16, needs.missing.count, chunkLimit)])
            let wrong = try supply(part, to: session, from: origin)
            #expect(wrong.isEmpty)
            moved.chunks += part.count
            moved.bytes += part.reduce(0) { $0 + UInt64($1.length) }
        }
        return moved
    }

    /// Supplies chunks read from a store; those refused.
    func supply(_ chunks: [ChunkReference], to session: FetchSession, from origin: Store) throws -> [ChunkDigest] {
        let locations = try origin.locate(chunks.map(\.digest))
        var buffers: [UnsafeMutableRawBufferPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        for (chunk, location) in zip(chunks, locations) {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(chunk.length), alignment: 16)
            buffers.append(buffer)
            try origin.read(try #require(location), into: buffer)
        }
        return try session.supply(chunks: zip(chunks, buffers).map { ($0.digest, UnsafeRawBufferPointer($1)) })
    }

    @discardableResult
    func fetch(
        _ release: VerifiedRelease, from origin: Store, to mirror: Store, usesChangeset: Bool = true
    ) throws -> Moved {
        let session = try mirror.beginFetch(release)
        var moved = try fill(session, from: origin, usesChangeset: usesChangeset)
        moved.served = try session.finish()
        return moved
    }

    /// Expects that the tree served by `name` is exactly the source.
    func expectServed(
        _ name: String, _ tree: SourceTree, set: String = "pool", _ location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try TreeSnapshot(tree.folder)
        let found = try TreeSnapshot(served: set, in: data(name))
        #expect(found.differences(expected) == [], sourceLocation: location)
    }
}
