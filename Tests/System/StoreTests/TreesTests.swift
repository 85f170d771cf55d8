import Content
import Database
import Foundation
import Hashing
import LinuxIO
import Store
import Synchronization
import Testing
import Trust

@Suite struct TreesTests {
    private static let isLong = ProcessInfo.processInfo.environment["FLEET_LONG"] != nil

    /// The inode of a tree's top folder: the same tree under another name has the same.
    private func inode(_ fleet: TestFleet, _ name: String) throws -> UInt64? {
        try Folder.open(fleet.data("origin")).stat(".releases/pool/\(name)")?.inode
    }

    private func names(_ fleet: TestFleet) throws -> [String] {
        try Folder.open(fleet.data("origin")).subfolder(".releases/pool").list().map {
            String(decoding: $0.name, as: UTF8.self)
        }
    }

    @Test("A reader that entered by a resolved path walks through ten flips and sees one release")
    func slowReader() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        let policy = TreePolicy(keepReleases: 1, lingerSeconds: 3600)
        func publish(_ number: Int) throws {
            for file in 0..<12 {
                try tree.write("d\(file % 4)/\(file)", Array("\(number)".utf8), modified: Int64(number))
            }
            try tree.write("only-\(number)", [1])
            try tree.folder.unlinkIfPresent("only-\(number - 1)")
            try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
            try origin.tendTrees(of: "pool", policy)
        }
        try publish(1)
        let first = try TreeSnapshot(tree.folder)
        let data = try Folder.open(fleet.data("origin"))
        let entered = try data.subfolder(data.readLink("pool"))
        for number in 2...11 {
            try publish(number)
            #expect(try TreeSnapshot(entered).differences(first) == [])
            try fleet.expectServed("origin", tree)
        }
        // Also who comes by the address of the release.
        #expect(try TreeSnapshot(data.subfolder(".releases/pool/1")).differences(first) == [])
    }

    @Test("A spare tree is made ahead and edited into the next release, whatever changes")
    func editedSpares() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        let seed = UInt64.random(in: 1...(.max))
        print("seed \(seed)")
        var random = IndexRandom(seed: seed)
        let policy = TreePolicy(keepReleases: 2, lingerSeconds: 3600)
        for number in 1...25 {
            // Files, folders and links take each other's places.
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let name = ["a", "b", "c"].randomElement(using: &random) ?? "a"
                let child = ["x", "y", "a/b", "a-b"].randomElement(using: &random) ?? "x"
                switch Int.random(in: 0..<5, using: &random) {
                case 0: try tree.folder.removeTree(name)
                case 1:
                    try tree.folder.removeTree(name)
                    try tree.link(name, to: "top")
                case 2:
                    try tree.folder.removeTree(name)
                    try tree.write(name, [UInt8(number)], isExecutable: Bool.random(using: &random))
                default:
                    if try tree.folder.stat(name)?.type != .directory { try tree.folder.removeTree(name) }
                    try tree.folder.ensureFolder(name).removeTree(child)
                    if try tree.folder.stat("\(name)/a")?.type != .directory { try tree.folder.removeTree("\(name)/a") }
                    try tree.write("\(name)/\(child)", [UInt8.random(in: 0...3, using: &random)])
                }
            }
            try tree.write("top", [UInt8(number)], modified: Int64(number))
            try tree.folder.setModified(FileTime(seconds: Int64(number)))
            let spare = number > 1 ? try inode(fleet, "\(number - 1).spare") : nil
            #expect(number == 1 || spare != nil)
            try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
            try fleet.expectServed("origin", tree)
            if let spare { #expect(try inode(fleet, "\(number)") == spare) }
            try origin.tendTrees(of: "pool", policy)
        }
    }

    @Test("A tree out of service for longer than linger is edited, and no spare is made then")
    func reusedTrees() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let origin = try fleet.store("origin")
        let policy = TreePolicy(keepReleases: 2, lingerSeconds: 0)
        for number in 1...6 {
            try tree.write("bin/changes", [UInt8(number)], modified: Int64(number))
            let spent = number > 2 ? try inode(fleet, "\(number - 2)") : nil
            let spare = try inode(fleet, "\(number - 1).spare")
            try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
            try fleet.expectServed("origin", tree)
            if number > 3 {
                #expect(spare == nil)
                #expect(try inode(fleet, "\(number)") == spent)
            }
            try origin.tendTrees(of: "pool", policy)
            #expect(try names(fleet).filter { !$0.hasSuffix(".spare") }.count == min(number, 2))
        }
    }

    @Test("A spare that a damaged set left is not used, and a start keeps a sound one")
    func unsoundSpare() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        var origin = try fleet.store("origin")
        let policy = TreePolicy(keepReleases: 3, lingerSeconds: 3600)
        let options = IngestOptions(trees: policy)
        let release = try #require(try fleet.publish(tree, to: origin, options: options))
        try origin.tendTrees(of: "pool", policy)
        let spare = try #require(try inode(fleet, "1.spare"))
        origin.close()
        origin = try fleet.store("origin")
        #expect(try inode(fleet, "1.spare") == spare)

        // Bytes rot: verify takes the path out of the trees that are served, and nobody looks at the spare.
        let entry = try #require(
            try ManifestTree.entry(
                at: RelativePath("README"), root: release.document.manifest.digest, source: { try origin.node($0) }))
        let variant = BlobVariant(digest: try #require(entry.blob), modified: entry.modified, isExecutable: false)
        let file = try Folder.open("\(fleet.data("origin"))/.store/blobs").openFile(
            variant.relativePath, writable: true)
        try file.write(Array("HELLO".utf8), at: 0)
        try file.setModified(FileTime(seconds: entry.modified))
        #expect(try !origin.verify(.full).isClean)
        try fleet.publish(tree, to: origin, options: options)
        try tree.write("new", [1])
        try fleet.publish(tree, to: origin, options: options)
        try fleet.expectServed("origin", tree)
        #expect(try inode(fleet, "2") != spare)
        try origin.tendTrees(of: "pool", policy)
        #expect(try names(fleet) == ["1", "2", "2.spare"])
    }

    @Test("Whatever the base has and somebody removes behind the store's back stops the next flip")
    func closureOfTheBase() throws {
        let removals: [(what: String, remove: @Sendable (TestFleet, ManifestEntry, NodeDigest) throws -> Void)] = [
            (
                "blob",
                { fleet, entry, _ in
                    let variant = BlobVariant(
                        digest: try #require(entry.blob), modified: entry.modified, isExecutable: entry.isExecutable)
                    try Folder.open("\(fleet.data("origin"))/.store/blobs").unlink(variant.relativePath)
                }
            ),
            (
                "chunk list",
                { fleet, entry, _ in
                    let list = try #require(entry.chunkList)
                    let sql = "DELETE FROM chunk_list WHERE digest = ?"
                    let count = try Self.database(fleet).run(sql, [.blob(list.raw.bytes)])
                    #expect(count == 1)
                }
            ),
            (
                "node",
                { fleet, _, node in
                    let sql = "DELETE FROM node WHERE digest = ?"
                    let count = try Self.database(fleet).run(sql, [.blob(node.raw.bytes)])
                    #expect(count == 1)
                }
            ),
        ]
        for (what, remove) in removals {
            let fleet = try TestFleet()
            let tree = try fleet.source()
            try tree.fill()
            for file in 0..<400 { try tree.write("many/\(file)", Array("\(file)".utf8)) }
            let origin = try fleet.store("origin")
            let first = try #require(try fleet.publish(tree, to: origin))
            // A second one, so that the folders of blobs are known to be as the store left them.
            try tree.write("zz", [1])
            try fleet.publish(tree, to: origin)
            let root = try #require(try origin.head(set: "pool")?.root)
            let entry = try #require(
                try ManifestTree.entry(
                    at: RelativePath("large.iso"), root: root, source: { try origin.node($0) }))
            var leaves: [NodeDigest] = []
            try ManifestTree.forEachNode(root: root, source: { try origin.node($0) }) { node, level in
                if level == 0 { leaves.append(node) }
                return true
            }
            #expect(leaves.count > 2 && first.document.sequence == 1)
            let session = try origin.beginIngest(set: "pool", options: IngestOptions())
            try tree.write("zz", [2])
            let draft = try session.run(source: tree.path)
            try remove(fleet, entry, leaves[0])
            #expect(throws: StoreError.self, "without a \(what)") { try session.commit(try fleet.sign(draft)) }
            #expect(try origin.served(set: "pool")?.sequence == 2)
            // The next publish looks at everything, and puts it right.
            try fleet.publish(tree, to: origin)
            try fleet.expectServed("origin", tree)
        }
    }

    /// What readers found while a writer flipped.
    private final class Race: Sendable {
        let isDone = Atomic<Bool>(false)
        let reads = Atomic<Int>(0)
        let slow = Atomic<Int>(0)
        let faults = Mutex<[String]>([])

        /// Follows the set's link and reads all that is there, again and again. A walk that was kept from running for
        /// as long as `linger` was promised nothing.
        func read(_ data: Folder, fileCount: Int, linger: Duration) {
            while !isDone.load(ordering: .relaxed) {
                let began = ContinuousClock.now
                let found = (try? contents(data)) ?? ["a name was missing"]
                reads.wrappingAdd(1, ordering: .relaxed)
                if found.count == fileCount, Set(found).count == 1 { continue }
                if ContinuousClock.now - began > linger {
                    slow.wrappingAdd(1, ordering: .relaxed)
                } else {
                    faults.withLock { $0.append("\(found)") }
                }
            }
        }

        private func contents(_ data: Folder) throws -> [String] {
            let top = try data.subfolder(data.readLink("pool"))
            var found: [String] = []
            for entry in try top.list() {
                let folder = try top.subfolder(entry.name)
                for file in try folder.list() {
                    found.append(
                        String(decoding: try folder.openFile(file.name).readAll(limit: 100), as: UTF8.self))
                }
            }
            return found
        }
    }

    @Test("Eight readers see no mixed and no missing release in a thousand flips")
    func flipsUnderReaders() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        // Trees are edited while readers read: a walk takes milliseconds.
        let linger: Int64 = 4
        let policy = TreePolicy(keepReleases: 2, lingerSeconds: linger)
        let files = (0..<12).map { "d\($0 % 3)/file-\($0)" }
        func publish(_ number: Int) throws {
            for file in files { try tree.write(file, Array("\(number)".utf8), modified: Int64(number)) }
            try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
            try origin.tendTrees(of: "pool", policy)
        }
        try publish(1)
        let race = Race()
        let data = try Folder.open(fleet.data("origin"))
        let readers = DispatchGroup()
        for _ in 0..<8 {
            readers.enter()
            Thread.detachNewThread {
                race.read(data, fileCount: 12, linger: .seconds(linger))
                readers.leave()
            }
        }
        defer {
            race.isDone.store(true, ordering: .relaxed)
            readers.wait()
        }
        for number in 2...1001 { try publish(number) }
        print("\(race.reads.load(ordering: .relaxed)) reads, \(race.slow.load(ordering: .relaxed)) slower than linger")
        #expect(race.faults.withLock { Array($0.prefix(3)) } == [])
        #expect(race.reads.load(ordering: .relaxed) > 100)
        #expect(try origin.served(set: "pool")?.sequence == 1001)
    }

    @Test("A flip costs what changed, whatever the size of the set")
    func flipCost() throws {
        // What counts is the thread's own time on a processor: the disk of a busy machine may stand still for any time.
        var costs: [Double] = []
        for count in Self.isLong ? [1_000, 100_000, 1_000_000] : [1_000, 10_000] {
            let fleet = try TestFleet()
            let tree = try fleet.source()
            for file in 0..<count { try tree.write("d\(file / 1000)/\(file)", Array("\(file)".utf8)) }
            let began = Mutex<(clock: ContinuousClock.Instant, thread: Double)?>(nil)
            let origin = try Store.open(data: fleet.data("origin")) { phase, _ in
                if phase == .variants { began.withLock { $0 = (.now, Self.threadMilliseconds()) } }
            }
            let policy = TreePolicy(keepReleases: 3, lingerSeconds: 3600)
            var (times, ownTimes): ([Double], [Double]) = ([], [])
            for number in 1...6 {
                try tree.write("d0/0", [UInt8(number)], modified: Int64(number))
                try fleet.publish(tree, to: origin, options: IngestOptions(trees: policy))
                let start = try #require(began.withLock { $0 })
                times.append((ContinuousClock.now - start.clock) / .milliseconds(1))
                ownTimes.append(Self.threadMilliseconds() - start.thread)
                try origin.tendTrees(of: "pool", policy)
                for folder in Store.blobFolders { try origin.lookAtBlobFiles(in: folder) }
            }
            // The first links the whole tree.
            let (median, cost) = (times.dropFirst().sorted()[2], ownTimes.dropFirst().sorted()[2])
            costs.append(cost)
            print(
                "\(count) files: first flip \(Int(times[0])) ms, \(Int(ownTimes[0])) of the thread; flips of one changed file "
                    + "\(Int(median)) ms, \(cost) of the thread")
            #expect(cost < ownTimes[0] || count <= 1000)
            // All files of blobs were looked at before the second.
            #expect(ownTimes[1] < cost * 4 + 5)
        }
        // Ten times the files: far less than ten times the cost.
        #expect(costs[1] < costs[0] * 4 + 5)
    }

    /// What the calling thread has had of a processor.
    private static func threadMilliseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
    }

    @Test("A rollback is a new release with the old content, on the origin and on a mirror")
    func rollback() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        let first = try #require(try fleet.publish(tree, to: origin))
        let before = try TreeSnapshot(tree.folder)
        try fleet.fetch(first, from: origin, to: mirror)
        try tree.write("large.iso", Bytes.random(1_500_000, seed: 5))
        try tree.folder.unlink("README")
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)

        let session = try origin.beginIngest(set: "pool")
        let draft = try session.rollBack(to: 1)
        #expect(draft.root == first.document.manifest && draft.newChunks == 0 && draft.changeset != nil)
        let release = try fleet.sign(draft)
        #expect(release.document.sequence == 3)
        try session.commit(release)
        let moved = try fleet.fetch(release, from: origin, to: mirror)
        // The mirror still has the nodes of the first release, so not even a changeset is asked for.
        #expect(moved.bytes == 0 && moved.nodes == 0)
        for name in ["origin", "mirror"] {
            #expect(try TreeSnapshot(served: "pool", in: fleet.data(name)).differences(before) == [])
        }
        // The source was not changed: publishing it again brings its content back.
        try fleet.publish(tree, to: origin)
        try fleet.expectServed("origin", tree)
        #expect(throws: StoreError.notFound("release 9 of pool")) {
            _ = try origin.beginIngest(set: "pool").rollBack(to: 9)
        }
        let entry = try #require(
            try ManifestTree.entry(
                at: RelativePath("README"), root: first.document.manifest.digest, source: { try origin.node($0) }))
        try Self.database(fleet).run("DELETE FROM blob WHERE digest = ?", [.blob(try #require(entry.blob).raw.bytes)])
        #expect(throws: StoreError.self) { _ = try origin.beginIngest(set: "pool").rollBack(to: 1) }
        #expect(try origin.served(set: "pool")?.sequence == 4)
    }

    @Test("A policy out of range becomes the nearest that is in it")
    func policyRange() {
        #expect(TreePolicy(keepReleases: 0, lingerSeconds: -1) == TreePolicy(keepReleases: 1, lingerSeconds: 0))
        #expect(
            TreePolicy(keepReleases: .max, lingerSeconds: .max)
                == TreePolicy(keepReleases: 1000, lingerSeconds: 604_800))
    }

    private static func database(_ fleet: TestFleet) throws -> Connection {
        try Connection(path: "\(fleet.data("origin"))/.store/store.db", migrations: StoreSchema.migrations)
    }
}
