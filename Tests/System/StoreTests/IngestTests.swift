import Content
import Dispatch
import Glibc
import LinuxIO
import Store
import Synchronization
import Testing
import Trust
import TrustSupport

@Suite struct IngestTests {
    @Test("An unchanged tree makes no release")
    func unchanged() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let origin = try fleet.store("origin")
        _ = try #require(try fleet.publish(tree, to: origin))
        #expect(try fleet.publish(tree, to: origin) == nil)
        #expect(try origin.sequences(set: "pool") == [1])
        try fleet.expectServed("origin", tree)
    }

    @Test("A second session of a set is refused as busy, one of another set is not")
    func busy() throws {
        let fleet = try TestFleet()
        let origin = try fleet.store("origin")
        let session = try origin.beginIngest(set: "pool")
        #expect(throws: StoreError.busy(set: "pool")) { try origin.beginIngest(set: "pool") }
        let other = try origin.beginIngest(set: "iso")
        other.abandon()
        session.abandon()
        let again = try origin.beginIngest(set: "pool")
        again.abandon()
    }

    @Test("A dry run counts what would be new and stores nothing")
    func dryRun() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("a", [1, 2, 3])
        try tree.write("b", [1, 2, 3])
        let origin = try fleet.store("origin")
        let session = try origin.beginIngest(set: "pool", options: IngestOptions(dryRun: true))
        let draft = try session.run(source: tree.path)
        #expect(!draft.isUnchanged && draft.newChunks == 1 && draft.newBytes == 3 && draft.files == 2)
        session.abandon()
        #expect(try origin.usage().blobs == 0)
        #expect(try origin.node(draft.root.digest) == nil)
        #expect(try origin.sets() == [])
        #expect(try Folder.open(fleet.data("origin")).subfolder(".store/staging").list().isEmpty)
        // The real run gives the same root and the same figures.
        let real = try origin.beginIngest(set: "pool")
        let realDraft = try real.run(source: tree.path)
        #expect(realDraft.root == draft.root)
        #expect(realDraft.newChunks == 1 && realDraft.newBytes == 3)
        real.abandon()
    }

    @Test("What a release cannot hold is refused by name, and nothing is half-done")
    func refusals() throws {
        let cases: [(name: String, make: (SourceTree) throws -> Void)] = [
            (
                "dir/pipe",
                { tree in
                    try tree.makeFolders(Array("dir".utf8))
                    #expect(mkfifo("\(tree.path)/dir/pipe", 0o644) == 0)
                }
            ),
            (".store", { try $0.write(".store", [1]) }),
            (".releases", { try $0.write(".releases/x", [1]) }),
            ("up", { try $0.link("up", to: "../outside") }),
            ("absolute", { try $0.link("absolute", to: "/etc/passwd") }),
            (
                "socket",
                { tree in
                    var address = sockaddr_un()
                    address.sun_family = sa_family_t(AF_UNIX)
                    let path = Array("\(tree.path)/socket".utf8)
                    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
                    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
                    defer { close(descriptor) }
                    let bound = withUnsafePointer(to: &address) { pointer in
                        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                        }
                    }
                    #expect(bound == 0)
                }
            ),
        ]
        let fleet = try TestFleet()
        let origin = try fleet.store("origin")
        for (index, (name, make)) in cases.enumerated() {
            let tree = try fleet.source("source\(index)")
            try tree.write("good", [1])
            try make(tree)
            let error = #expect(throws: StoreError.self) { try fleet.publish(tree, to: origin) }
            #expect(error?.description.contains(name) == true, "\(String(describing: error))")
        }
        #expect(try origin.sets() == [])
        #expect(try origin.served(set: "pool") == nil)
        let tree = try fleet.source("source3")
        let options = IngestOptions(allowEscapingLinks: true)
        _ = try #require(try fleet.publish(tree, to: origin, options: options))
        try fleet.expectServed("origin", tree)
    }

    @Test("A publish that nobody waits for any more ends in the middle of a file and frees its set")
    func cancelled() throws {
        struct GoneAway: Error {}
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let size: UInt64 = 60_000_000
        try tree.write("long.iso", Bytes.random(Int(size), seed: 6))
        let origin = try fleet.store("origin")
        let session = try origin.beginIngest(set: "pool")
        var told: [UInt64] = []
        #expect(throws: GoneAway.self) {
            try session.run(
                source: tree.path,
                progress: { progress in
                    told.append(progress.bytes)
                    throw GoneAway()
                })
        }
        #expect(told.count == 1)
        #expect(try #require(told.first) < size)
        #expect(try origin.sets() == [])
        _ = try #require(try fleet.publish(tree, to: origin))
        try fleet.expectServed("origin", tree)
    }

    @Test("A file that changes while it is read fails the publish by its name", arguments: [100_000, 40_000_000])
    func changedWhileRead(size: Int) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("busy.log", Bytes.random(size, seed: 5))
        let origin = try fleet.store("origin")
        let ended = DispatchSemaphore(value: 0)
        let expected = StoreError.changedWhileRead(path: try RelativePath("busy.log"))
        let path = "\(tree.path)/busy.log"
        withExtendedLifetime(tree) {
            let stop = StopSignal()
            DispatchQueue.global().async {
                // Each round changes the ctime: many times in the time that one read takes.
                while !stop.isSet { chmod(path, stop.next() ? 0o644 : 0o755) }
                ended.signal()
            }
            // A small file may be read between two rounds, on a busy machine often; not for two minutes.
            var error: (any Error)?
            let deadline = ContinuousClock.now + .seconds(120)
            while error == nil, ContinuousClock.now < deadline {
                do {
                    let session = try origin.beginIngest(set: "pool")
                    _ = try session.run(source: tree.path)
                    session.abandon()
                } catch let thrown { error = thrown }
            }
            stop.set()
            ended.wait()
            #expect(error as? StoreError == expected)
        }
        #expect(try origin.sets() == [])
        // When it has calmed down it goes through.
        #expect(chmod(path, 0o644) == 0)
        _ = try #require(try fleet.publish(tree, to: origin))
    }

    @Test("`link` shares the publisher's inode, and copies what it would have to change")
    func linkMode() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("plain", [1, 2, 3, 4])
        try tree.write("large", Bytes.random(9_000_000, seed: 2), isExecutable: true)
        try tree.write("private", [5, 6])
        #expect(chmod("\(tree.path)/private", 0o600) == 0)
        let before = try #require(try tree.folder.stat("private"))
        let origin = try fleet.store("origin")
        let session = try origin.beginIngest(set: "pool", options: IngestOptions(mode: .link))
        let draft = try session.run(source: tree.path)
        #expect(draft.copiedBytes == 2)
        #expect(draft.dropped.permissions == 1)
        _ = try session.commit(fleet.sign(draft))
        let data = try Folder.open(fleet.data("origin"))
        let served = try data.subfolder(data.readLink("pool"))
        for name in ["plain", "large"] {
            #expect(try served.stat(name)?.inode == tree.folder.stat(name)?.inode)
        }
        #expect(try served.stat("private")?.inode != before.inode)
        #expect(try served.stat("private")?.permissions == 0o644)
        #expect(try tree.folder.stat("private")?.permissions == 0o600)
        #expect(try tree.folder.stat("private")?.changed == before.changed)
        // Linking changed the ctime of the shared inodes: they are known all the same, and only one is read again.
        let again = try origin.beginIngest(set: "pool", options: IngestOptions(mode: .link))
        let second = try again.run(source: tree.path)
        #expect(second.isUnchanged && second.readFiles == 1)
        again.abandon()
        // A write in place is noticed.
        let file = try tree.folder.openFile("plain", writable: true)
        try file.write([9], at: 0)
        let third = try origin.beginIngest(set: "pool", options: IngestOptions(mode: .link))
        #expect(try !third.run(source: tree.path).isUnchanged)
        third.abandon()
    }

    @Test("Where blocks cannot be shared, what will be copied is told once, and before the first byte is copied")
    func plannedCopies() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for index in 0..<20 { try tree.write("pool/file-\(index)", Bytes.random(1_000, seed: UInt64(index))) }
        try tree.write("large", Bytes.random(9_000_000, seed: 99))
        try tree.write("empty", [])
        let origin = try fleet.store("origin")
        let probe = try tree.folder.createFile("probe", mode: 0o600)
        let canShare = try probe.reflink(from: tree.folder.openFile("large"))
        try tree.folder.unlinkIfPresent("probe")
        struct Stop: Error {}
        // Whoever does not agree has nothing copied.
        if !canShare {
            let refused = try origin.beginIngest(set: "pool")
            #expect(throws: Stop.self) {
                try refused.run(
                    source: tree.path,
                    willCopy: { _ in
                        let staging = try Folder.open(fleet.data("origin")).subfolder(".store").subfolder("staging")
                        for entry in try staging.list() {
                            let names = try staging.subfolder(entry.name).list().map {
                                String(decoding: $0.name, as: UTF8.self)
                            }
                            #expect(names.filter { $0 != "journal" } == [])
                        }
                        throw Stop()
                    })
            }
        }
        func publish(_ mode: IngestMode) throws -> [PlannedCopies] {
            var told: [PlannedCopies] = []
            let session = try origin.beginIngest(set: "pool", options: IngestOptions(mode: mode))
            let draft = try session.run(source: tree.path, willCopy: { told.append($0) })
            #expect(!draft.warnings.contains { $0.contains("share") })
            if draft.isUnchanged { session.abandon() } else { _ = try session.commit(fleet.sign(draft)) }
            return told
        }
        #expect(try publish(.reflink) == (canShare ? [] : [PlannedCopies(files: 21, bytes: 9_020_000)]))
        // Nothing new: nothing to tell, whatever the source's times prove.
        try tree.write("pool/file-3", Bytes.random(5_000, seed: 500))
        let told = try publish(.reflink)
        #expect(told.count == (canShare ? 0 : 1))
        #expect(told.allSatisfy { $0.bytes >= 5_000 })
        try tree.write("pool/file-4", Bytes.random(5_000, seed: 501))
        #expect(try publish(.copy) == [])
    }

    @Test("What is dropped is counted")
    func dropped() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("setuid", [1], isExecutable: true)
        try tree.write("group", [2])
        #expect(chmod("\(tree.path)/setuid", 0o4755) == 0)
        #expect(chmod("\(tree.path)/group", 0o664) == 0)
        let origin = try fleet.store("origin")
        let session = try origin.beginIngest(set: "pool")
        let draft = try session.run(source: tree.path)
        #expect(draft.dropped.specialBits == 1 && draft.dropped.permissions == 1)
        #expect(draft.warnings.contains { $0.contains("setuid") })
        session.abandon()
    }

    @Test("More equal files than an inode can have links become several inodes")
    func manyEqualFiles() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        // ext4 allows 65,000 links.
        for folder in 0..<66 {
            let name = Array("\(folder)".utf8)
            try tree.makeFolders(name)
            let parent = try tree.folder.subfolder(name)
            for file in 0..<1000 {
                let file = try parent.createFile(Array("\(file)".utf8))
                try file.write([7], at: 0)
                try file.setModified(FileTime(seconds: SourceTree.then))
            }
        }
        try tree.setFolderTimes()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let release = try #require(try fleet.publish(tree, to: origin))
        #expect(release.document.chunkLog.size == 1)
        let moved = try fleet.fetch(release, from: origin, to: mirror)
        #expect(moved.chunks == 1)
        try fleet.expectServed("mirror", tree)
        try fleet.expectServed("origin", tree)
        // A second tree finds the inodes of the first full.
        try tree.write("one-more", [7])
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
        #expect(try mirror.verify(.full).isClean)
    }

    @Test("An abandoned publish leaves the log and the head as they were")
    func abandoned() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("a", [1])
        let origin = try fleet.store("origin")
        let first = try #require(try fleet.publish(tree, to: origin))
        try tree.write("b", [2])
        let session = try origin.beginIngest(set: "pool")
        let abandoned = try session.run(source: tree.path)
        session.abandon()
        #expect(try origin.head(set: "pool")?.sequence == 1)
        let again = try origin.beginIngest(set: "pool")
        let draft = try again.run(source: tree.path)
        #expect(draft.chunkLog == abandoned.chunkLog && draft.chunkLog.size == first.document.chunkLog.size + 1)
        // A document that says something else is refused.
        let document = try ReleaseDocument(
            fleet: "test", set: "pool", sequence: 2, publishedAt: 1, manifest: first.document.manifest,
            predecessor: .release(first.digest), changeset: draft.changeset,
            chunkProfile: draft.chunkProfile.identifier, chunkLog: draft.chunkLog)
        let other = try fleet.publisher.release(document)
        #expect(throws: StoreError.releaseDoesNotMatchDraft(set: "pool", field: "manifest")) {
            try again.commit(other)
        }
        #expect(try origin.head(set: "pool")?.sequence == 1)
    }
}

/// Tells another thread to stop.
private final class StopSignal: Sendable {
    private let flag = Atomic<Bool>(false)
    private let rounds = Atomic<Int>(0)
    var isSet: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
    func next() -> Bool { rounds.wrappingAdd(1, ordering: .relaxed).oldValue.isMultiple(of: 2) }
}
