import Testing
import UpdateFramework

/// The walk over delegations, and what it finds.
@Suite struct TargetSearchTests {
    private let content = Array("a release document".utf8)

    /// Roles and who delegates to them, with all metadata published and a client that is up to date.
    private func repository(
        _ delegations: [(from: String, to: String, pattern: String, isTerminating: Bool)],
        targets: [(role: String, path: String)] = [], profile: MetadataProfile = .fleet(TestRepository.fleet)
    ) throws -> (TestRepository, TestClient) {
        var repository = try TestRepository(profile: profile)
        for (number, delegation) in delegations.enumerated() {
            try repository.delegate(
                from: try role(delegation.from), to: try role(delegation.to), pattern: delegation.pattern,
                isTerminating: delegation.isTerminating, key: UInt8(20 + number))
        }
        for target in targets {
            repository.targets[try role(target.role), default: [:]][try path(target.path)] = TargetDescription(
                of: content)
        }
        for name in repository.roles.keys.sorted() where !RoleName.topLevel.contains(name) {
            try repository.publish(name)
        }
        try repository.publish(.targets, .snapshot, .timestamp)
        var client = TestClient(repository)
        #expect(try client.refresh(repository) == .refreshed)
        return (repository, client)
    }

    private func found(_ action: RepositoryUpdate.Action) throws -> VerifiedTarget {
        guard case .found(let target) = action else { throw TestClient.Unexpected(last: "\(action)") }
        return target
    }

    @Test func `a target of a delegated role is found, with the roles that lead to it`() throws {
        var (repository, client) = try repository(
            [("targets", "set-a", "sets/a/*", true), ("set-a", "deep", "sets/a/x", false)],
            targets: [("deep", "sets/a/x")])
        let target = try found(try client.find(try path("sets/a/x"), repository))
        #expect(target.authority.map(\.description) == ["root", "targets", "set-a", "deep"])
        #expect(target.description == TargetDescription(of: content))
        #expect(client.requests == ["1.set-a.json", "1.deep.json"])
        #expect(client.changes == ["+set-a", "+deep"])
        let hash = String(decoding: target.description.hashes.fileNamePrefix ?? [], as: UTF8.self)
        #expect(target.filePath == Array("sets/a/\(hash).x".utf8))
        // What is verified already is asked for no second time.
        _ = try found(try client.find(try path("sets/a/x"), repository))
        #expect(client.requests == [])
    }

