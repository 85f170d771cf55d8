import Content
import Database
import Hashing
import LinuxIO
import Store
import Testing
import Trust

@Suite struct DamageTests {
    /// Two stores that hold a first release, and a second one that the mirror does not have yet.
    private struct Scene {
        let fleet: TestFleet
        let tree: SourceTree
        let origin: Store
        let mirror: Store
        let second: VerifiedRelease

        init() throws {
            fleet = try TestFleet()
            tree = try fleet.source()
            try tree.fill()
            (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
            try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
            try tree.write("large.iso", Bytes.random(2_000_000, seed: 99), modified: 1_650_000_000)
            second = try #require(try fleet.publish(tree, to: origin))
        }

        func entry(_ path: String) throws -> ManifestEntry {
            let root = second.document.manifest.digest
            return try #require(
                try ManifestTree.entry(at: RelativePath(path), root: root, source: { try origin.node($0) }))
        }

        /// The file of the blob that `path` shows.
        func blobPath(_ path: String) throws -> [UInt8] {
            let entry = try entry(path)
            let variant = BlobVariant(
                digest: try #require(entry.blob), modified: entry.modified, isExecutable: entry.isExecutable)
            return Array(".store/blobs/".utf8) + variant.relativePath
        }

        var data: Folder { get throws { try Folder.open(fleet.data("mirror")) } }

        /// Works on the database as something else than the agent would.
        func run(_ sql: String, _ values: [Value] = []) throws -> Int {
            try Connection(path: "\(fleet.data("mirror"))/.store/store.db", migrations: StoreSchema.migrations)
                .run(sql, values)
        }
    }

    /// Deletes one thing before the flip, and expects that the flip is stopped by name and the next sync repairs it.
    private func expectStopped(_ name: String, _ damage: (Scene) throws -> Void) throws {
        let scene = try Scene()
        let session = try scene.mirror.beginFetch(scene.second)
        _ = try scene.fleet.fill(session, from: scene.origin)
        try damage(scene)
        let error = #expect(throws: StoreError.self) { try session.finish() }
        #expect(error?.description.contains(name) == true, "\(String(describing: error))")
        #expect(try scene.mirror.served(set: "pool")?.sequence == 1)
        #expect(try scene.mirror.head(set: "pool")?.sequence == 1)
        try scene.fleet.fetch(scene.second, from: scene.origin, to: scene.mirror)
        try scene.fleet.expectServed("mirror", scene.tree)
        #expect(try scene.mirror.verify(.full).isClean)
    }

    @Test(
        "A blob deleted before the flip stops it, and the next sync fetches it",
        arguments: ["README", "very/large.img"], [false, true])
    func blobDeleted(path: String, isLookedAtBefore: Bool) throws {
        try expectStopped(path) { scene in
            for folder in isLookedAtBefore ? Store.blobFolders : 0..<0 { try scene.mirror.lookAtBlobFiles(in: folder) }
            try scene.data.unlink(scene.blobPath(path))
        }
    }

    @Test("Several blobs deleted before the flip come back with one sync")
    func blobsDeleted() throws {
        try expectStopped("README") { scene in
            for path in ["README", "a/c", "bin/run", "empty"] { try scene.data.unlink(scene.blobPath(path)) }
        }
    }

    @Test("A blob that was cut short before the flip stops it")
    func blobCut() throws {
        try expectStopped("README") { scene in
            let path = try scene.blobPath("README")
            try scene.data.unlink(path)
            try scene.data.createFile(path).write([1], at: 0)
        }
    }

    @Test("A chunk list deleted before the flip stops it, and the next sync fetches it")
    func chunkListDeleted() throws {
        try expectStopped("chunk list") { scene in
            let list = try #require(try scene.entry("very/large.img").chunkList)
            let count = try scene.run("DELETE FROM chunk_list WHERE digest = ?", [.blob(list.raw.bytes)])
            #expect(count == 1)
        }
    }

    @Test("A manifest node deleted before the flip stops it, and the next sync fetches it")
    func nodeDeleted() throws {
        try expectStopped("manifest node") { scene in
            let root = scene.second.document.manifest.digest
            let count = try scene.run("DELETE FROM node WHERE digest = ?", [.blob(root.raw.bytes)])
            #expect(count == 1)
        }
    }

