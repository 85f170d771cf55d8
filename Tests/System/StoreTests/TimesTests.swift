import Content
import Database
import FleetModel
import Foundation
import LinuxIO
import Store
import Synchronization
import Testing
import Trust

/// An upstream that touches everything, on a file system that shares no blocks.
@Suite struct TimesTests {
    private static let size = 10_000
    private static let names = (0..<10).map { "f\($0)" }
    private static let later: Int64 = 1_650_000_000

    /// What a store does when it arrives at the flip.
    private final class Hooks: Sendable {
        private let atFlip = Mutex<(@Sendable () -> Void)?>(nil)

        /// What a kill at the flip would leave: the whole data directory, with its hard links.
        func copyAtFlip(_ data: String, to copy: String) {
            atFlip.withLock { hook in
                hook = {
                    let process = Process()
                    process.executableURL = URL(fileURLWithPath: "/bin/cp")
                    process.arguments = ["-a", data, copy]
                    try? process.run()
                    process.waitUntilExit()
                }
            }
        }

        func arrive(_ phase: StorePhase) { if phase == .flip { atFlip.withLock { $0 }?() } }
    }

    /// Everything that may have its times changed in place has.
    private static let inPlace = CopyLimit(.bytes(0))

    private func touch(_ tree: SourceTree, _ names: [String] = names, _ time: Int64 = later) throws {
        for name in names { try tree.folder.setModified(Array(name.utf8), FileTime(seconds: time)) }
    }

    private func makeTree(_ fleet: TestFleet) throws -> SourceTree {
        let tree = try fleet.source()
        for (index, name) in Self.names.enumerated() {
            try tree.write(name, Bytes.random(Self.size, seed: UInt64(index)))
        }
        return tree
    }

    private func fetch(
        _ fleet: TestFleet, _ release: VerifiedRelease, from origin: Store, to mirror: Store, _ limit: CopyLimit
    ) throws {
        let session = try mirror.beginFetch(release)
        _ = try fleet.fill(session, from: origin)
        _ = try session.finish(TreePolicy(copyLimit: limit))
    }

    private func inode(_ fleet: TestFleet, _ host: String, _ path: String) throws -> UInt64? {
        try Folder.open(fleet.data(host)).stat(".releases/pool/\(path)")?.inode
    }

    private func modified(_ fleet: TestFleet, _ host: String, _ path: String) throws -> Int64? {
        try Folder.open(fleet.data(host)).stat(".releases/pool/\(path)")?.modified.seconds
    }

    private func rollBack(_ fleet: TestFleet, _ origin: Store, to sequence: UInt64) throws -> VerifiedRelease {
        let session = try origin.beginIngest(set: "pool")
        let release = try fleet.sign(try session.rollBack(to: sequence))
        _ = try session.commit(release)
        return release
    }

    @Test("Of files touched the first are copied up to the limit, the others get their times in place, and go back")
    func touchedAll() throws {
        let fleet = try TestFleet()
        let tree = try makeTree(fleet)
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        if try mirror.sharesBlocks() { return }
        let one = try #require(try fleet.publish(tree, to: origin))
        let limit = CopyLimit(.percent(25))
        try fetch(fleet, one, from: origin, to: mirror, limit)
        let first = try TreeSnapshot(tree.folder)
        let before = try mirror.usage().storeBytes

        try touch(tree)
        let session = try origin.beginIngest(set: "pool")
        let draft = try session.run(source: tree.path)
        #expect(draft.retouchedBytes == UInt64(Self.size * Self.names.count))
        let two = try fleet.sign(draft)
        _ = try session.commit(two)
        try fetch(fleet, two, from: origin, to: mirror, limit)

        try fleet.expectServed("mirror", tree)
        #expect(try mirror.usage().storeBytes <= before + 25_000 + 100_000)
        for (index, name) in Self.names.enumerated() {
            let isSame = try inode(fleet, "mirror", "1/\(name)") == inode(fleet, "mirror", "2/\(name)")
            #expect(isSame == (index >= 2), "\(name)")
            #expect(try modified(fleet, "mirror", "1/\(name)") == (index >= 2 ? Self.later : SourceTree.then))
        }
        #expect(try mirror.verify(.full).bad.isEmpty)

        let three = try rollBack(fleet, origin, to: 1)
        try fetch(fleet, three, from: origin, to: mirror, CopyLimit(.bytes(0)))
        #expect(try TreeSnapshot(served: "pool", in: fleet.data("mirror")).differences(first) == [])
        #expect(try inode(fleet, "mirror", "3/f5") == inode(fleet, "mirror", "1/f5"))
        #expect(try mirror.verify(.full).bad.isEmpty)
    }

