import FleetCommands
import Glibc
import LinuxIO
import SigningKeys
import Testing
import UpdateFramework

/// A folder of one test, removed with it.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/fleet-commands-XXXXXX".utf8CString)
        path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }

    deinit {
        try? Folder.open(path).removeContents()
        rmdir(path)
    }

    var names: [String] {
        get throws { try Folder.open(path).list().map { String(decoding: $0.name, as: UTF8.self) } }
    }
}

@Suite struct TrustFolderTests {
    private static let now: Int64 = 1_800_000_000
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func create(_ kind: SigningKeyKind, sets: [String] = ["debian", "iso"]) throws -> TrustFolder {
        try TrustFolder.create(
            at: "\(scratch.path)/trust",
            for: TrustFolder.Beginning(fleet: "example", sets: sets, kind: kind, owner: "alice"), now: Self.now,
            passphrases: { _ in nil })
    }

    @Test(arguments: SigningKeyKind.allCases)
    func `the engine takes what a new folder says, with the keeper's documents and a set's`(
        kind: SigningKeyKind
    ) throws {
        let folder = try create(kind)
        let profile = MetadataProfile.fleet(Array("example".utf8))
        let writer = MetadataWriter(profile: profile)
        func signer(_ path: String) throws -> any MetadataSigner { try SigningKeyFile.read(path) { _ in [] } }
        func document(_ role: RoleName) throws -> [UInt8] {
            try OpenFile.open(Array(folder.document(role, version: 1).utf8)).readAll(limit: 1 << 20)
        }
        let set = try #require(RoleName.ofSet("debian"))
        let path = try #require(TargetPath(Array("debian/1".utf8)))
        let soon = MetadataTime(secondsSince1970: Self.now + 60)
        let online = try signer(folder.onlineKey)
        var files: [RoleName: [UInt8]] = [.targets: try document(.targets)]
        files[set] = try writer.document(
            TargetsMetadata(version: 1, expires: soon, targets: [path: TargetDescription(of: [1])]), role: set,
            signers: [signer(folder.setKey(of: "debian"))])
        files[.snapshot] = try writer.document(
            SnapshotMetadata(
                version: 1, expires: soon,
                roles: [
                    .targets: MetadataDescription(version: 1, of: files[.targets]),
                    set: MetadataDescription(version: 1, of: files[set]),
                ]), role: .snapshot, signers: [online])
        files[.timestamp] = try writer.document(
            TimestampMetadata(
                version: 1, expires: soon, snapshot: MetadataDescription(version: 1, of: files[.snapshot])),
            role: .timestamp, signers: [online])

        var update = try RepositoryUpdate(
            trustedRoot: try document(.root), now: MetadataTime(secondsSince1970: Self.now), profile: profile)
        func run(_ first: [RepositoryUpdate.Action]) throws -> RepositoryUpdate.Action {
            var last = try #require(first.last)
            while true {
                switch last {
                case .load: last = try #require(update.handle(.loaded(nil)).last)
                case .fetch(let request):
                    let bytes = request.role == .root ? nil : files[request.role]
                    last = try #require(update.handle(bytes.map { .fetched($0) } ?? .notFound).last)
                default: return last
                }
            }
        }
        guard case .refreshed = try run(update.begin()) else { Issue.record("not refreshed"); return }
        guard case .found(let target) = try run(update.find(path)) else { Issue.record("not found"); return }
        #expect(target.authority == [.root, .targets, set])
        #expect(try SigningKeyFile.readPublic(folder.rootKey).comment == "alice, root")
    }

    @Test func `a folder with something in it is not touched, and nothing is left beside it`() throws {
        _ = try create(.classic)
        let before = try Folder.open("\(scratch.path)/trust/keys").list().map(\.name)
        let error = #expect(throws: FleetctlError.self) { try create(.classic) }
        #expect(error?.status == .refused)
        #expect(try scratch.names == ["trust"])
        #expect(try Folder.open("\(scratch.path)/trust/keys").list().map(\.name) == before)
    }

    @Test func `what fails half-way leaves nothing`() throws {
        struct Stopped: Error {}
        #expect(throws: Stopped.self) {
            try TrustFolder.create(
                at: "\(scratch.path)/trust",
                for: TrustFolder.Beginning(fleet: "example", sets: ["a"], kind: .classic, owner: ""), now: Self.now,
                passphrases: { role in
                    guard role != RoleName.ofSet("a") else { throw Stopped() }
                    return nil
                })
        }
        #expect(throws: FleetctlError.self) { try create(.classic, sets: [String(repeating: "x", count: 200)]) }
        #expect(try scratch.names == [])
    }

    @Test func `a passphrase closes every key but the online one`() throws {
        let folder = try TrustFolder.create(
            at: "\(scratch.path)/trust",
            for: TrustFolder.Beginning(fleet: "example", sets: ["a"], kind: .classic, owner: ""), now: Self.now,
            passphrases: { _ in Array("a passphrase".utf8) })
        for path in [folder.rootKey, folder.targetsKey, folder.setKey(of: "a")] {
            #expect(try SigningKeyFile.readPublic(path).isEncrypted)
        }
        #expect(try !SigningKeyFile.readPublic(folder.onlineKey).isEncrypted)
    }
}