    @Test("A manifest node with other bytes stops the flip too")
    func nodeDamaged() throws {
        try expectStopped("manifest node") { scene in
            let root = scene.second.document.manifest.digest
            let count = try scene.run("UPDATE node SET bytes = x'00' WHERE digest = ?", [.blob(root.raw.bytes)])
            #expect(count == 1)
        }
    }

    @Test(
        "A flipped byte is found, taken out of service, and repaired as a new inode",
        arguments: ["README", "very/large.img"])
    func rot(path: String) throws {
        let scene = try Scene()
        try scene.fleet.fetch(scene.second, from: scene.origin, to: scene.mirror)
        let data = try scene.data
        let blob = try scene.blobPath(path)
        let before = try #require(try data.stat(blob))
        let file = try data.openFile(blob, writable: true)
        let byte = try file.read(1, at: 2)[0]
        try file.write([byte ^ 1], at: 2)
        try file.setModified(before.modified)

        #expect(try scene.mirror.verify(.quick).isClean)
        let outcome = try scene.mirror.verify(.full)
        #expect(outcome.bad.map(\.path) == [try RelativePath(path)])
        #expect(try scene.mirror.badPaths(set: "pool").map(\.path) == [try RelativePath(path)])
        #expect(try scene.mirror.served(set: "pool")?.verifiedAt == nil)
        for sequence in 1...2 {
            #expect(try data.stat(".releases/pool/\(sequence)/\(path)") == nil)
        }
        #expect(try data.stat(blob) == nil)
        #expect(try data.subfolder(".store/quarantine").list().count == 1)
        let digest = ChunkDigest(try #require(try scene.entry(path).blob).raw)
        #expect(try scene.mirror.locate([digest]) == [nil])
        // Wrong bytes stay out of service until they are repaired.
        #expect(try scene.mirror.verify(.full).bad.map(\.path) == [try RelativePath(path)])

        let moved = try scene.fleet.fetch(scene.second, from: scene.origin, to: scene.mirror)
        #expect(moved.chunks > 0)
        try scene.fleet.expectServed("mirror", scene.tree)
        let after = try #require(try data.stat(blob))
        #expect(after.inode != before.inode)
        #expect(try data.stat(".releases/pool/1/\(path)")?.inode == after.inode)
        #expect(try scene.mirror.badPaths(set: "pool") == [])
        #expect(try scene.mirror.served(set: "pool")?.verifiedAt != nil)
        #expect(try scene.mirror.verify(.full).isClean)
    }

    @Test("A quick look finds what is missing or has another time or mode, and the next sync puts it right")
    func quick() throws {
        let scene = try Scene()
        try scene.fleet.fetch(scene.second, from: scene.origin, to: scene.mirror)
        let data = try scene.data
        let top = ".releases/pool/2"
        try data.unlink("\(top)/README")
        try data.removeTree("\(top)/hollow")
        try data.unlink("\(top)/link")
        try data.makeSymlink("elsewhere", at: "\(top)/link")
        try data.setModified(Array("\(top)/same-1".utf8), FileTime(seconds: 5))
        let outcome = try scene.mirror.verify(.quick, set: "pool")
        let found = Set(outcome.bad.map(\.path.description))
        #expect(found.isSuperset(of: ["README", "hollow", "hollow/inner", "link", "same-1"]))
        try scene.fleet.fetch(scene.second, from: scene.origin, to: scene.mirror)
        try scene.fleet.expectServed("mirror", scene.tree)
        #expect(try scene.mirror.verify(.quick).isClean)
    }

    @Test("The origin repairs itself by publishing the same tree again")
    func originRepairs() throws {
        let scene = try Scene()
        let data = try Folder.open(scene.fleet.data("origin"))
        let file = try data.openFile(scene.blobPath("a/c"), writable: true)
        try file.write([0], at: 0)
        let outcome = try scene.origin.verify(.full)
        #expect(outcome.bad.map(\.path) == [try RelativePath("a/c")])
        #expect(try scene.fleet.publish(scene.tree, to: scene.origin) == nil)
        try scene.fleet.expectServed("origin", scene.tree)
        #expect(try scene.origin.verify(.full).isClean)
    }

    @Test("A verification can be stopped, and says so")
    func cancelled() throws {
        let scene = try Scene()
        var blobs = 0
        let outcome = try scene.mirror.verify(
            .full, progress: { _ in blobs += 1 }, isCancelled: { blobs == 3 })
        #expect(outcome.isCancelled && outcome.files == 3 && !outcome.isClean)
    }
}
