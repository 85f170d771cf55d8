import Content
import Hashing
import LinuxIO
import Store
import Testing
import Trust

@Suite struct PublishFetchTests {
    @Test("A published tree is served as it is, on the origin and on a mirror")
    func thinPath() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let before = try TreeSnapshot(tree.folder)
        let phases = Phases()
        let origin = try fleet.store("origin", phases)
        let release = try #require(try fleet.publish(tree, to: origin))
        #expect(try TreeSnapshot(tree.folder) == before)
        try fleet.expectServed("origin", tree)
        #expect(try origin.served(set: "pool")?.sequence == 1)
        #expect(try origin.served(set: "pool")?.root == release.document.manifest.digest)

        let mirror = try fleet.store("mirror")
        let moved = try fleet.fetch(release, from: origin, to: mirror)
        #expect(moved.served?.root == release.document.manifest.digest)
        #expect(moved.nodes > 0 && moved.lists == 2)
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.head(set: "pool") == origin.head(set: "pool"))
        #expect(try mirror.releaseDocument(set: "pool") == release.bytes)
        let order: [StorePhase] = [
            .ingestScan, .ingestManifest, .variants, .closure, .holdRelease, .treeLink, .treeSync, .treeRename, .flip,
            .flipSync, .head, .cleanUp,
        ]
        try origin.tendTrees(of: "pool", TreePolicy())
        #expect(phases.all.filter { order.contains($0) } == order)
    }

    @Test("The served tree and the store share their inodes")
    func sharedInodes() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("file", [1, 2, 3])
        let origin = try fleet.store("origin")
        try fleet.publish(tree, to: origin)
        let data = try Folder.open(fleet.data("origin"))
        let served = try #require(try data.subfolder(data.readLink("pool")).stat("file"))
        let variant = BlobVariant(
            digest: BlobDigest(BLAKE3.hash([1, 2, 3])), modified: SourceTree.then, isExecutable: false)
        #expect(try data.stat(Array(".store/blobs/".utf8) + variant.relativePath)?.inode == served.inode)
        #expect(served.links == 2)
        #expect(served.permissions == 0o644)
    }

    @Test("An update comes by its changeset, and only new chunks move")
    func update() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let first = try #require(try fleet.publish(tree, to: origin))
        try fleet.fetch(first, from: origin, to: mirror)

        try tree.write("README", Array("changed\n".utf8), modified: 1_650_000_000)
        try tree.folder.unlink("a/c")
        try tree.folder.rename("very", to: "moved")
        try tree.setFolderTimes()
        let second = try #require(try fleet.publish(tree, to: origin))
        #expect(second.document.changeset != nil)
        #expect(second.document.chunkLog.size == first.document.chunkLog.size + 1)
        let moved = try fleet.fetch(second, from: origin, to: mirror)
        #expect(moved.usedChangeset && moved.nodes == 0 && moved.lists == 0)
        #expect(moved.chunks == 1 && moved.bytes == 8)
        try fleet.expectServed("mirror", tree)
        try fleet.expectServed("origin", tree)
        #expect(try mirror.sequences(set: "pool") == [1, 2])
    }

    @Test("Without the changeset the walk leads to the same tree")
    func walk() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        try tree.write("new/file", [9])
        let second = try #require(try fleet.publish(tree, to: origin))
        let moved = try fleet.fetch(second, from: origin, to: mirror, usesChangeset: false)
        #expect(!moved.usedChangeset && moved.nodes > 0)
        try fleet.expectServed("mirror", tree)
    }

    /// A large file that a mirror serves, and the next release of it, which differs in a few bytes.
    private struct ChangedImage {
        let fleet: TestFleet
        let tree: SourceTree
        let origin: Store
        let mirror: Store
        let bytes: [UInt8]
        let release: VerifiedRelease

        init() throws {
            fleet = try TestFleet()
            tree = try fleet.source()
            var bytes = Bytes.random(12_000_000, seed: 3)
            try tree.write("image", bytes)
            (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
            try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
            for index in 5_000_000..<5_000_100 { bytes[index] ^= 0xff }
            try tree.write("image", bytes, modified: 1_650_000_000)
            release = try #require(try fleet.publish(tree, to: origin))
            self.bytes = bytes
        }
    }

    @Test("A changed part of a large file moves alone; the rest is copied from what is held")
    func partOfLargeFile() throws {
        let scene = try ChangedImage()
        let moved = try scene.fleet.fetch(scene.release, from: scene.origin, to: scene.mirror)
        let needs = try #require(moved.needs)
        #expect(needs.missingBytes <= 3 << 20 && needs.missingBytes > 0)
        #expect(needs.reusedBytes + needs.missingBytes == 12_000_000)
        try scene.fleet.expectServed("mirror", scene.tree)
    }

    @Test("What is held is copied while other chunks come; what has rotted comes from elsewhere too")
    func heldMeanwhile() throws {
        let scene = try ChangedImage()
        let (fleet, origin) = (scene.fleet, scene.origin)
        let rotten: UInt64 = 9_000_000
        let served = try Folder.open(fleet.data("mirror")).openFile(".releases/pool/1/image", writable: true)
        try served.write([scene.bytes[Int(rotten)] ^ 1], at: rotten)

        let session = try scene.mirror.beginFetch(scene.release)
        let needs = try #require(try fleet.fill(session, from: origin, copiesHeld: false).needs)
        // Everything that was missing came, and the release is not whole yet.
        #expect(session.progress.chunksMissing == Int(needs.reusedChunks))
        #expect(session.progress.bytesTotal == 12_000_000)
        #expect(session.progress.bytesDone == needs.missingBytes)
        #expect(throws: StoreError.missingChunks(set: "pool", count: Int(needs.reusedChunks))) {
            try session.finish()
        }
        var slices: [[ChunkReference]] = []
        while let more = try session.copyHeld(atMost: 1 << 20) {
            slices.append(more)
            #expect(session.progress.bytesDone < 12_000_000)
        }
        #expect(slices.count > 5)
        // Pieces are hashed as parts of the blob alone: only its digest tells that one was wrong.
        let lost = try #require(slices.last)
        #expect(lost.count == 1)
        #expect(slices.dropLast().flatMap { $0 } == [])
        #expect(session.progress.chunksMissing == 1)
        #expect(session.progress.chunksFetched == needs.missing.count)
        #expect(session.progress.bytesDone == 12_000_000 - UInt64(lost[0].length))
        #expect(try fleet.supply(lost, to: session, from: origin).isEmpty)
        #expect(session.progress.bytesDone == 12_000_000)
        _ = try session.finish()
        try fleet.expectServed("mirror", scene.tree)
    }

    @Test("A chunk that another set holds is not fetched")
    func otherSet() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        let other = try #require(
            try fleet.publish(tree, to: origin, set: "iso", options: IngestOptions(profile: .images)))
        let moved = try fleet.fetch(other, from: origin, to: mirror)
        #expect(moved.chunks == 0)
        #expect(moved.lists == 2)
        try fleet.expectServed("mirror", tree, set: "iso")
        // The chunks of the other profile are offered too, although the blobs came with the first set.
        let chunks = try ChunkList(
            decoding: try #require(
                try mirror.chunkList(try list(of: "large.iso", other.document.manifest.digest, mirror)))
        ).chunks
        #expect(try mirror.locate(chunks.map(\.digest)).allSatisfy { $0 != nil })
        #expect(try mirror.sets() == ["iso", "pool"])
    }

    private func list(of path: String, _ root: NodeDigest, _ store: Store) throws -> ChunkListDigest {
        let entry = try ManifestTree.entry(at: RelativePath(path), root: root, source: { try store.node($0) })
        return try #require(entry?.chunkList)
    }

    @Test("An empty tree, and one that becomes empty, are releases")
    func emptyTree() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let first = try #require(try fleet.publish(tree, to: origin))
        try fleet.fetch(first, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
        try tree.write("x", [1])
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        try tree.folder.unlink("x")
        let third = try #require(try fleet.publish(tree, to: origin))
        #expect(third.document.manifest == first.document.manifest)
        try fleet.fetch(third, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
    }

    @Test("Old trees go, the newest stay, and the link is read back each time")
    func keptTrees() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        let policy = TreePolicy(keepReleases: 2, lingerSeconds: 0)
        for number in 1...4 {
            try tree.write("file", [UInt8(number)], modified: Int64(number))
            _ = try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
            try origin.tendTrees(of: "pool", policy)
        }
        let data = try Folder.open(fleet.data("origin"))
        #expect(try data.subfolder(".releases/pool").list().map(\.name) == [Array("3".utf8), Array("4".utf8)])
        try data.replaceSymlink(Array(".releases/pool/3".utf8), at: Array("pool".utf8), by: Array("x".utf8))
        #expect(try origin.served(set: "pool")?.sequence == 3)
        try data.replaceSymlink(Array(".releases/pool/1".utf8), at: Array("pool".utf8), by: Array("x".utf8))
        #expect(try origin.served(set: "pool") == nil)
    }

    @Test("A proof of a path verifies against the release's root")
    func proof() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let origin = try fleet.store("origin")
        let release = try #require(try fleet.publish(tree, to: origin))
        let proof = try origin.proof(set: "pool", path: RelativePath("bin/run"))
        #expect(try proof.verify(root: release.document.manifest.digest)?.isExecutable == true)
        let absence = try origin.proof(set: "pool", sequence: 1, path: RelativePath("bin/walk"))
        #expect(try absence.verify(root: release.document.manifest.digest) == nil)
        #expect(throws: StoreError.self) { try origin.proof(set: "pool", sequence: 2, path: RelativePath("x")) }
    }
}
