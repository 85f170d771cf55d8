import FleetCommands
import Glibc
import LinuxIO
import SigningKeys
import Testing
import UpdateFramework

/// What a trust folder is after a command, or after a crash in the middle of one.
@Suite struct TrustDocumentTests {
    private static let now: Int64 = 1_800_000_000
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func create(otherRootKeys: [OwnedKey] = [], threshold: Int = 1) throws -> TrustFolder {
        var beginning = TrustFolder.Beginning(fleet: "example", sets: ["debian"], kind: .classic, owner: "alice")
        beginning.otherRootKeys = otherRootKeys
        beginning.rootThreshold = threshold
        return try TrustFolder.create(at: "\(scratch.path)/trust", for: beginning, now: Self.now) { _ in nil }
    }

    private func signer(_ path: String) throws -> any MetadataSigner { try SigningKeyFile.read(path) { _ in [] } }

    /// A change of root and targets with all signatures: a new key of targets.
    private func change(of folder: TrustFolder) throws -> TrustChange {
        let trust = try #require(try folder.state().trust)
        let new = try #require(Ed25519SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        var plan = TrustPlan(trust)
        let old = try #require(trust.root.grant(of: .targets).keys.first)
        try plan.replace(old.key.id, by: OwnedKey(new.key, owner: []), in: .targets)
        var change = try TrustChange(
            from: trust, to: plan, expires: MetadataTime(secondsSince1970: Self.now + 60))
        _ = try change.sign(with: signer(folder.rootKey))
        _ = try change.sign(with: new)
        #expect(change.isComplete && change.documents.map(\.role) == [.root, .targets])
        return change
    }

    private func write(_ document: ChangedDocument, to folder: TrustFolder) throws {
        let file = try Folder.open(folder.path).createFile(
            "metadata/\(document.version).\(document.role.fileName)")
        try file.write(document.document.bytes, at: 0)
    }

    @Test func `a first root that wants two people waits for the second`() throws {
        let bob = try #require(Ed25519SigningKey(seed: [UInt8](repeating: 8, count: 32)))
        let folder = try create(otherRootKeys: [OwnedKey(bob.key, owner: Array("bob".utf8))], threshold: 2)
        let state = try folder.state()
        #expect(state.trust == nil)
        var pending = try #require(state.pending)
        #expect(pending.missing.map(\.owned.owner) == [Array("bob".utf8)])
        var sent = try TrustChange(file: pending.file)
        #expect(try sent.sign(with: bob) == [.root])
        #expect(try pending.merge(sent) == 1)
        try folder.publish(pending)
        let after = try folder.state()
        #expect(after.pending == nil && after.trust?.root.version == 1)
    }

    @Test func `after a crash before the root, the old root has its targets, and the change still waits`() throws {
        let folder = try create()
        let change = try change(of: folder)
        try folder.keep(change)
        try write(change.documents[1], to: folder)
        let state = try folder.state()
        #expect(state.trust?.root.version == 1 && state.trust?.targets.version == 1)
        let pending = try #require(state.pending)
        #expect(pending.isComplete)
        try folder.publish(pending)
        let after = try folder.state()
        #expect(after.trust?.root.version == 2 && after.trust?.targets.version == 2 && after.pending == nil)
    }

    @Test func `after a crash before the change is forgotten, it counts and waits no more`() throws {
        let folder = try create()
        let change = try change(of: folder)
        try folder.keep(change)
        for document in change.documents.reversed() { try write(document, to: folder) }
        let state = try folder.state()
        #expect(state.trust?.root.version == 2 && state.trust?.targets.version == 2 && state.pending == nil)
    }

    @Test func `a root that is missing, and targets that nobody signed, are named`() throws {
        let folder = try create()
        try folder.publish(try change(of: folder))
        let metadata = try Folder.open("\(folder.path)/metadata")
        try metadata.rename("1.root.json", to: "away")
        let missing = #expect(throws: FleetctlError.self) { try folder.state() }
        #expect(missing?.message.contains("1.root.json is missing") == true)
        try metadata.rename("away", to: "1.root.json")
        try metadata.rename("2.targets.json", to: "away")
        let stale = #expect(throws: FleetctlError.self) { try folder.state() }
        #expect(stale?.message.contains("signed by 0 of the keys") == true)
    }

    @Test func `keys are found by what they are, not by their names`() throws {
        let folder = try create()
        let keys = try Folder.open("\(folder.path)/keys")
        try keys.rename("root.key", to: "a.key")
        try keys.rename("targets.key", to: "root.key")
        let trust = try #require(try folder.state().trust)
        #expect(try folder.keyFiles(of: trust.root.grant(of: .root)) == ["\(folder.path)/keys/a.key"])
        #expect(try folder.heldKeys().count == 4)
    }
}
