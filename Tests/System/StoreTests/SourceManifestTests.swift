import Content
import FleetModel
import Glibc
import Hashing
import LinuxIO
import Store
import Testing

@Suite("Manifests of sources")
struct SourceManifestTests {
    private let fleet: TestFleet
    private let tree: SourceTree

    init() throws {
        fleet = try TestFleet()
        tree = try fleet.source()
        try tree.fill()
    }

    private static func rules(
        profile: String = "default", digests: [String] = [], escaping: Bool = false
    ) throws -> SourceRules {
        try SourceRules(
            SetPolicy(
                name: "pool", origin: "origin", chunkProfile: profile, digests: digests, allowEscapingLinks: escaping))
    }

    @Test("A tree read without a store has the root that its publish has", arguments: ["default", "images"])
    func sameRoot(profile: String) throws {
        let rules = try Self.rules(profile: profile, digests: ["sha512", "sha256"])
        let manifest = try SourceManifest(reading: tree.path, rules)
        let store = try fleet.store("origin")
        let session = try store.beginIngest(
            set: "pool", options: IngestOptions(profile: rules.profile, digests: rules.digests))
        let draft = try session.run(source: tree.path)
        #expect(manifest.root == draft.root)
        #expect(manifest.topModified == draft.topModified)
        #expect(manifest.node(draft.root.digest) == (try store.node(draft.root.digest)))
        session.abandon()
        #expect(try SourceManifest(reading: tree.path, Self.rules()).root.digest != manifest.root.digest)
    }

    @Test("More files than wait at once, and none at all")
    func manyAndNone() throws {
        let empty = try fleet.source("empty")
        #expect(try SourceManifest(reading: empty.path, Self.rules()).root == ManifestTree.emptyRoot)
        let many = try fleet.source("many")
        for index in 0..<5_000 { try many.write("d\(index % 150)/f\(index)", Array("\(index)".utf8)) }
        let session = try fleet.store("origin").beginIngest(set: "pool")
        let draft = try session.run(source: many.path)
        var seen: IngestProgress?
        #expect(try SourceManifest(reading: many.path, Self.rules()) { seen = $0 }.root == draft.root)
        #expect(seen?.files == 5_000)
        #expect(seen?.bytes == draft.bytes)
    }

    @Test("What stands before a thing that no release can hold is read before it is refused")
    func refusedLate() throws {
        let many = try fleet.source("many")
        for index in 0..<3_000 { try many.write("d\(index % 200)/f\(index)", Array("\(index)".utf8)) }
        try many.makeFolders(Array("e".utf8))
        #expect(mkfifo("\(many.path)/e/fifo", 0o644) == 0)
        var seen: IngestProgress?
        #expect(throws: StoreError.unsupportedFile(path: try RelativePath(Array("e/fifo".utf8)), .fifo)) {
            _ = try SourceManifest(reading: many.path, Self.rules()) { seen = $0 }
        }
        // A batch ends with its folders.
        #expect(try #require(seen).files >= 128)
        // Of these few the walk has met the error before it hands over anything.
        let few = try fleet.source("few")
        try few.write("long", Bytes.random(20_000_000, seed: 7))
        #expect(mkfifo("\(few.path)/then", 0o644) == 0)
        seen = nil
        #expect(throws: StoreError.unsupportedFile(path: try RelativePath("then"), .fifo)) {
            _ = try SourceManifest(reading: few.path, Self.rules()) { seen = $0 }
        }
        #expect(try #require(seen).bytes > 0)
    }

    @Test("Who wants no more while the tree is read ends that")
    func endedEarly() throws {
        struct Enough: Error {}
        let many = try fleet.source("many")
        for index in 0..<6_000 { try many.write("d\(index % 300)/f\(index)", Array("\(index)".utf8)) }
        for _ in 0..<20 {
            #expect(throws: Enough.self) {
                _ = try SourceManifest(reading: many.path, Self.rules()) { _ in throw Enough() }
            }
        }
    }

    @Test("Whatever a release would say otherwise changes the root, and is found")
    func changes() throws {
        let before = try SourceManifest(reading: tree.path, Self.rules())
        let changes: [(String, () throws -> Void)] = [
            ("README", { try tree.write("README", Array("hallo\n".utf8)) }),
            ("a-b", { try tree.write("a-b", Array("between a and a/c\n".utf8), isExecutable: true) }),
            ("hollow/inner", { try tree.folder.setModified(Array("hollow/inner".utf8), FileTime(seconds: 5)) }),
            ("same-1", { try tree.write("same-1", Array("same bytes\n".utf8), modified: 1_001) }),
            (
                "link",
                {
                    try tree.folder.unlinkIfPresent(Array("link".utf8))
                    try tree.link("link", to: "bin/sun", modified: 1_234_567_890)
                }
            ),
            ("very/large.img", { try tree.write("very/large.img", Bytes.random(20_000_000, seed: 99)) }),
            ("new", { try tree.write("new", []) }),
        ]
        for (path, change) in changes {
            try tree.setFolderTimes()
            let old = try SourceManifest(reading: tree.path, Self.rules())
            try change()
            if path != "hollow/inner" { try tree.setFolderTimes() }
            let new = try SourceManifest(reading: tree.path, Self.rules())
            let found = try ManifestTree.firstDifference(old.root.digest, new.root.digest) {
                old.node($0) ?? new.node($0)
            }
            #expect(found.map { "\($0)" } == path)
        }
        #expect(try ManifestTree.firstDifference(before.root.digest, before.root.digest) { _ in nil } == nil)
    }

    @Test("What a release cannot hold is refused by its path")
    func refused() throws {
        try tree.link("out", to: "../../etc/passwd")
        let error = #expect(throws: StoreError.self) { try SourceManifest(reading: tree.path, Self.rules()) }
        #expect(error?.description.contains("out") == true)
        _ = try SourceManifest(reading: tree.path, Self.rules(escaping: true))
        #expect(throws: StoreError.notADirectory(tree.path + "/README")) {
            try SourceManifest(reading: tree.path + "/README", Self.rules())
        }
        #expect(throws: UnknownSourceRule.self) { try Self.rules(profile: "odd") }
        #expect(throws: UnknownSourceRule.self) { try Self.rules(digests: ["md4"]) }
    }
}