    @Test func `its bytes are verified before anybody gets them`() throws {
        var (repository, client) = try repository(
            [("targets", "set-a", "sets/a/*", true)], targets: [("set-a", "sets/a/x")])
        let target = try found(try client.find(try path("sets/a/x"), repository))
        let verified = try target.verify(content)
        #expect(verified.bytes == content)
        #expect(verified.role == (try role("set-a")))
        let name = try path("sets/a/x")
        var other = content
        other[0] ^= 1
        for bytes in [other, [], content.dropLast()] {
            #expect(throws: UpdateError.otherTarget(name, role: try role("set-a"), version: 1)) {
                try target.verify(bytes)
            }
        }
        #expect(throws: UpdateError.targetTooLong(name, limit: Int64(content.count))) {
            try target.verify(content + [0])
        }
    }

    @Test func `it is good until the first of the documents that lead to it expires`() throws {
        let names: [RoleName] = [.root, .timestamp, .snapshot, .targets, try role("set-a")]
        for name in names {
            var (repository, client) = try repository(
                [("targets", "set-a", "a/*", true)], targets: [("set-a", "a/x")])
            repository.roles[name]?.expires = TestRepository.later(77)
            try repository.publish(.root)
            try repository.publish(try role("set-a"), .targets, .snapshot, .timestamp)
            #expect(try client.refresh(repository) == .refreshed)
            #expect(try found(try client.find(try path("a/x"), repository)).expires == TestRepository.later(77))
        }
    }

    @Test func `roles are looked into before those that they delegate to, in order`() throws {
        var (repository, client) = try repository([
            ("targets", "a", "*", false), ("targets", "b", "*", false), ("a", "c", "*", false), ("a", "d", "*", false),
            ("b", "e", "*", false), ("targets", "never", "other", false),
        ])
        let action = try client.find(try path("x"), repository)
        guard case .absent(_, visitedRoleCount: 6) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(client.requests == ["a", "c", "d", "b", "e"].map { "1.\($0).json" })
    }

    @Test func `a terminating delegation ends the search with those below it`() throws {
        var (repository, client) = try repository([
            ("targets", "a", "*", false), ("targets", "b", "*", true), ("targets", "c", "*", false),
            ("b", "d", "*", false), ("a", "e", "nothing", true),
        ])
        _ = try client.find(try path("x"), repository)
        #expect(client.requests == ["a", "b", "d"].map { "1.\($0).json" })
    }

    @Test func `a terminating delegation further down ends what was still to come further up`() throws {
        var (repository, client) = try repository([
            ("targets", "a", "*", false), ("targets", "never", "*", false), ("a", "b", "*", true),
            ("b", "c", "*", false),
        ])
        _ = try client.find(try path("x"), repository)
        #expect(client.requests == ["a", "b", "c"].map { "1.\($0).json" })
    }

    @Test func `a role says nothing of targets that it is not trusted with`() throws {
        // set-b names a target of set-a: wrong-set replay by a signer of another set.
        var (repository, client) = try repository(
            [("targets", "set-a", "sets/a/*", true), ("targets", "set-b", "sets/b/*", true)],
            targets: [("set-b", "sets/a/x")])
        let action = try client.find(try path("sets/a/x"), repository)
        guard case .absent = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(client.requests == ["1.set-a.json"])
    }

    @Test func `metadata of another set is refused in the place of this one's`() throws {
        var (repository, client) = try repository([
            ("targets", "set-a", "sets/a/*", true), ("targets", "set-b", "sets/b/*", true),
        ])
        let (a, b) = (try role("set-a"), try role("set-b"))
        // The worst case: the same key, the same version, no hashes. The name in the document is what is left.
        repository.statesHashes = false
        let keys = repository.roles[a]?.keys ?? []
        repository.roles[b]?.keys = keys
        try repository.publish(a, b, .targets, .snapshot, .timestamp)
        repository.files["2.set-a.json"] = repository.files["2.set-b.json"]
        #expect(try client.refresh(repository) == .refreshed)
        let action = try client.find(try path("sets/a/x"), repository)
        guard case .refused(let error) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(error == .otherRole(a, found: b.bytes))
    }

    @Test func `circles end, and no role is visited twice`() throws {
        var (repository, client) = try repository(
            [("targets", "a", "*", false), ("a", "b", "*", false), ("b", "a", "*", false)], profile: .specification)
        let action = try client.find(try path("x"), repository)
        guard case .absent(_, visitedRoleCount: 3) = action else { throw TestClient.Unexpected(last: "\(action)") }
    }

    @Test func `a fleet's role is delegated to once`() throws {
        let delegations = [
            ("targets", "a", "*", false), ("targets", "b", "*", false), ("a", "c", "*", false), ("b", "c", "*", false),
        ]
        var (repository, client) = try repository(delegations)
        let action = try client.find(try path("x"), repository)
        guard case .refused(let error) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(error == .delegatedTwice(try role("c"), by: try role("b")))
        // The update is as good as before.
        _ = try client.find(try path("y"), repository)
    }

    @Test func `what one delegator allows says nothing of another's`() throws {
        var repository = try TestRepository(profile: .specification)
        for (from, pattern, number) in [("a", "a/*", 30), ("b", "b/*", 31)] as [(String, String, UInt8)] {
            try repository.delegate(to: try role(from), pattern: pattern, key: number)
        }
        let shared = try role("shared")
        try repository.delegate(from: try role("a"), to: shared, pattern: "a/*", key: 40)
        try repository.publish(shared, try role("a"))
        repository.roles[shared]?.keys = [try key(41)]
        try repository.delegate(from: try role("b"), to: shared, pattern: "b/*", key: 41)
        try repository.publish(try role("b"), .targets, .snapshot, .timestamp)
        var client = TestClient(repository)
        #expect(try client.refresh(repository) == .refreshed)
        guard case .absent = try client.find(try path("a/x"), repository) else {
            throw TestClient.Unexpected(last: "no answer")
        }
        let action = try client.find(try path("b/x"), repository)
        guard case .refused(let error) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(error.label == "too-few-signers")
    }

    @Test func `a search visits no more roles than the limit`() throws {
        let names = (0...RepositoryUpdate.roleLimit).map { "r\($0)" }
        let chain = zip(["targets"] + names, names).map { ($0, $1, "*", false) }
        var (repository, client) = try repository(chain, targets: [(names.last ?? "", "x")])
        let action = try client.find(try path("x"), repository)
        guard case .absent(_, visitedRoleCount: RepositoryUpdate.roleLimit) = action else {
            throw TestClient.Unexpected(last: "\(action)")
        }
        #expect(client.requests.count == RepositoryUpdate.roleLimit - 1)
    }

    @Test func `a role that the snapshot does not list is refused`() throws {
        var (repository, client) = try repository([("targets", "a", "*", false)])
        try repository.delegate(to: try role("new"), pattern: "*", isTerminating: false, key: 50)
        try repository.publish(.targets, .snapshot, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        let action = try client.find(try path("x"), repository)
        guard case .refused(let error) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(error == .notListed(try role("new"), snapshotVersion: 3))
    }

    @Test(arguments: [true, false])
    func `a delegated role is refused as a top-level one is`(isExpired: Bool) throws {
        var (repository, client) = try repository([("targets", "a", "*", false)])
        let a = try role("a")
        if isExpired {
            repository.roles[a]?.expires = TestRepository.now
        } else {
            repository.roles[a]?.signers = [try key(99)]
        }
        try repository.publish(a, .snapshot, .timestamp)
        #expect(try client.refresh(repository) == .refreshed)
        let action = try client.find(try path("x"), repository)
        guard case .refused(let error) = action else { throw TestClient.Unexpected(last: "\(action)") }
        #expect(error.label == (isExpired ? "expired" : "too-few-signers"))
        #expect(client.changes == [])
    }
}
