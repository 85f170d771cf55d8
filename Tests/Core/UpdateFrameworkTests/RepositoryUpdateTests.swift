import Testing
import UpdateFramework

/// Every state of the machine, and every refusal of the top-level roles.
@Suite struct RepositoryUpdateTests {
    private var repository: TestRepository
    private var client: TestClient

    init() throws {
        repository = try TestRepository()
        client = TestClient(repository)
    }

    // MARK: - What goes well

    @Test mutating func `a first update asks for each role once, in order, and keeps it`() throws {
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.requests == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
        #expect(client.changes == ["+timestamp", "+snapshot", "+targets"])
        #expect(client.stored == repository.documents)
    }

    @Test mutating func `limits are those of the roles, or the length that is signed`() throws {
        _ = try client.refresh(repository)
        let lengths = [RoleName.snapshot, .targets].compactMap { repository.documents[$0]?.count }
        #expect(
            client.limits == [MetadataLimits.rootByteCount, MetadataLimits.timestampByteCount] + lengths)
    }

    @Test mutating func `a second update with nothing new asks for no more than root and timestamp`() throws {
        _ = try client.refresh(repository)
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.requests == ["2.root.json", "timestamp.json"])
        #expect(client.changes == [])
    }

    @Test mutating func `a new version of one role is all that is fetched beside its list`() throws {
        _ = try client.refresh(repository)
        try repository.publish(.targets, .snapshot, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.requests == ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"])
    }

    @Test mutating func `roots are followed one by one, also those that have expired, to the newest`() throws {
        for number in 10..<15 as Range<UInt8> {
            let old = repository.roles[.root]?.keys ?? []
            repository.roles[.root]?.keys = [try key(number)]
            repository.roles[.root]?.signers = old + [try key(number)]
            repository.roles[.root]?.expires = TestRepository.later(number < 14 ? -5 : 5)
            try repository.publish(.root)
        }
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.requests.prefix(6) == (2...7).map { "\($0).root.json" }[...])
        #expect(client.changes.prefix(5) == Array(repeating: "+root", count: 5)[...])
        #expect(client.update?.rootVersion == 6)
    }

    @Test mutating func `without consistent snapshots, names have no versions`() throws {
        var plain = try TestRepository(profile: .specification)
        plain.statesHashes = false
        try plain.publish(.targets, .snapshot, .timestamp)
        try plain.reserve(.root) { $0["consistent_snapshot"] = nil }
        var client = TestClient(plain)
        plain.files["snapshot.json"] = plain.documents[.snapshot]
        plain.files["targets.json"] = plain.documents[.targets]
        #expect(try client.refresh(plain) == .refreshed)
        #expect(client.requests == ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"])
    }

    // MARK: - Arbitrary software

    @Test(arguments: RoleName.topLevel)
    mutating func `a role signed by somebody else is refused, and what came before it is kept`(name: RoleName) throws {
        _ = try client.refresh(repository)
        let before = client.stored
        repository.roles[name]?.signers = [try key(99)]
        try repository.publish(.root, .targets, .snapshot, .timestamp)
        let outcome = try client.refresh(repository)
        #expect(
            outcome
                == .refused(
                    .tooFewSigners(
                        name, delegator: .root, delegatorVersion: name == .root ? 1 : 2, found: 0, threshold: 1)))
        #expect(client.stored[name] == before[name])
        let order: [RoleName] = [.root, .timestamp, .snapshot, .targets]
        for earlier in order.prefix(while: { $0 != name }) {
            #expect(client.stored[earlier] == repository.documents[earlier])
        }
    }

    @Test mutating func `a root needs the keys of both versions`() throws {
        let (old, new) = (try key(1), try key(50))
        repository.roles[.root]?.keys = [new]
        for signers in [[old], [new], []] {
            var hostile = repository
            hostile.roles[.root]?.signers = signers
            try hostile.publish(.root)
            #expect(try client.refresh(hostile).label == "too-few-signers")
            #expect(client.changes == [])
        }
        repository.roles[.root]?.signers = [old, new]
        try repository.publish(.root)
        #expect(try client.refresh(repository) == .refreshed)
    }

    @Test mutating func `an initial root that its own keys have not signed is refused`() throws {
        client.stored[.root] = try repository.document(try repository.signed(.root), signers: [try key(2)])
        #expect(try client.refresh(repository).label == "too-few-signers")
        client.stored[.root] = []
        #expect(try client.refresh(repository).label == "bad-metadata")
        #expect(client.requests == [])
    }

    @Test mutating func `a wrong signature beside enough right ones is ignored`() throws {
        let signed = try repository.signed(.timestamp)
        let good = try MetadataWriter.signature(over: signed, by: try key(2))
        let other = try #require(KeyID(Array("ffff".utf8)))
        for bytes in [nil, [], [1, 2, 3], [UInt8](repeating: 0, count: 64)] as [[UInt8]?] {
            let bad = MetadataSignature(keyID: other, bytes: bytes)
            repository.files["timestamp.json"] = MetadataWriter.document(signed, signatures: [bad, good])
            #expect(try TestClient(repository).refreshed(repository) == .refreshed)
        }
    }

    // MARK: - Rollback and fast-forward

    @Test mutating func `a root left out, or an old one again, is refused`() throws {
        try repository.publish(.root, .root)
        repository.files["2.root.json"] = repository.files["3.root.json"]
        #expect(try client.refresh(repository) == .refused(.rootOutOfOrder(held: 1, found: 3)))
        repository.files["2.root.json"] = repository.files["1.root.json"]
        #expect(try client.refresh(repository) == .refused(.rootOutOfOrder(held: 1, found: 1)))
    }

    @Test mutating func `an older timestamp is refused, the same one again changes nothing`() throws {
        let old = repository.files["timestamp.json"]
        try repository.publish(.timestamp)
        _ = try client.refresh(repository)
        try repository.reserve(.timestamp) { $0["more"] = .bool(true) }
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.changes == [])
        repository.files["timestamp.json"] = old
        #expect(try client.refresh(repository) == .refused(.rollback(.timestamp, held: 2, found: 1)))
    }

    @Test mutating func `a timestamp that lists an older snapshot is refused`() throws {
        try repository.publish(.snapshot, .timestamp)
        _ = try client.refresh(repository)
        repository.roles[.snapshot]?.version = 1
        try repository.publish(.timestamp)
        let file = Array("snapshot.json".utf8)
        #expect(
            try client.refresh(repository)
                == .refused(.listedRollback(by: .timestamp, file: file, held: 2, found: 1)))
    }

    @Test mutating func `a snapshot that lists an older role, or none, is refused`() throws {
        let sub = try role("set-a")
        try repository.delegate(to: sub, pattern: "a/*", key: 9)
        try repository.publish(sub, .targets, .snapshot, .timestamp)
        _ = try client.refresh(repository)
        let file = Array("set-a.json".utf8)
        var hostile = repository
        hostile.listed[sub] = nil
        try hostile.publish(.snapshot, .timestamp)
        #expect(try client.refresh(hostile) == .refused(.listedRemoved(file: file, held: 1)))
        #expect(client.changes == ["+timestamp"])
        client = TestClient(repository)
        try repository.publish(sub, .snapshot, .timestamp)
        _ = try client.refresh(repository)
        repository.roles[sub]?.version = 0
        try repository.publish(sub, .snapshot, .timestamp)
        #expect(
            try client.refresh(repository)
                == .refused(.listedRollback(by: .snapshot, file: file, held: 2, found: 1)))
    }

    @Test mutating func `a stored snapshot above the listed one is a rollback, though the stored timestamp is lost`()
        throws
    {
        let old = repository.files
        try repository.publish(.snapshot, .timestamp)
        _ = try client.refresh(repository)
        client.stored[.timestamp] = nil
        repository.files = old
        #expect(try client.refresh(repository) == .refused(.rollback(.snapshot, held: 2, found: 1)))
    }

    @Test(arguments: [RoleName.timestamp, .snapshot])
    mutating func `rotated keys drop what was fast-forwarded, before the new root is stored`(name: RoleName) throws {
        repository.roles[.timestamp]?.version = 1_000_000
        repository.roles[.snapshot]?.version = name == .snapshot ? 1_000_000 : 1
        try repository.publish(.snapshot, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        // Without a rotation, nobody gets back.
        repository.roles[.timestamp]?.version = 1
        repository.roles[.snapshot]?.version = 1
        try repository.publish(.snapshot, .timestamp)
        #expect(try client.refresh(repository).label == "rollback")
        repository.roles[name]?.keys = [try key(70)]
        try repository.publish(.root, .snapshot, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.changes.prefix(3) == ["-timestamp", "-snapshot", "+root"])
    }

    @Test mutating func `a key more, or another threshold, is no rotation`() throws {
        _ = try client.refresh(repository)
        repository.roles[.timestamp]?.keys.append(try key(71))
        try repository.publish(.root, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.changes == ["+root", "+timestamp"])
    }

    // MARK: - Freeze

    @Test(arguments: RoleName.topLevel)
    mutating func `a role that has expired is refused, at the second of its end`(name: RoleName) throws {
        repository.roles[name]?.expires = TestRepository.later(1)
        try repository.publish(.root, .targets, .snapshot, .timestamp)
        var late = client
        #expect(try client.refresh(repository) == .refreshed)
        let end = TestRepository.later(1)
        #expect(
            try late.refresh(repository, now: end)
                == .refused(.expired(name, version: 2, expires: end, now: end)))
        if name != .root { #expect(late.stored[name] == nil) }
        // What was good yesterday is not good today either.
        #expect(try client.refresh(repository, now: end).label == "expired")
    }

    // MARK: - Mix-and-match, endless data, what is missing

    @Test(arguments: [RoleName.snapshot, .targets])
    mutating func `bytes that are not those listed are refused`(name: RoleName) throws {
        let file = "1.\(name.fileName)"
        let lister: RoleName = name == .snapshot ? .timestamp : .snapshot
        repository.files[file] = (repository.files[file] ?? []).dropLast() + [0x20, 0x7D].suffix(1)
        repository.files[file]?[5] ^= 1
        #expect(try client.refresh(repository) == .refused(.otherBytes(name, listedBy: lister, version: 1)))
        repository.files[file]?.append(0x20)
        #expect(
            try client.refresh(repository)
                == .refused(.tooLong(name, limit: repository.documents[name]?.count ?? 0)))
    }

    @Test(arguments: [RoleName.snapshot, .targets])
    mutating func `a version that is not the listed one is refused`(name: RoleName) throws {
        repository.statesHashes = false
        try repository.publish(.targets, .snapshot, .timestamp)
        repository.files["2.\(name.fileName)"] = repository.files["1.\(name.fileName)"]
        let lister: RoleName = name == .snapshot ? .timestamp : .snapshot
        #expect(
            try client.refresh(repository)
                == .refused(.otherVersion(name, listedBy: lister, listed: 2, found: 1)))
    }

    @Test(arguments: [
        (RoleName.root, MetadataLimits.rootByteCount), (.timestamp, MetadataLimits.timestampByteCount),
        (.snapshot, MetadataLimits.snapshotByteCount), (.targets, MetadataLimits.targetsByteCount),
    ])
    mutating func `endless data is refused at the limit of its role`(name: RoleName, limit: Int) throws {
        repository.statesHashes = false
        try repository.publish(.root, .targets, .snapshot, .timestamp)
        let file = name == .timestamp ? name.fileName : "2.\(name.fileName)"
        repository.files[file] = [UInt8](repeating: 0x20, count: limit + 1)
        #expect(try client.refresh(repository) == .refused(.tooLong(name, limit: limit)))
    }

    @Test(arguments: [RoleName.timestamp, .snapshot, .targets])
    mutating func `a file that is not there is named`(name: RoleName) throws {
        repository.files[name == .timestamp ? name.fileName : "1.\(name.fileName)"] = nil
        #expect(
            try client.refresh(repository) == .refused(.missing(name, version: name == .timestamp ? nil : 1)))
    }

    // MARK: - Wrong fleet and wrong role

    @Test(arguments: RoleName.topLevel)
    mutating func `metadata of another fleet is refused, whatever its signatures`(name: RoleName) throws {
        try repository.publish(.root, .targets, .snapshot, .timestamp)
        for (fleet, label) in [("other", "other-fleet"), ("", "unnamed")] {
            var hostile = repository
            try hostile.reserve(name) { signed in
                signed[MetadataProfile.member] = fleet.isEmpty ? nil : Self.names(fleet: fleet, role: name)
            }
            if name == .targets { try hostile.publish(.snapshot, .timestamp) }
            if name == .snapshot { try hostile.publish(.timestamp) }
            #expect(try TestClient(try TestRepository()).refreshed(hostile).label == label)
        }
    }

    @Test mutating func `metadata of another role is refused, though the same keys sign for it`() throws {
        try repository.reserve(.targets) { signed in
            signed[MetadataProfile.member] = Self.names(fleet: "example", role: try role("set-a"))
        }
        try repository.publish(.snapshot, .timestamp)
        #expect(
            try client.refresh(repository) == .refused(.otherRole(.targets, found: Array("set-a".utf8))))
    }

    private static func names(fleet: String, role: RoleName) -> JSONValue {
        var names = JSONObject()
        names["fleet"] = .text(fleet)
        names["role"] = .string(role.bytes)
        return .object(names)
    }

    // MARK: - What is stored

    @Test(arguments: RoleName.topLevel.filter { $0 != .root })
    mutating func `what is stored is verified anew: what was changed counts for nothing`(name: RoleName) throws {
        _ = try client.refresh(repository)
        let forged = try repository.document(
            {
                var signed = try repository.signed(name); signed["version"] = .integer(900); return signed
            }(),
            signers: [try key(99)])
        client.stored[name] = forged
        #expect(try client.refresh(repository) == .refreshed)
        #expect(client.changes == ["+\(name)"])
        #expect(client.stored == repository.documents)
    }

    @Test mutating func `what today's root does not know any more counts for nothing`() throws {
        _ = try client.refresh(repository)
        repository.roles[.targets]?.keys = [try key(60)]
        try repository.publish(.root)
        // The repository still lists, and has, what the old key signed.
        #expect(try client.refresh(repository).label == "too-few-signers")
    }

    @Test mutating func `without a network, what is stored is verified, and good until it expires`() throws {
        _ = try client.refresh(repository)
        var offline = repository
        offline.files = ["timestamp.json": client.stored[.timestamp] ?? []]
        #expect(try client.refresh(offline) == .refreshed)
        #expect(client.changes == [])
        #expect(try client.refresh(offline, now: TestRepository.later(86_400)).label == "expired")
        client.stored[.targets] = nil
        #expect(try client.refresh(offline) == .refused(.missing(.targets, version: 1)))
    }
}

extension TestClient {
    /// How one update of a copy ends.
    func refreshed(_ repository: TestRepository) throws -> Outcome {
        var copy = self
        return try copy.refresh(repository)
    }
}
