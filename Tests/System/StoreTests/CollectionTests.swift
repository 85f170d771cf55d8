import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Store
import Synchronization
import Testing
import Trust

@Suite struct CollectionTests {
    private static let isLong = getenv("FLEET_LONG") != nil

    @Test("What only old releases named goes, the rest stays whole")
    func oldReleases() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let store = try fleet.store("origin")
        for number in 1...4 {
            try tree.write("changing", Bytes.random(3_000_000, seed: UInt64(number)), modified: Int64(number))
            try tree.write("kept", Bytes.random(100_000, seed: 99))
            _ = try fleet.publish(
                tree, to: store, options: IngestOptions(trees: TreePolicy(keepReleases: 2, lingerSeconds: 0)))
        }
        let counted = try store.collect(CollectionOptions(dryRun: true))
        #expect(try store.sequences(set: "pool") == [1, 2, 3, 4])
        let outcome = try store.collect()
        #expect(outcome.isComplete && outcome.releases == 2 && outcome.blobs == 2 && outcome.files == 2)
        #expect(outcome.bytes == 6_000_000)
        #expect(outcome.nodes > 0 && outcome.chunkLists == 2)
        #expect((counted.blobs, counted.files, counted.bytes) == (outcome.blobs, outcome.files, outcome.bytes))
        #expect(try store.sequences(set: "pool") == [3, 4])
        try expectWhole(store, in: fleet.data("origin"))
        try fleet.expectServed("origin", tree)
        let again = try store.collect(CollectionOptions(findsLitter: true))
        #expect(again.blobs == 0 && again.files == 0 && again.nodes == 0 && again.litterFiles == 0)
        // The signed documents stay with their changesets: whoever is behind follows them.
        #expect(try store.releaseDocument(set: "pool", sequence: 2) != nil)
        // A file that comes back is read and stored again, although its record was there.
        try tree.write("changing", Bytes.random(3_000_000, seed: 1), modified: 1)
        try fleet.publish(tree, to: store)
        try fleet.expectServed("origin", tree)
        #expect(try store.verify(.full).isClean)
    }

    @Test("A chunk log of which less than half is in use begins anew, and the old one goes")
    func endedLogs() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("m1"))
        let options = IngestOptions(trees: TreePolicy(keepReleases: 1, lingerSeconds: 0), leastLogSize: 20)
        func entries(_ epoch: UInt32) throws -> Int64? {
            let database = try Connection(
                path: "\(fleet.data("origin"))/.store/store.db", migrations: StoreSchema.migrations)
            return try database.first("SELECT COUNT(*) FROM log_entry WHERE epoch = ?", [.integer(Int64(epoch))]) {
                try $0.integer(0)
            }
        }
        try tree.write("kept", Bytes.random(100_000, seed: 99))
        var last: ReleaseDocument?
        var epochs: [UInt32] = []
        for number in 1...12 {
            try tree.write("changing", Bytes.random(3_000_000, seed: UInt64(number)), modified: Int64(number))
            // A draft that is given up leaves the head's log as it was, whichever epoch it is of.
            let abandoned = try origin.beginIngest(set: "pool", options: options)
            _ = try abandoned.run(source: tree.path)
            abandoned.abandon()
            if let last { #expect(try entries(last.chunkLog.epoch) ?? 0 >= Int64(last.chunkLog.size)) }
            let release = try #require(try fleet.publish(tree, to: origin, options: options))
            let document = try ReleaseDocument(decoding: #require(try origin.releaseDocument(set: "pool")))
            let head = document.chunkLog
            if let last { #expect(head.canFollow(last.chunkLog)) }
            #expect(try entries(head.epoch) == Int64(head.size))
            let served = try #require(try origin.chunkLog(set: "pool", from: 0, to: head.size))
            var log = served.state
            try log.append(served.entries)
            #expect(log.head == head)
            try fleet.fetch(release, from: origin, to: mirror)
            try fleet.expectServed("m1", tree)
            #expect(try origin.collect().isComplete)
            #expect(try entries(head.epoch) == Int64(head.size))
            if head.epoch > 1 { #expect(try entries(head.epoch - 1) == 0) }
            epochs.append(head.epoch)
            last = document
        }
        // Some 12 chunks are in use: every second or third release has twice as many behind it.
        #expect(try #require(epochs.last) >= 4 && epochs.first == 1, "\(epochs)")
    }

    @Test("After any collection every chunk of every kept blob is found with its right bytes")
    func everyChunk() throws {
        for round in 0..<(Self.isLong ? 40 : 4) {
            let seed = UInt64(round) &* 7_919 &+ 11
            print("collection property: seed \(seed)")
            var random = Random(state: seed)
            let fleet = try TestFleet()
            let store = try fleet.store("origin")
            let sets = [("pool", try fleet.source("a")), ("iso", try fleet.source("b"))]
            // Pieces that files are made of: so files share chunks, long ones and whole small files.
            let pieces = (0..<6).map { Bytes.random(90_000 + 40_000 * $0, seed: seed &+ UInt64($0)) }
            for step in 0..<10 {
                let (set, tree) = sets[random.below(2)]
                for _ in 0..<4 {
                    let path = "f\(random.below(6))"
                    if random.below(4) == 0, try tree.folder.unlinkIfPresent(path) { continue }
                    let bytes = (0..<(1 + random.below(4))).flatMap { _ in pieces[random.below(6)] }
                    try tree.write(path, bytes, isExecutable: random.below(3) == 0, modified: Int64(random.below(5)))
                }
                let options = IngestOptions(
                    profile: set == "iso" ? .images : .standard,
                    trees: TreePolicy(keepReleases: 1 + random.below(3), lingerSeconds: 0))
                try fleet.publish(tree, to: store, set: set, options: options)
                if random.below(3) > 0 || step == 9 {
                    #expect(try store.collect(CollectionOptions(findsLitter: true)).isComplete)
                    try expectWhole(store, in: fleet.data("origin"))
                }
            }
            for (set, tree) in sets where try store.head(set: set) != nil {
                try fleet.expectServed("origin", tree, set: set)
            }
            // Nothing is left that nothing names.
            let sizes = Dictionary(try entries(of: store).map { ($0.blob, $0.size) }) { size, _ in size }
            #expect(try store.usage().blobs == UInt64(sizes.count))
            #expect(try store.usage().storeBytes == sizes.values.reduce(0, +))
        }
    }

    @Test("A collection beside publishes, fetches and verifies of other sets disturbs none of them")
    func besideEverything() throws {
        let fleet = try TestFleet()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let shared = Shared()
        let rounds = Self.isLong ? 60 : 12
        OwnThreads.run(5) { worker in
            switch worker {
            case 0, 1:
                shared.note("sync \(worker)") {
                    let tree = try fleet.source("source\(worker)")
                    for number in 0..<rounds {
                        // Old content comes back: what is about to be collected is needed again.
                        try tree.write(
                            "f\(number % 3)", Bytes.random(400_000, seed: UInt64(number % 4)),
                            modified: Int64(number % 5))
                        guard
                            let release = try fleet.publish(
                                tree, to: origin, set: "set\(worker)",
                                options: IngestOptions(trees: TreePolicy(keepReleases: 1, lingerSeconds: 0)))
                        else { continue }
                        let session = try mirror.beginFetch(release)
                        _ = try fleet.fill(session, from: origin, usesChangeset: number % 2 == 0)
                        _ = try session.finish(TreePolicy(keepReleases: 1, lingerSeconds: 0))
                        try fleet.expectServed("mirror", tree, set: "set\(worker)")
                    }
                }
                if worker == 0 { shared.isDone.store(true, ordering: .releasing) }
            case 2, 3:
                shared.note("collect") {
                    while !shared.isDone.load(ordering: .acquiring) {
                        _ = try (worker == 2 ? origin : mirror).collect(CollectionOptions(findsLitter: true))
                        shared.passes.wrappingAdd(1, ordering: .relaxed)
                    }
                }
            default:
                shared.note("verify") {
                    while !shared.isDone.load(ordering: .acquiring) {
                        let found = try mirror.verify(.quick)
                        if !found.unreferencedBadBlobs.isEmpty { throw StoreError.notFound("\(found)") }
                    }
                }
            }
        }
        #expect(shared.failures.withLock { $0 } == [])
        print("collection beside everything: \(shared.passes.load(ordering: .relaxed)) passes")
        for (name, store) in [("origin", origin), ("mirror", mirror)] {
            #expect(try store.collect(CollectionOptions(findsLitter: true)).isComplete)
            try expectWhole(store, in: fleet.data(name))
            #expect(try store.verify(.full).isClean)
        }
    }

    @Test("A session that has not said what it needs holds up the sweep")
    func waits() throws {
        let (fleet, store) = try withOldRelease()
        let session = try store.beginIngest(set: "other")
        let held = try store.collect(CollectionOptions(patience: .milliseconds(40)))
        #expect(!held.isComplete && held.waitedFor == ["other"] && held.blobs == 0)
        session.abandon()
        #expect(try store.collect().blobs == 1)
        _ = fleet
    }

    @Test("What a reader has pinned stays until it lets go")
    func pinned() throws {
        let (fleet, store) = try withOldRelease()
        var pin = try store.pin(set: "pool", sequence: 1)
        let root = try #require(pin?.root)
        #expect(try store.collect().blobs == 0)
        #expect(try store.sequences(set: "pool") == [1, 2])
        #expect(try store.node(root) != nil)
        pin = nil
        #expect(try store.collect().blobs == 1)
        #expect(try store.pin(set: "pool", sequence: 1) == nil)
        _ = fleet
    }

    @Test("What an interrupted fetch has stored stays, also after a restart, until a newer release comes")
    func unfinished() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        try tree.write("a", Bytes.random(2_000_000, seed: 1))
        let first = try #require(try fleet.publish(tree, to: origin))
        var mirror: Store? = try fleet.store("mirror")
        try fleet.fetch(first, from: origin, to: try #require(mirror))
        try tree.write("b", Bytes.random(3_000_000, seed: 2))
        try tree.write("c", Bytes.random(70_000_000, seed: 3))
        let second = try #require(try fleet.publish(tree, to: origin))
        // Enough for a group, which is then durable without any release that names it.
        do {
            let session = try #require(mirror).beginFetch(second)
            let moved = try fleet.fill(session, from: origin, chunkLimit: 0)
            let missing = try #require(moved.needs?.missing)
            for chunk in missing.dropLast() { _ = try fleet.supply([chunk], to: session, from: origin) }
            session.suspend()
        }
        #expect(try #require(mirror).usage().blobs == 2)
        mirror?.close()
        mirror = nil
        let again = try fleet.store("mirror")
        #expect(try again.collect(CollectionOptions(findsLitter: true)).blobs == 0)
        let moved = try fleet.fetch(second, from: origin, to: again)
        #expect(moved.chunks <= 1)
        try fleet.expectServed("mirror", tree)
    }

    @Test("Files that a crash left without rows are found and removed, by their note or by their name")
    func litter() throws {
        let (fleet, store) = try withOldRelease()
        let variant = BlobVariant(digest: BlobDigest(BLAKE3.hash([1])), modified: 5, isExecutable: false)
        let data = try Folder.open(fleet.data("origin"))
        let path = Array(".store/blobs/".utf8) + variant.relativePath
        try data.createFile(path, mode: 0o644).write([1], at: 0)
        let before = try store.collect()
        #expect(before.litterFiles == 0)
        #expect(try data.stat(path) != nil)
        let outcome = try store.collect(CollectionOptions(findsLitter: true))
        #expect(outcome.litterFiles == 1 && outcome.litterBytes == 1)
        #expect(try data.stat(path) == nil)
    }

    @Test("A manifest that cannot be read stops the collection: nobody knows what it needs")
    func damagedManifest() throws {
        let (fleet, store) = try withOldRelease()
        try Connection(path: "\(fleet.data("origin"))/.store/store.db", migrations: StoreSchema.migrations)
            .run("DELETE FROM node WHERE digest = (SELECT root FROM release WHERE sequence = 2)")
        let failure = #expect(throws: StoreError.self) { try store.collect() }
        #expect("\(try #require(failure))".contains("nothing was collected"))
        #expect(try store.usage().blobs == 2)
    }

    // MARK: Places

    /// A store whose first release has a blob of its own, and keeps only the second.
    private func withOldRelease() throws -> (TestFleet, Store) {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let store = try fleet.store("origin")
        for number in 1...2 {
            try tree.write("file", Bytes.random(10_000, seed: UInt64(number)), modified: Int64(number))
            try fleet.publish(
                tree, to: store, options: IngestOptions(trees: TreePolicy(keepReleases: 1, lingerSeconds: 0)))
        }
        return (fleet, store)
    }

    private func entries(of store: Store) throws -> [ManifestEntry] {
        var entries: [ManifestEntry] = []
        for set in try store.sets() {
            for sequence in try store.sequences(set: set) {
                let document = try #require(try store.releaseDocument(set: set, sequence: sequence))
                let root = try ReleaseDocument(decoding: document).manifest.digest
                try ManifestTree.forEachEntry(root: root, source: { try store.node($0) }) { entry in
                    if entry.type == .file { entries.append(entry) }
                    return true
                }
            }
        }
        return entries
    }

    private func blobs(of store: Store) throws -> Set<BlobDigest> { Set(try entries(of: store).compactMap(\.blob)) }

    /// Every file of every held release is there, and every chunk of every list resolves to its bytes.
    private func expectWhole(
        _ store: Store, in data: String, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try Folder.open(data)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        for entry in try entries(of: store) {
            let blob = try #require(entry.blob)
            let variant = BlobVariant(digest: blob, modified: entry.modified, isExecutable: entry.isExecutable)
            #expect(
                try folder.stat(Array(".store/blobs/".utf8) + variant.relativePath) != nil,
                "no file of \(entry.path)", sourceLocation: location)
            var chunks = [ChunkDigest(blob.raw)]
            if let list = entry.chunkList {
                chunks = try ChunkList(decoding: try #require(try store.chunkList(list))).chunks.map(\.digest)
            } else if entry.size == 0 {
                continue
            }
            for (chunk, place) in zip(chunks, try store.locate(chunks)) {
                guard let place else {
                    Issue.record("chunk \(chunk) of \(entry.path) is not found", sourceLocation: location)
                    continue
                }
                try store.read(place, into: buffer)
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<Int(place.length)])
                #expect(BLAKE3.hash(bytes) == chunk.raw, "wrong bytes of \(entry.path)", sourceLocation: location)
            }
        }
    }
}

/// What the workers of a test share.
private final class Shared: Sendable {
    let isDone = Atomic<Bool>(false)
    let failures = Mutex<[String]>([])
    let passes = Atomic<Int>(0)

    func note(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch { failures.withLock { $0.append("\(what): \(error)") } }
    }
}

/// Threads of their own: what waits for another one must not take the place of it in a pool.
private enum OwnThreads {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` with 0 to `count` - 1, side by side; returns when all have.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        var threads: [pthread_t] = []
        for number in 0..<count {
            var thread = pthread_t()
            let work = Unmanaged.passRetained(Work { body(number) })
            let error = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, work.toOpaque())
            precondition(error == 0, "no thread: \(error)")
            threads.append(thread)
        }
        for thread in threads { pthread_join(thread, nil) }
    }
}

/// SplitMix64.
private struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(limit))
    }
}
