import SigningKeys
import Testing
import UpdateFramework

/// Each rule of the documents' form: one change of a good document, and what is said of it.
@Suite struct MetadataRuleTests {
    private func read(
        _ name: RoleName, profile: MetadataProfile = .fleet(TestRepository.fleet),
        change: (inout JSONObject) throws -> Void
    ) throws -> MetadataError.Rule? {
        var repository = try TestRepository(profile: profile)
        try repository.delegate(to: try role("set-a"), pattern: "a/*", key: 9)
        var signed = try repository.signed(name)
        try change(&signed)
        do throws(MetadataError) {
            switch name {
            case .root: _ = try RootMetadata(signed, profile: profile, schemes: .own)
            case .timestamp: _ = try TimestampMetadata(signed, profile: profile, schemes: .own)
            case .snapshot: _ = try SnapshotMetadata(signed, profile: profile, schemes: .own)
            default: _ = try TargetsMetadata(signed, profile: profile, schemes: .own)
            }
            return nil
        } catch {
            #expect(!error.description.isEmpty)
            return error.rule
        }
    }

    @Test(arguments: RoleName.topLevel)
    func `what all documents have is checked in each`(name: RoleName) throws {
        #expect(try read(name) { _ in } == nil)
        #expect(try read(name) { $0["unknown"] = .array([.null]) } == nil)
        #expect(try read(name) { $0["_type"] = nil } == .missing("_type"))
        #expect(
            try read(name) { $0["_type"] = .text("mirrors") }
                == .wrongType(found: Array("mirrors".utf8), expected: name.description))
        for version in ["2.0.0", "1", "1.", "1.0.0.0", "", "1.x", "01.0", "1.0000000000"] {
            #expect(
                try read(name) { $0["spec_version"] = .text(version) } == .unknownSpecification(Array(version.utf8)))
        }
        for version in [0, -1] as [Int64] {
            #expect(
                try read(name) { $0["version"] = .integer(version) }
                    == .outOfRange(version, allowed: "1 to 9007199254740991"))
        }
        #expect(
            try read(name) { $0["version"] = .text("1") } == .wrongKind(found: "a string", expected: "a number"))
        #expect(try read(name) { $0["expires"] = .text("soon") } == .badTime(Array("soon".utf8)))
    }

    @Test func `a role's threshold is at least one, and keys are named once`() throws {
        func change(_ member: String, _ value: JSONValue) throws -> MetadataError.Rule? {
            try read(.root) { $0.change(["roles", "snapshot", member]) { _ in value } }
        }
        #expect(try change("threshold", .integer(0)) == .outOfRange(0, allowed: "1 to 9007199254740991"))
        #expect(try change("threshold", .integer(2)) == .thresholdAboveKeys(threshold: 2, keyCount: 1))
        let id = try key(3).key.id
        #expect(try change("keyids", .array([.string(id.bytes), .string(id.bytes)])) == .repeatedKeyID(id))
        let unknown = try #require(KeyID([0x66]))
        #expect(try change("keyids", .array([.string(unknown.bytes)])) == .unknownKey(unknown))
        let many = (0...MetadataLimits.keysPerRole).map { JSONValue.text("\($0)") }
        #expect(
            try change("keyids", .array(many))
                == .tooMany(count: MetadataLimits.keysPerRole + 1, limit: MetadataLimits.keysPerRole))
        #expect(
            try read(.root, profile: .specification) {
                $0.change(["roles", "snapshot", "threshold"]) { _ in .integer(2) }
            } == nil)
    }

    @Test func `a root names the four roles and no other`() throws {
        #expect(try read(.root) { $0.change(["roles", "snapshot"]) { _ in nil } } == .missing("snapshot"))
        #expect(
            try read(.root) { $0.change(["roles", "extra"]) { _ in .null } }
                == .badName(Array("extra".utf8), allowed: "a top-level role"))
        #expect(try read(.root) { $0.change(["roles", "mirrors"]) { _ in .null } } == nil)
    }

    @Test func `a key of a known kind is exactly one, others are let be`() throws {
        let id = String(decoding: try key(3).key.id.bytes, as: UTF8.self)
        func change(_ place: [String], _ text: String, _ profile: MetadataProfile) throws -> MetadataError.Rule? {
            try read(.root, profile: profile) { $0.change(["keys", id] + place) { _ in .text(text) } }
        }
        for text in ["", "00", String(repeating: "0", count: 66), String(repeating: "A", count: 64)] {
            #expect(try change(["keyval", "public"], text, .specification) == .badKey(type: Array("ed25519".utf8)))
        }
        #expect(try change(["scheme"], "new", .specification) == nil)
        guard case .wrongKeyID? = try change(["scheme"], "new", .fleet(TestRepository.fleet)) else {
            throw TestClient.Unexpected(last: "no wrong id")
        }
    }

    @Test func `keys of a fleet that share a half are refused`() throws {
        let hybrid = try #require(
            HybridSigningKey(seed: [UInt8](repeating: 7, count: 32) + [UInt8](repeating: 3, count: 32)))
        let other = try #require(
            HybridSigningKey(seed: [UInt8](repeating: 7, count: 32) + [UInt8](repeating: 8, count: 32)))
        for pair in [[hybrid.key, try key(3).key], [hybrid.key, other.key]] {
            let root = RootMetadata(
                version: 1, expires: TestRepository.now, keys: pair,
                roles: Dictionary(
                    uniqueKeysWithValues: RoleName.topLevel.map {
                        ($0, RoleKeys(keyIDs: pair.map(\.id), threshold: 1))
                    }))
            let signed = MetadataWriter(profile: .specification).signed(root, role: .root)
            _ = try RootMetadata(signed, profile: .specification, schemes: .own)
            let ids = pair.map(\.id).sorted()
            do throws(MetadataError) {
                _ = try RootMetadata(signed, profile: .fleet(TestRepository.fleet), schemes: .own)
                Issue.record("keys that share a half were taken")
            } catch {
                #expect(error.rule == .sharedKey(ids[0], ids[1]))
            }
        }
    }

    @Test func `delegations are checked: names, order of their members, patterns`() throws {
        func change(
            _ member: String, _ value: JSONValue?, profile: MetadataProfile = .specification
        ) throws -> MetadataError.Rule? {
            try read(.targets, profile: profile) { signed in
                signed.change(["delegations", "roles"]) { roles in
                    guard case .array(let items)? = roles, case .object(var role)? = items.first else { return roles }
                    role[member] = value
                    return .array([.object(role)])
                }
            }
        }
        #expect(try change("terminating", nil) == nil)
        for name in RoleName.topLevel {
            guard case .badName? = try change("name", .string(name.bytes)) else {
                throw TestClient.Unexpected(last: "\(name) was taken")
            }
        }
        for name in ["", String(repeating: "a", count: 81)] {
            #expect(try change("name", .text(name)) == .badName(Array(name.utf8), allowed: "a role name"))
        }
        for name in ["?", "../x", "/x", "A", "a.b", "a_b", String(repeating: "a", count: 68)] {
            #expect(try change("name", .text(name)) == nil)
            #expect(
                try change("name", .text(name), profile: .fleet(TestRepository.fleet))
                    == .badName(Array(name.utf8), allowed: "1 to 67 of a-z, 0-9 and -"))
        }
        let longest = "set-" + String(repeating: "a", count: 63)
        #expect(try change("name", .text(longest), profile: .fleet(TestRepository.fleet)) == nil)
        #expect(try change("paths", nil) == .notExactlyOne("paths and path_hash_prefixes"))
        #expect(try change("path_hash_prefixes", .array([])) == .notExactlyOne("paths and path_hash_prefixes"))
        #expect(try change("paths", .array([.text("")])) == .badName([], allowed: "a path pattern"))
        #expect(try change("paths", .array([.integer(1)])) == .wrongKind(found: "a number", expected: "a string"))
        #expect(
            try read(.targets) { signed in
                signed.change(["delegations", "roles"]) { roles in
                    guard case .array(let items)? = roles else { return roles }
                    return .array(items + items)
                }
            } == .repeatedRole(Array("set-a".utf8)))
    }

    @Test func `prefixes of hashes are digits, and cover the paths that hash so`() throws {
        func paths(_ prefixes: [String]) throws -> TargetsMetadata {
            var signed = try TestRepository(profile: .specification).signed(.targets)
            var delegation = JSONObject()
            delegation["name"] = .text("bin")
            delegation["keyids"] = .array([])
            delegation["threshold"] = .integer(1)
            delegation["path_hash_prefixes"] = .array(prefixes.map { .text($0) })
            signed["delegations"] = .object(JSONObject())
            signed.change(["delegations", "keys"]) { _ in .object(JSONObject()) }
            signed.change(["delegations", "roles"]) { _ in .array([.object(delegation)]) }
            return try TargetsMetadata(signed, profile: .specification, schemes: .own)
        }
        // SHA-256 of "x" begins with 2d711642.
        let covered = try ["2", "2d", "2d711642"].map { try paths(["ff", $0]).delegations[0].covers(try path("x")) }
        #expect(covered == [true, true, true])
        #expect(try !paths(["2e", "d"]).delegations[0].covers(try path("x")))
        for bad in ["", "2D", "g", String(repeating: "0", count: 65)] {
            #expect(throws: MetadataError.self) { try paths([bad]) }
        }
    }

    @Test func `targets have plain paths, lengths and hashes of known lengths`() throws {
        func target(
            _ name: String, _ change: (inout JSONObject) -> Void = { _ in }, profile: MetadataProfile = .specification
        ) throws -> MetadataError.Rule? {
            try read(.targets, profile: profile) { signed in
                var hashes = JSONObject()
                hashes["sha256"] = .text(String(repeating: "0", count: 64))
                var target = JSONObject()
                target["length"] = .integer(0)
                target["hashes"] = .object(hashes)
                change(&target)
                signed.change(["targets", name]) { _ in .object(target) }
            }
        }
        #expect(try target("a") == nil)
        for name in ["/a", "a//b", "a/", ".", "..", "a/../b", "a/./b", "a\u{0}b", "a b", "\u{e9}"] {
            #expect(try target(name) == nil)
            #expect(
                try target(name, profile: .fleet(TestRepository.fleet))
                    == .badName(Array(name.utf8), allowed: "a path of plain names between single slashes"))
        }
        let long = String(repeating: "a", count: MetadataLimits.targetPathByteCount + 1)
        #expect(try target(long) == .badName(Array(long.utf8), allowed: "a target path"))
        #expect(try target("a", { $0["length"] = .integer(-1) }) == .outOfRange(-1, allowed: "0 to 9007199254740991"))
        #expect(try target("a", { $0["hashes"] = .object(JSONObject()) }) == .badHash)
        #expect(try target("a", { $0.change(["hashes", "sha256"]) { _ in .text("00") } }) == .badHash)
        #expect(try target("a", { $0.change(["hashes", "sha512"]) { _ in .text("00") } }) == .badHash)
        #expect(try target("a", { $0.change(["hashes", "unknown"]) { _ in .text("00") } }) == nil)
    }

    @Test func `a file is checked by all known hashes, and by one at least`() throws {
        let bytes: [UInt8] = [1, 2, 3]
        #expect(FileHashes(of: bytes).match(bytes))
        #expect(!FileHashes(of: bytes).match([1, 2]))
        var signed = try TestRepository(profile: .specification).signed(.targets)
        var hashes = JSONObject()
        hashes["md5"] = .text("00")
        var target = JSONObject()
        target["length"] = .integer(3)
        target["hashes"] = .object(hashes)
        signed.change(["targets", "a"]) { _ in .object(target) }
        let targets = try TargetsMetadata(signed, profile: .specification, schemes: .own)
        #expect(targets.targets[try path("a")]?.hashes.match(bytes) == false)
    }

    @Test func `what a snapshot and a timestamp list has a version`() throws {
        #expect(
            try read(.timestamp) { $0.change(["meta", "snapshot.json"]) { _ in nil } } == .missing("snapshot.json"))
        for (name, file) in [(RoleName.timestamp, "snapshot.json"), (.snapshot, "targets.json")] {
            #expect(
                try read(name) { $0.change(["meta", file, "version"]) { _ in .integer(0) } }
                    == .outOfRange(0, allowed: "1 to 9007199254740991"))
            #expect(
                try read(name) { $0.change(["meta", file, "length"]) { _ in .integer(0) } }
                    == .outOfRange(0, allowed: "1 to 9007199254740991"))
        }
    }

    @Test func `an envelope has signatures, each key id once, and no more than the limit`() throws {
        func read(_ signatures: [JSONValue]) throws -> MetadataError.Rule? {
            var document = JSONObject()
            document["signed"] = .object(JSONObject())
            document["signatures"] = .array(signatures)
            do throws(MetadataError) {
                _ = try SignedMetadata(JSONWriter.valid(.object(document)), byteCount: 1 << 20)
                return nil
            } catch {
                return error.rule
            }
        }
        func signature(_ id: String) -> JSONValue {
            var object = JSONObject()
            object["keyid"] = .text(id)
            object["sig"] = .text("zz")
            return .object(object)
        }
        #expect(try read([signature("a"), signature("b")]) == nil)
        #expect(try read([signature("a"), signature("a")]) == .repeatedKeyID(try #require(KeyID([0x61]))))
        #expect(try read([signature("")]) == .badName([], allowed: "a key id"))
        let limit = MetadataLimits.signatures
        #expect(
            try read((0...limit).map { signature("\($0)") }) == .tooMany(count: limit + 1, limit: limit))
        #expect(throws: MetadataError.self) { try SignedMetadata(Array("[]".utf8), byteCount: 100) }
    }

    @Test(arguments: [
        ("a", "a.json"), ("?", "%3F.json"), ("../x", "..%2Fx.json"), ("/x", "%2Fx.json"), ("#", "%23.json"),
        ("\u{e9}\0", "%C3%A9%00.json"), ("A-._~9", "A-._~9.json"),
    ])
    func `the file of a role is one name`(name: String, file: String) throws {
        #expect(try role(name).fileName == file)
        #expect(RoleName([UInt8](repeating: 0x2F, count: 80))?.fileName.utf8.count == 245)
        #expect(RoleName([UInt8](repeating: 0x2F, count: 81)) == nil)
    }
}

extension JSONObject {
    /// Changes the member at the end of a path of members.
    mutating func change(_ path: [String], _ body: (JSONValue?) -> JSONValue?) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            self[first] = body(self[first])
            return
        }
        guard case .object(var inner)? = self[first] else { return }
        inner.change(Array(path.dropFirst()), body)
        self[first] = .object(inner)
    }
}
