import Content
import Database
import Glibc
import Hashing
import LinuxIO
import Store
import Testing

/// Glibc's module does not have it.
@_silgen_name("setxattr")
private func setxattr(
    _ path: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>, _ count: Int,
    _ flags: Int32
) -> Int32

/// What a publish says of files that it need not read, because it knows them by their times.
@Suite struct KnownSourceTests {
    /// Publishes until no file is read any more: times of just now prove nothing.
    private func publishUntilKnown(_ fleet: TestFleet, _ tree: SourceTree, _ store: Store) throws -> IngestDraft {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let session = try store.beginIngest(set: "pool")
            let draft = try session.run(source: tree.path)
            if draft.isUnchanged { session.abandon() } else { _ = try session.commit(fleet.sign(draft)) }
            if draft.readFiles == 0 || ContinuousClock.now > deadline {
                #expect(draft.readFiles == 0)
                return draft
            }
            poll(nil, 0, 100)
        }
    }

    @Test func `extended attributes are counted whether a file is read or known`() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for name in ["with", "without"] { try tree.write(name, [1, 2, 3]) }
        // A file system without such attributes has nothing to count.
        guard setxattr("\(tree.path)/with", "user.note", "x", 1, 0) == 0 else { return }
        let store = try fleet.store("origin")
        #expect(try publishUntilKnown(fleet, tree, store).dropped.extendedAttributes == 1)
        // The file is known and read again: its ctime has changed.
        #expect(setxattr("\(tree.path)/without", "user.note", "x", 1, 0) == 0)
        #expect(try publishUntilKnown(fleet, tree, store).dropped.extendedAttributes == 2)
    }

    @Test func `of a known tree exactly what changed is said to be copied`() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for index in 0..<40 {
            try tree.write("folder-\(index % 7)/\(index)", [UInt8](repeating: 1, count: 100 + index))
        }
        let store = try fleet.store("origin")
        _ = try publishUntilKnown(fleet, tree, store)
        if try store.sharesBlocks() { return }
        try tree.write("folder-3/10", [UInt8](repeating: 2, count: 5_000))
        try tree.write("folder-4/11", [UInt8](repeating: 3, count: 600))
        try tree.write("folder-4/empty", [])
        var told: [PlannedCopies] = []
        let session = try store.beginIngest(set: "pool")
        _ = try session.run(source: tree.path, willCopy: { told.append($0) })
        session.abandon()
        #expect(told == [PlannedCopies(files: 2, bytes: 5_600)])
    }

    @Test func `a file whose blob was lost is read again`() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        for index in 0..<20 { try tree.write("\(index)", [UInt8](repeating: UInt8(index), count: 100)) }
        let store = try fleet.store("origin")
        let draft = try publishUntilKnown(fleet, tree, store)
        let entry = try #require(
            try ManifestTree.entry(at: RelativePath("7"), root: draft.root.digest, source: { try store.node($0) }))
        let blob = try #require(entry.blob)
        let variant = BlobVariant(digest: blob, modified: entry.modified, isExecutable: false)
        let data = try Folder.open(fleet.data("origin"))
        try data.unlink(Array(".store/blobs/".utf8) + variant.relativePath)
        #expect(try store.verify(.full).bad.contains { $0.blob == blob })
        // Also where no set is marked as damaged: nothing is said of a blob that is not held.
        let database = try Connection(
            path: "\(fleet.data("origin"))/.store/store.db", migrations: StoreSchema.migrations)
        #expect(try database.first("SELECT COUNT(*) FROM source") { try $0.integer(0) } == 19)
        try database.run("UPDATE content_set SET damaged = 0")
        let session = try store.beginIngest(set: "pool")
        #expect(try session.run(source: tree.path).readFiles == 1)
        session.abandon()
    }
}
