import Content
import Hashing
import LinuxIO
import Store
import Testing
import Trust

@Suite struct RebuildTests {
    /// An origin and a mirror with two releases of a set.
    private struct Scene {
        let fleet: TestFleet
        let tree: SourceTree
        let origin: Store
        let mirror: Store
        let head: VerifiedRelease
        var options = IngestOptions(digests: [.sha512, .sha256])

        init() throws {
            fleet = try TestFleet()
            tree = try fleet.source()
            try tree.fill()
            (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
            let first = try #require(try fleet.publish(tree, to: origin, options: options))
            try fleet.fetch(first, from: origin, to: mirror)
            try tree.write("large.iso", Bytes.random(2_000_000, seed: 99), modified: 1_650_000_000)
            head = try #require(try fleet.publish(tree, to: origin, options: options))
            try fleet.fetch(head, from: origin, to: mirror)
        }

        func top(_ name: String) throws -> Folder { try Folder.open("\(fleet.data(name))/.store") }

        func loseDatabase(of name: String) throws {
            for file in ["store.db", "store.db-wal", "store.db-shm"] { try top(name).unlinkIfPresent(file) }
        }

        func rebuild(_ name: String) throws -> RebuildOutcome {
            try Store.rebuild(data: fleet.data(name), verify: fleet.check)
        }

        func change(_ seed: UInt64) throws -> VerifiedRelease? {
            try tree.write("fresh", Bytes.random(300_000, seed: seed), modified: Int64(seed))
            return try fleet.publish(tree, to: origin, options: options)
        }
    }

    @Test("A mirror whose database is gone knows all it served again, and fetches nothing twice")
    func lostDatabase() throws {
        let scene = try Scene()
        scene.mirror.close()
        try scene.loseDatabase(of: "mirror")
        let error = #expect(throws: StoreError.self) { try scene.fleet.store("mirror") }
        #expect(error?.description.contains("fleet-agent rebuild") == true)
        try scene.fleet.expectServed("mirror", scene.tree)

        let outcome = try scene.rebuild("mirror")
        #expect(outcome.isComplete, "\(outcome)")
        #expect(outcome.releases.map(\.sequence) == [1, 2] && outcome.releases.map(\.isServed) == [false, true])
        let mirror = try scene.fleet.store("mirror")
        let served = try #require(try mirror.served(set: "pool"))
        #expect(served.sequence == 2 && served.release == scene.head.digest && served.verifiedAt != nil)
        #expect(try mirror.head(set: "pool")?.root == scene.head.document.manifest.digest)
        #expect(try mirror.releaseDocument(set: "pool") == scene.head.bytes)
        #expect(try mirror.verify(.full).isClean)

        // It is a full source for others,
        let other = try scene.fleet.store("other")
        try scene.fleet.fetch(scene.head, from: mirror, to: other)
        try scene.fleet.expectServed("other", scene.tree)
        // also of the changeset, and takes the next release by its own.
        let changeset = try #require(scene.head.document.changeset)
        #expect(try mirror.changeset(changeset.digest).map { Changeset.digest(of: $0) } == changeset.digest)
        let third = try #require(try scene.change(3))
        let moved = try scene.fleet.fetch(third, from: scene.origin, to: mirror)
        #expect(moved.usedChangeset && moved.bytes == 300_000)
        try scene.fleet.expectServed("mirror", scene.tree)
    }

    @Test("An origin whose database is gone publishes on, in a new epoch of its chunk log")
    func lostOrigin() throws {
        let scene = try Scene()
        scene.origin.close()
        try scene.loseDatabase(of: "origin")
        #expect(try scene.rebuild("origin").isComplete)
        let origin = try scene.fleet.store("origin")
        try scene.tree.write("fresh", Bytes.random(300_000, seed: 5), modified: 5)
        let third = try #require(try scene.fleet.publish(scene.tree, to: origin, options: scene.options))
        #expect(third.document.canFollow(scene.head.document))
        #expect(third.document.chunkLog.epoch == scene.head.document.chunkLog.epoch + 1)
        let moved = try scene.fleet.fetch(third, from: origin, to: scene.mirror)
        #expect(moved.usedChangeset && moved.bytes == 300_000)
        try scene.fleet.expectServed("mirror", scene.tree)
    }

    @Test("A damaged database is refused by name, and kept beside the one that is made again")
    func damagedDatabase() throws {
        let scene = try Scene()
        scene.mirror.close()
        let file = try scene.top("mirror").openFile("store.db", writable: true)
        try file.write([UInt8](repeating: 0x5a, count: 8192), at: 0)
        // Its log has these pages too, and would put them right.
        for name in ["store.db-wal", "store.db-shm"] { try scene.top("mirror").unlinkIfPresent(name) }
        let error = #expect(throws: StoreError.self) { try scene.fleet.store("mirror") }
        #expect(error?.description.contains("damaged") == true)
        #expect(error?.description.contains("fleet-agent rebuild") == true)
        let outcome = try scene.rebuild("mirror")
        #expect(outcome.isComplete)
        let old = try #require(outcome.oldDatabase)
        #expect(try OpenFile.open(Array(old.utf8)).read(1, at: 0) == [0x5a])
        _ = try scene.fleet.store("mirror")
    }