    /// A release, all of it touched and published again, and the data of a mirror, `killed`, that was killed between the
    /// times and the flip of the second; nil where nothing changes in place.
    private func killedAtFlip() throws -> (TestFleet, SourceTree, origin: Store, second: VerifiedRelease)? {
        let fleet = try TestFleet()
        let tree = try makeTree(fleet)
        let origin = try fleet.store("origin")
        let hooks = Hooks()
        let mirror = try Store.open(data: fleet.data("mirror")) { phase, _ in hooks.arrive(phase) }
        if try mirror.sharesBlocks() { return nil }
        try fetch(fleet, try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror, Self.inPlace)
        try touch(tree)
        let two = try #require(try fleet.publish(tree, to: origin))
        let (data, copy) = (fleet.data("mirror"), fleet.data("killed"))
        hooks.copyAtFlip(data, to: copy)
        try fetch(fleet, two, from: origin, to: mirror, Self.inPlace)
        try fleet.expectServed("mirror", tree)
        return (fleet, tree, origin, two)
    }

    @Test("A kill after the times and before the flip is finished by the next session, and damages nothing")
    func killedBeforeFlip() throws {
        guard let (fleet, tree, origin, two) = try killedAtFlip() else { return }
        // The power went as well: one time and one old name are as before.
        let copy = fleet.data("killed")
        let blobs = try Folder.open(copy).subfolder(".store/blobs")
        let file = try #require(try Folder.open(copy).stat(".releases/pool/1/f3"))
        for folder in try blobs.list() {
            let folder = try blobs.subfolder(folder.name)
            for entry in try folder.list() where try folder.stat(entry.name)?.inode == file.inode {
                let new = try #require(BlobVariant(name: entry.name))
                try folder.setModified(entry.name, FileTime(seconds: SourceTree.then))
                let old = BlobVariant(digest: new.digest, modified: SourceTree.then, isExecutable: false)
                try folder.link(entry.name, in: folder, to: old.name)
            }
        }
        let killed = try fleet.store("killed")
        #expect(try killed.served(set: "pool")?.sequence == 1)
        #expect(try modified(fleet, "killed", "1/f3") == Self.later)
        #expect(try killed.verify(.full).bad.isEmpty)
        try fetch(fleet, two, from: origin, to: killed, Self.inPlace)
        try fleet.expectServed("killed", tree)
        #expect(try inode(fleet, "killed", "1/f3") == inode(fleet, "killed", "2/f3"))
        #expect(try killed.verify(.full).bad.isEmpty)
    }

    @Test("After such a kill another release than that one is served rightly, too")
    func anotherReleaseAfterKill() throws {
        guard let (fleet, _, origin, _) = try killedAtFlip() else { return }
        let killed = try fleet.store("killed")
        let three = try rollBack(fleet, origin, to: 1)
        try fetch(fleet, three, from: origin, to: killed, Self.inPlace)
        let source = try TreeSnapshot(served: "pool", in: fleet.data("origin"))
        #expect(try TreeSnapshot(served: "pool", in: fleet.data("killed")).differences(source) == [])
        #expect(try killed.verify(.full).bad.isEmpty)
    }

    @Test("What the release or another set shows with the old time as well is copied, whatever the limit")
    func neededTwice() throws {
        let fleet = try TestFleet()
        let tree = try makeTree(fleet)
        try tree.write("g0", Bytes.random(Self.size, seed: 0))
        let other = try fleet.source("other")
        try other.write("h1", Bytes.random(Self.size, seed: 1))
        let store = try fleet.store("origin")
        if try store.sharesBlocks() { return }
        let options = IngestOptions(trees: TreePolicy(copyLimit: CopyLimit(.bytes(0))))
        try fleet.publish(tree, to: store, options: options)
        try fleet.publish(other, to: store, set: "other", options: options)
        try touch(tree)
        try fleet.publish(tree, to: store, options: options)
        try fleet.expectServed("origin", tree)
        try fleet.expectServed("origin", other, set: "other")
        for (index, name) in Self.names.enumerated() {
            let isSame = try inode(fleet, "origin", "1/\(name)") == inode(fleet, "origin", "2/\(name)")
            #expect(isSame == (index >= 2), "\(name)")
        }
        #expect(try store.verify(.full).bad.isEmpty)
    }

    @Test("Files that are the publisher's own keep their times")
    func linkedFiles() throws {
        let fleet = try TestFleet()
        let tree = try makeTree(fleet)
        let store = try fleet.store("origin")
        if try store.sharesBlocks() { return }
        try fleet.publish(tree, to: store, options: IngestOptions(mode: .link))
        // The same bytes as new files, so that the old inodes are only the store's and somebody's who kept a link.
        let kept = try TreeSnapshot(tree.folder)
        let keeper = try fleet.source("keeper")
        for name in Self.names { try tree.folder.link(Array(name.utf8), in: keeper.folder, to: Array(name.utf8)) }
        for (index, name) in Self.names.enumerated() {
            try tree.write(name, Bytes.random(Self.size, seed: UInt64(index)), modified: Self.later)
        }
        try fleet.publish(
            tree, to: store,
            options: IngestOptions(mode: .link, trees: TreePolicy(copyLimit: nil)))
        #expect(try TreeSnapshot(keeper.folder).differences(kept) == [])
        try fleet.expectServed("origin", tree)
    }
}
