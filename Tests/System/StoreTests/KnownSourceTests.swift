import Glibc
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
}