    @Test("A blob that has rotted goes to quarantine, and the next sync brings it and nothing else")
    func rottenBlob() throws {
        let scene = try Scene()
        scene.mirror.close()
        try scene.loseDatabase(of: "mirror")
        let path = "\(scene.fleet.data("mirror"))/.releases/pool/2/large.iso"
        let file = try Folder.open(scene.fleet.data("mirror")).openFile(".releases/pool/2/large.iso", writable: true)
        try file.write([0, 1, 2, 3], at: 1_000_000)
        try file.setModified(FileTime(seconds: 1_650_000_000))
        let outcome = try scene.rebuild("mirror")
        #expect(outcome.bad.count == 1 && !outcome.isComplete)
        #expect(outcome.releases.map { $0.fault == nil } == [true, false], "\(outcome.releases)")
        #expect(outcome.releases.last?.fault?.contains("large.iso") == true)
        let mirror = try scene.fleet.store("mirror")
        #expect(try mirror.served(set: "pool")?.verifiedAt == nil)
        #expect(try mirror.badPaths(set: "pool").map { "\($0.path)" } == ["large.iso"])
        #expect(throws: FileError.self, "wrong bytes are still served") { try OpenFile.open(Array(path.utf8)) }
        let moved = try scene.fleet.fetch(scene.head, from: scene.origin, to: mirror)
        #expect(moved.bytes == 2_000_000)
        try scene.fleet.expectServed("mirror", scene.tree)
        #expect(try OpenFile.open(Array(path.utf8)).attributes().size == 2_000_000)
    }

    @Test("Without the files of signed releases the next sync brings these, and no chunk")
    func lostReleaseFiles() throws {
        let scene = try Scene()
        scene.mirror.close()
        try scene.loseDatabase(of: "mirror")
        try scene.top("mirror").removeTree("releases")
        let outcome = try scene.rebuild("mirror")
        #expect(outcome.unknownSets == ["pool"] && !outcome.isComplete)
        try scene.fleet.expectServed("mirror", scene.tree)
        let mirror = try scene.fleet.store("mirror")
        let moved = try scene.fleet.fetch(scene.head, from: scene.origin, to: mirror)
        #expect(moved.chunks == 0 && moved.nodes > 0)
        try scene.fleet.expectServed("mirror", scene.tree)
        #expect(try mirror.served(set: "pool")?.sequence == 2)
    }

    @Test("Blobs that two sets cut by different profiles are known by the chunks of both")
    func twoProfiles() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let origin = try fleet.store("origin")
        let images = try #require(
            try fleet.publish(tree, to: origin, set: "images", options: IngestOptions(profile: .images)))
        let pool = try #require(try fleet.publish(tree, to: origin, set: "pool"))
        origin.close()
        for file in ["store.db", "store.db-wal", "store.db-shm"] {
            try Folder.open("\(fleet.data("origin"))/.store").unlinkIfPresent(file)
        }
        #expect(try Store.rebuild(data: fleet.data("origin"), verify: fleet.check).isComplete)
        let source = try fleet.store("origin")
        let mirror = try fleet.store("mirror")
        try fleet.fetch(images, from: source, to: mirror)
        let other = try fleet.store("other")
        try fleet.fetch(pool, from: source, to: other)
        try fleet.expectServed("mirror", tree, set: "images")
        try fleet.expectServed("other", tree, set: "pool")
    }

    @Test("It is refused while an agent runs, and where there is no store")
    func refusals() throws {
        let scene = try Scene()
        let locked = #expect(throws: StoreError.self) { try scene.rebuild("mirror") }
        #expect(locked?.isBusy == true && locked?.description.contains("stop it first") == true)
        _ = try scene.fleet.folder.folder.makeFolder("nothing")
        let missing = #expect(throws: StoreError.self) { try scene.rebuild("nothing") }
        #expect(missing?.description.contains("holds no store") == true)
    }

    @Test("A rebuild that was cut off between its two databases is begun again")
    func cutOff() throws {
        let scene = try Scene()
        scene.mirror.close()
        try scene.loseDatabase(of: "mirror")
        for name in ["store.db.rebuild", "store.db.rebuild-wal"] {
            try scene.top("mirror").createFile(name).write([1, 2, 3], at: 0)
        }
        #expect(try scene.rebuild("mirror").isComplete)
        #expect(try scene.top("mirror").stat("store.db.rebuild-wal") == nil)
    }
}
