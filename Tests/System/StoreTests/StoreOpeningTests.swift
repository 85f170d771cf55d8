import Content
import Database
import Hashing
import LinuxIO
import Store
import Testing
import Trust

@Suite struct StoreOpeningTests {
    @Test("A second opening of a data directory is refused until the first lets go")
    func locked() throws {
        let fleet = try TestFleet()
        let store = try fleet.store("data")
        let error = #expect(throws: StoreError.self) { try fleet.store("data") }
        #expect(error?.isBusy == true && error?.description.contains("in use") == true)
        store.close()
        _ = try fleet.store("data")
    }

    @Test("A store of a newer program is refused by name and left alone")
    func newerFormat() throws {
        let fleet = try TestFleet()
        try fleet.store("data").close()
        let top = try Folder.open("\(fleet.data("data"))/.store")
        let file = try top.openFile("format", writable: true)
        try file.truncate(to: 0)
        try file.write(Array("mirrorfleet-store 9\n".utf8), at: 0)
        let error = #expect(throws: StoreError.self) { try fleet.store("data") }
        #expect(error?.description.contains("mirrorfleet-store 9") == true)
    }

    @Test("A lost or damaged chunk index is made again from the chunk lists", arguments: [false, true])
    func lostIndex(isDamaged: Bool) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        var origin = try fleet.store("origin")
        let release = try #require(try fleet.publish(tree, to: origin))
        origin.close()
        let top = try Folder.open("\(fleet.data("origin"))/.store")
        if isDamaged {
            for entry in try top.subfolder("index").list() {
                try top.subfolder("index").openFile(entry.name, writable: true).write([0xff, 0xff, 0xff, 0xff], at: 0)
            }
        } else {
            try top.removeTree("index")
        }
        origin = try fleet.store("origin")
        let mirror = try fleet.store("mirror")
        try fleet.fetch(release, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
    }

    @Test("A flip that was not recorded is recorded; half-made trees are put aside, and removed when there is time")
    func unrecordedFlip() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.write("a", [1])
        var origin = try fleet.store("origin")
        _ = try fleet.publish(tree, to: origin)
        try tree.write("a", [2], modified: 2)
        _ = try fleet.publish(tree, to: origin)
        origin.close()
        try Connection(path: "\(fleet.data("origin"))/.store/store.db", migrations: StoreSchema.migrations)
            .run("UPDATE content_set SET head = 1")
        let releases = try Folder.open("\(fleet.data("origin"))/.releases/pool")
        _ = try releases.makeFolder("3.partial").createFile("x")
        try releases.makeFolder("0.removing")
        origin = try fleet.store("origin")
        #expect(try origin.head(set: "pool")?.sequence == 2)
        #expect(try releases.stat("3.partial") == nil && releases.list().count == 4)
        try origin.removeLeftovers()
        #expect(try releases.list().map(\.name) == [Array("1".utf8), Array("2".utf8)])
    }

    @Test("Blobs that were moved into place and not recorded are taken back")
    func unrecordedGroup() throws {
        let fleet = try TestFleet()
        var store = try fleet.store("data")
        store.close()
        let top = try Folder.open("\(fleet.data("data"))/.store")
        let variant = BlobVariant(digest: BlobDigest(BLAKE3.hash([1])), modified: 5, isExecutable: false)
        for name in ["pool.fetch", "iso.ingest"] {
            let folder = try top.makeFolder("staging/\(name)")
            try folder.createFile("journal").write(variant.name + Array("\ntorn".utf8), at: 0)
        }
        let path = Array("blobs/".utf8) + variant.relativePath
        try top.createFile(path).write([1], at: 0)
        store = try fleet.store("data")
        #expect(try top.stat(path) == nil)
        #expect(try top.subfolder("staging").list().map(\.name) == [Array("pool.fetch".utf8)])
        store.close()
    }

    @Test("Database and index may lie in a folder of their own")
    func stateFolder() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        try tree.fill()
        let store = try Store.open(data: fleet.data("data"), state: fleet.data("state"))
        _ = try fleet.publish(tree, to: store)
        try fleet.expectServed("data", tree)
        let state = try Folder.open(fleet.data("state"))
        #expect(try state.stat("store.db") != nil && state.stat("index") != nil)
        #expect(try Folder.open(fleet.data("data")).stat(".store/store.db") == nil)
    }
}
