import Content
import Dispatch
import Hashing
import LinuxIO
import Store
import Synchronization
import Testing
import Trust
import TrustSupport

@Suite struct FetchTests {
    @Test("A fetch that was cut off goes on with the chunks that are right in what it had staged")
    func resume() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("large", Bytes.random(30_000_000, seed: 11))
        try tree.write("small", [1, 2, 3])
        let origin = try fleet.store("origin")
        let release = try #require(try fleet.publish(tree, to: origin))
        var mirror = try fleet.store("mirror")
        let session = try mirror.beginFetch(release)
        let first = try fleet.fill(session, from: origin, chunkLimit: 48)
        session.suspend()
        #expect(throws: StoreError.sessionEnded(set: "pool")) { try session.finish() }
        mirror.close()
        mirror = try fleet.store("mirror")

        // One byte of what was staged is torn.
        let staging = try Folder.open("\(fleet.data("mirror"))/.store/staging/pool.fetch")
        let part = try #require(try staging.list().first { $0.name.count == 64 })
        let file = try staging.openFile(part.name, writable: true)
        try file.write([file.read(1, at: 10)[0] ^ 1], at: 10)

        let again = try mirror.beginFetch(release)
        let second = try fleet.fill(again, from: origin)
        #expect(second.needs?.resumedChunks == 47)
        #expect(second.chunks == (first.needs?.missing.count ?? 0) - 47)
        #expect(second.nodes == 0 && second.lists == 0)
        _ = try again.finish()
        try fleet.expectServed("mirror", tree)
        #expect(try Folder.open("\(fleet.data("mirror"))/.store/staging").list().isEmpty)
        #expect(try mirror.verify(.full).isClean)
    }

    @Test("A release that is held is durable and not served; it is flipped to later, also after a restart")
    func hold() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("large", Bytes.random(3_000_000, seed: 21))
        let origin = try fleet.store("origin")
        let release = try #require(try fleet.publish(tree, to: origin))
        var mirror = try fleet.store("mirror")
        let early = try mirror.beginFetch(release)
        #expect(throws: StoreError.self) { try early.hold() }
        _ = try fleet.fill(early, from: origin)
        try early.hold()
        #expect(try mirror.head(set: "pool") == nil && mirror.served(set: "pool") == nil)
        try early.hold()
        early.suspend()
        #expect(throws: StoreError.sessionEnded(set: "pool")) { try early.hold() }
        mirror.close()
        mirror = try fleet.store("mirror")
        #expect(try mirror.head(set: "pool") == nil)
        let session = try mirror.beginFetch(release)
        let again = try fleet.fill(session, from: origin)
        #expect(again.chunks == 0, "what was held is not fetched again")
        try session.hold()
        _ = try session.finish()
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.verify(.full).isClean)
    }

    @Test("A release that takes away too much is refused before a byte of it comes, unless its publisher says so")
    func removals() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for number in 0..<10 { try tree.write("file-\(number)", Bytes.random(3_000, seed: UInt64(number))) }
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let first = try #require(try fleet.publish(tree, to: origin))
        _ = try fleet.fetch(first, from: origin, to: mirror)
        for number in 0..<3 { try tree.folder.unlink("file-\(number)") }
        let second = try #require(try fleet.publish(tree, to: origin))
        let excess = try #require(
            RemovalLimits.standard.excess(
                from: first.document.manifest, to: second.document.manifest,
                removed: RemovedContent(files: 3, bytes: 9_000)))
        let refusal = StoreError.removesTooMuch(set: "pool", sequence: 2, head: 1, excess)
        let session = try mirror.beginFetch(second, removals: .standard)
        #expect(throws: refusal) { _ = try fleet.fill(session, from: origin) }
        session.suspend()
        #expect(try mirror.head(set: "pool")?.sequence == 1)

        // The next release says so of the second: a host that has the first takes it.
        try tree.write("more", [1])
        let third = try #require(try fleet.publish(tree, to: origin, confirmedAt: 2))
        let next = try mirror.beginFetch(third, removals: .standard)
        _ = try fleet.fill(next, from: origin)
        _ = try next.finish()
        try fleet.expectServed("mirror", tree)
        // And it counts for nothing that is taken away after it.
        for number in 3..<6 { try tree.folder.unlink("file-\(number)") }
        let fourth = try #require(try fleet.publish(tree, to: origin, confirmedAt: 2))
        let last = try mirror.beginFetch(fourth, removals: .standard)
        #expect(throws: StoreError.self) { _ = try fleet.fill(last, from: origin) }
        last.suspend()
        let wide = try mirror.beginFetch(fourth, removals: RemovalLimits(maxDelete: 50, maxShrink: 50))
        _ = try fleet.fill(wide, from: origin)
        _ = try wide.finish()
        try fleet.expectServed("mirror", tree)
    }

    @Test(
        "A fetch in small windows brings the same release, also by a changeset and after it was cut off",
        arguments: [1, 3, 7])
    func windows(windowBlobs: Int) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for number in 0..<40 {
            // Every fifth file has the bytes of another one, in another window.
            try tree.write("file-\(number)", Bytes.random(2_000 + number % 35, seed: UInt64(number % 35)))
        }
        try tree.write("large-a", Bytes.random(4_000_000, seed: 91))
        try tree.write("large-b", Bytes.random(3_000_000, seed: 92) + Bytes.random(4_000_000, seed: 91))
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let release = try #require(try fleet.publish(tree, to: origin))

        let session = try mirror.beginFetch(release, windowBlobs: windowBlobs)
        var first = try fleet.fill(session, from: origin, chunkLimit: 0)
        let missing = try #require(first.needs?.missing.count)
        #expect(throws: StoreError.missingChunks(set: "pool", count: missing)) { _ = try session.nextWindow() }
        #expect(try fleet.supply(first.needs?.missing ?? [], to: session, from: origin).isEmpty)
        #expect(throws: StoreError.tooEarly(set: "pool", step: "finishing a fetch")) { _ = try session.finish() }
        #expect(try session.nextWindow())
        first = try fleet.fill(session, from: origin, usesChangeset: false)
        session.suspend()

        // What the first windows brought is not planned again.
        let again = try mirror.beginFetch(release, windowBlobs: windowBlobs)
        var (windows, done) = (0, UInt64(0))
        repeat {
            let moved = try fleet.fill(again, from: origin, usesChangeset: windows == 0)
            #expect(moved.nodes == 0)
            windows += 1
            #expect(again.progress.bytesDone >= done)
            done = again.progress.bytesDone
            #expect(done <= again.progress.bytesTotal)
        } while try again.nextWindow()
        #expect(windows > 1)
        #expect(done == again.progress.bytesTotal)
        _ = try again.finish()
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.verify(.full).isClean)

        for number in 0..<20 { try tree.write("new-\(number)", Bytes.random(3_000, seed: UInt64(200 + number))) }
        let next = try mirror.beginFetch(
            try #require(try fleet.publish(tree, to: origin)), windowBlobs: windowBlobs)
        var chunks = 0
        var isFirst = true
        repeat {
            let moved = try fleet.fill(next, from: origin, usesChangeset: isFirst)
            chunks += moved.chunks
            isFirst = false
        } while try next.nextWindow()
        #expect(chunks == 20)
        _ = try next.finish()
        try fleet.expectServed("mirror", tree)
    }

    @Test("Bytes that a file has in one window and others in the next are fetched once", arguments: [1, 2, 5])
    func sharedByWindows(windowBlobs: Int) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        // Three neighbours each have the same bytes, so that windows end between them.
        for number in 0..<30 {
            try tree.write("file-\(100 + number)", Bytes.random(2_000, seed: UInt64(number / 3)))
        }
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let session = try mirror.beginFetch(
            try #require(try fleet.publish(tree, to: origin)), windowBlobs: windowBlobs)
        var chunks = 0
        repeat {
            chunks += try fleet.fill(session, from: origin, usesChangeset: chunks == 0).chunks
        } while try session.nextWindow()
        #expect(chunks == 10)
        _ = try session.finish()
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.verify(.full).isClean)
    }

    @Test("Chunks in any order, from several threads, make the blobs, also more than are put together at once")
    func anyOrder() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("large", Bytes.random(70_000_000, seed: 31))
        // Parts that several files have, at other places in each.
        let shared = Bytes.random(2_000_000, seed: 32)
        for number in 0..<70 {
            try tree.write("many/\(number)", Bytes.random(400_000 + number, seed: 100 + UInt64(number)) + shared)
        }
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let session = try mirror.beginFetch(try #require(try fleet.publish(tree, to: origin)))
        let needs = try #require(try fleet.fill(session, from: origin, chunkLimit: 0).needs)
        var random = IndexRandom(seed: IndexRandom.seed)
        print("any order: FLEET_SEED=\(IndexRandom.seed)")
        let order = needs.missing.shuffled(using: &random)
        let batches = stride(from: 0, to: order.count, by: 8).map { Array(order[$0..<min($0 + 8, order.count)]) }
        DispatchQueue.concurrentPerform(iterations: batches.count) { index in
            do {
                #expect(try fleet.supply(batches[index], to: session, from: origin).isEmpty)
            } catch {
                Issue.record(error)
            }
        }
        _ = try session.finish()
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.verify(.full).isClean)
    }

    @Test("What was staged for a release given up is removed by the next one")
    func supersededStaging() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("first", Bytes.random(5_000_000, seed: 1))
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let session = try mirror.beginFetch(try #require(try fleet.publish(tree, to: origin)))
        _ = try fleet.fill(session, from: origin, chunkLimit: 3)
        session.suspend()
        try tree.folder.unlink("first")
        try tree.write("second", [1])
        let moved = try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        #expect(moved.chunks == 1)
        #expect(try mirror.usage().blobs == 1)
        try fleet.expectServed("mirror", tree)
    }

    @Test("Wrong bytes for a digest are refused by name and never stored")
    func wrongBytes() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("large", Bytes.random(3_000_000, seed: 4))
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let release = try #require(try fleet.publish(tree, to: origin))
        let session = try mirror.beginFetch(release)
        #expect(throws: StoreError.tooEarly(set: "pool", step: "finishing a fetch")) { try session.finish() }
        session.suspend()

        let again = try mirror.beginFetch(release)
        let node = try #require(try again.neededNodes(limit: 10).first)
        let error = #expect(throws: StoreError.self) { try again.supply(nodes: [(node, [1, 2, 3])]) }
        #expect(error?.description.contains(node.description) == true)
        try again.supply(nodes: [(node, try #require(try origin.node(node)))])
        #expect(try again.neededNodes(limit: 10).isEmpty)

        let list = try #require(try again.neededChunkLists(limit: 10).first)
        #expect(throws: StoreError.self) { try again.supply(chunkLists: [(list, [0, 1])]) }
        try again.supply(chunkLists: [(list, try #require(try origin.chunkList(list)))])

        let needs = try again.prepareChunks()
        let chunk = needs.missing[0]
        let wrong = Bytes.random(Int(chunk.length), seed: 77)
        let stranger = ChunkDigest(BLAKE3.hash(wrong))
        let refused = try wrong.withUnsafeBytes { bytes in
            // Right bytes that nobody asked for are not kept either.
            try again.supply(chunks: [(chunk.digest, bytes)]) + again.supply(chunks: [(stranger, bytes)])
        }
        #expect(refused == [chunk.digest, stranger])
        #expect(throws: StoreError.missingChunks(set: "pool", count: needs.missing.count)) { try again.finish() }
        #expect(try fleet.supply(needs.missing, to: again, from: origin).isEmpty)
        _ = try again.finish()
        try fleet.expectServed("mirror", tree)
    }

    @Test("A chunk that comes twice at once was taken only when it is written")
    func twiceAtOnce() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for number in 0..<100 { try tree.write("\(number)", Bytes.random(30_000, seed: UInt64(number))) }
        try tree.write("large", Bytes.random(6_000_000, seed: 4))
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let release = try #require(try fleet.publish(tree, to: origin))
        let session = try mirror.beginFetch(release)
        let needs = try #require(try fleet.fill(session, from: origin, chunkLimit: 0).needs)
        let early = Mutex(0)
        for (number, chunk) in needs.missing.enumerated() {
            DispatchQueue.concurrentPerform(iterations: 2) { _ in
                let refused = try? fleet.supply([chunk], to: session, from: origin)
                let isHere = session.progress.chunksMissing == needs.missing.count - number - 1
                if refused != [] || !isHere { early.withLock { $0 += 1 } }
            }
        }
        #expect(early.withLock { $0 } == 0)
        _ = try session.finish()
        try fleet.expectServed("mirror", tree)
    }

    @Test("A release below the head, or another one with its sequence, is refused")
    func stale() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        try tree.write("a", [1])
        let first = try #require(try fleet.publish(tree, to: origin))
        try tree.write("a", [2], modified: 2)
        let second = try #require(try fleet.publish(tree, to: origin))
        try fleet.fetch(second, from: origin, to: mirror)
        #expect(throws: StoreError.staleRelease(set: "pool", sequence: 1, head: 2)) { try mirror.beginFetch(first) }
        let document = second.document
        let other = try fleet.publisher.release(
            ReleaseDocument(
                fleet: "test", set: "pool", sequence: 2, publishedAt: 5, manifest: document.manifest,
                predecessor: document.predecessor, changeset: document.changeset,
                chunkProfile: document.chunkProfile, chunkLog: document.chunkLog))
        #expect(throws: StoreError.staleRelease(set: "pool", sequence: 2, head: 2)) { try mirror.beginFetch(other) }
        // The head itself may be fetched again: that is a repair.
        let moved = try fleet.fetch(second, from: origin, to: mirror)
        #expect(moved.chunks == 0 && moved.nodes == 0)
    }

    @Test("A changeset that does not lead to the signed root is not used")
    func wrongChangeset() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let first = try #require(try fleet.publish(tree, to: origin))
        try fleet.fetch(first, from: origin, to: mirror)
        try tree.write("new", [5])
        let session = try origin.beginIngest(set: "pool")
        let draft = try session.run(source: tree.path)
        // The publisher signs a changeset that claims the root and leads elsewhere.
        let lie = Changeset(
            from: first.document.manifest.digest, to: draft.root.digest, edits: [.remove(try RelativePath("README"))]
        ).encode()
        let document = try ReleaseDocument(
            fleet: "test", set: "pool", sequence: 2, publishedAt: 1, manifest: draft.root,
            predecessor: .release(first.digest),
            changeset: ChangesetReference(digest: Changeset.digest(of: lie), byteCount: UInt64(lie.count)),
            chunkProfile: draft.chunkProfile.identifier, chunkLog: draft.chunkLog)
        let release = try fleet.publisher.release(document)
        let fetch = try mirror.beginFetch(release)
        #expect(try fetch.usableChangeset() == Changeset.digest(of: lie))
        #expect(throws: StoreError.wrongChangeset(Changeset.digest(of: lie))) {
            try fetch.supply(changeset: lie + [0])
        }
        #expect(try fetch.supply(changeset: lie) == false)
        _ = try fleet.fill(fetch, from: origin, usesChangeset: false)
        _ = try fetch.finish()
        try fleet.expectServed("mirror", tree)
        session.abandon()
    }

    @Test("Ten thousand files are published and fetched with few groups")
    func tenThousandFiles() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for folder in 0..<100 {
            try tree.makeFolders(Array("d\(folder)".utf8))
            for file in 0..<100 {
                try tree.write(
                    "d\(folder)/f\(file)", Bytes.random(1_000 + file * 10, seed: UInt64(folder * 1000 + file)))
            }
        }
        try tree.setFolderTimes()
        let (atOrigin, atMirror) = (Phases(), Phases())
        let (origin, mirror) = (try fleet.store("origin", atOrigin), try fleet.store("mirror", atMirror))
        let release = try #require(try fleet.publish(tree, to: origin))
        try fleet.fetch(release, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
        for phases in [atOrigin, atMirror] {
            let groups = phases.all.filter { $0 == .groupSync }.count
            #expect((1...8).contains(groups))
        }
    }
}
