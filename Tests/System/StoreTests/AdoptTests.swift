import Content
import Glibc
import LinuxIO
import Store
import Testing
import Trust

@Suite struct AdoptTests {
    /// A mirror's store with the tree of an rsync mirror where the set's link will be, and an origin with a release that
    /// differs from it in one file.
    private struct Place {
        let fleet: TestFleet
        let origin: Store
        let mirror: Store
        let tree: SourceTree
        let old: SourceTree
        let release: VerifiedRelease

        init() throws {
            fleet = try TestFleet()
            (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
            tree = try fleet.source()
            old = try fleet.source("mirror/pool")
            try tree.fill()
            try old.fill()
            try tree.write("README", Array("news\n".utf8), modified: 1_650_000_000)
            try tree.setFolderTimes()
            release = try #require(try fleet.publish(tree, to: origin))
        }

        func inode(_ path: String) throws -> UInt64? {
            try Folder.open(fleet.data("mirror")).stat(path)?.inode
        }
    }

    @Test("Of a tree that is there only what differs is fetched, its files become the served ones, and it is kept")
    func firstSync() throws {
        let place = try Place()
        let before = try TreeSnapshot(place.old.folder)
        let wanted = try place.inode("pool/very/large.img")
        let outcome = try place.mirror.adopt(set: "pool", source: place.old.path)
        #expect(try TreeSnapshot(place.old.folder) == before)
        #expect(outcome.linkedFiles == outcome.files && outcome.left == 0)
        let kept = place.fleet.data("mirror") + "/.adopted/pool"
        #expect(outcome.keptAs == kept)
        let moved = try place.fleet.fetch(place.release, from: place.origin, to: place.mirror)
        #expect(moved.chunks == 1 && moved.bytes == 5)
        try place.fleet.expectServed("mirror", place.tree)
        let data = try Folder.open(place.fleet.data("mirror"))
        #expect(try data.subfolder(data.readLink("pool")).stat("very/large.img")?.inode == wanted)
        #expect(try TreeSnapshot(Folder.open(kept)) == before)
        #expect(try place.mirror.verify(.full).isClean)
    }

    @Test("A second run reads nothing again, also after another process had the store; a changed file is read")
    func again() throws {
        let place = try Place()
        let first = try place.mirror.adopt(set: "pool", source: place.old.path)
        var read: UInt64 = .max
        let second = try place.mirror.adopt(set: "pool", source: place.old.path) { read = $0.readBytes }
        #expect(read == 0 && second.knownFiles == second.files)
        #expect(second.linkedFiles == first.linkedFiles && second.keptAs == first.keptAs)
        try place.old.write("README", Array("other\n".utf8), modified: 1_660_000_000)
        let third = try place.mirror.adopt(set: "pool", source: place.old.path) { read = $0.readBytes }
        #expect(read == 6 && third.knownFiles == third.files - 1)
    }

    @Test("What was adopted is not collected before the first release, and what it does not name is after it")
    func collection() throws {
        let place = try Place()
        let other = try place.fleet.source("other")
        try other.write("x", Bytes.random(1_000, seed: 5))
        try place.old.write("only-here", Bytes.random(2_000_000, seed: 6))
        _ = try place.mirror.adopt(set: "pool", source: place.old.path)
        try place.fleet.publish(other, to: place.mirror, set: "other")
        #expect(try place.mirror.collect(CollectionOptions(findsLitter: true)).blobs == 0)
        let moved = try place.fleet.fetch(place.release, from: place.origin, to: place.mirror)
        #expect(moved.chunks == 1)
        // README as it was, and the file that only the old tree had.
        #expect(try place.mirror.collect().blobs == 2)
        #expect(try place.mirror.verify(.full).isClean)
    }

    @Test("What cannot be linked as it is is left alone, counted and untouched")
    func left() throws {
        let fleet = try TestFleet()
        let mirror = try fleet.store("mirror")
        let tree = try fleet.source()
        try tree.write("good", [1])
        try tree.write("private", [2])
        #expect(chmod("\(tree.path)/private", 0o600) == 0)
        #expect(mkfifo("\(tree.path)/fifo", 0o644) == 0)
        try tree.write("equal", [1])
        let outcome = try mirror.adopt(set: "pool", source: tree.path)
        #expect(outcome.files == 3 && outcome.linkedFiles == 1 && outcome.heldFiles == 1)
        #expect(outcome.otherMode == 1 && outcome.unusable == 1 && outcome.keptAs == nil)
        #expect(try tree.folder.stat("private")?.permissions == 0o600)
    }

    @Test("A set that is served, and a folder that nobody adopted, are refused with a word that helps")
    func refused() throws {
        let place = try Place()
        #expect(throws: StoreError.pathTaken(data: place.fleet.data("mirror"), set: "pool")) {
            try place.fleet.fetch(place.release, from: place.origin, to: place.mirror)
        }
        #expect(try TreeSnapshot(place.old.folder).entries.count > 10)
        #expect(throws: StoreError.alreadyServed(set: "pool", sequence: 1)) {
            try place.origin.adopt(set: "pool", source: place.tree.path)
        }
        // Adopted after all, it goes on without fetching again.
        _ = try place.mirror.adopt(set: "pool", source: place.old.path)
        #expect(try place.fleet.fetch(place.release, from: place.origin, to: place.mirror).chunks <= 1)
        try place.fleet.expectServed("mirror", place.tree)
    }

    @Test("Neither an adoption nor a publish by links crosses file systems")
    func otherFileSystem() throws {
        let fleet = try TestFleet()
        let store = try fleet.store("origin")
        var template = Array("/dev/shm/mirrorfleet-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = try Folder.open(path)
        defer {
            try? folder.removeContents()
            rmdir(path)
        }
        let home = try fleet.folder.folder.attributes().device
        guard try folder.attributes().device != home else { return print("one file system only: not tried") }
        try folder.createFile("file").write([1, 2, 3], at: 0)
        #expect(throws: StoreError.otherFileSystem(shownPath: path)) { try store.adopt(set: "pool", source: path) }
        #expect(throws: StoreError.otherFileSystem(shownPath: path)) {
            try store.beginIngest(set: "pool", options: IngestOptions(mode: .link)).run(source: path)
        }
    }
}
