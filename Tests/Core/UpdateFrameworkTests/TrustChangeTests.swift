import SigningKeys
import TestSupport
import Testing
import UpdateFramework

/// A key of a test and whose it is.
private func owned(_ number: UInt8) throws -> OwnedKey {
    OwnedKey(try key(number).key, owner: Array("person \(number)".utf8))
}

private func grant(_ numbers: [UInt8], _ threshold: Int = 1) throws -> RoleGrant {
    RoleGrant(try numbers.map(owned), threshold: threshold)
}

private let later = TestRepository.later(1_000)

extension TrustChange {
    /// The bytes of a document of the change.
    fileprivate func bytes(_ role: RoleName) -> [UInt8]? { documents.first { $0.role == role }?.document.bytes }

    fileprivate func signed(by numbers: some Sequence<UInt8>) throws -> TrustChange {
        var change = self
        for number in numbers { _ = try change.sign(with: try key(number)) }
        return change
    }
}

/// A fleet's documents as a test goes on.
private struct Fleet {
    var roots: [[UInt8]] = []
    var targets: [UInt8] = []

    var trust: FleetTrust {
        get throws { try FleetTrust(fleet: TestRepository.fleet, roots: roots, targets: targets) }
    }

    /// Root by key 1, targets by 2, online 3, set-debian 4.
    init() throws {
        let set = try #require(SetGrant(set: "debian", try grant([4])))
        let plan = TrustPlan(root: try grant([1]), targets: try grant([2]), online: try grant([3]), sets: [set])
        let first = try TrustChange(fleet: TestRepository.fleet, first: plan, expires: later)
        #expect(!first.isComplete)
        take(try first.signed(by: [1, 2]))
    }

    mutating func take(_ change: TrustChange) {
        if let root = change.bytes(.root) { roots.append(root) }
        targets = change.bytes(.targets) ?? targets
    }

    func change(_ edit: (inout TrustPlan) throws -> Void) throws -> TrustChange {
        var plan = TrustPlan(try trust)
        try edit(&plan)
        return try TrustChange(from: try trust, to: plan, expires: later)
    }
}

@Suite struct TrustChangeTests {
    @Test func `A policy is signed by targets, shown in words, and stays when something else changes`() throws {
        var fleet = try Fleet()
        let policy = SignedPolicy(flipQuorum: 2, maxDelete: 30)
        let change = try fleet.change { try $0.setPolicy(policy, ofSet: "debian") }
        #expect(change.documents.map(\.role) == [.targets] && change.missing.count == 1)
        #expect(change.words.contains("    + flip_quorum: 2") && change.words.contains("    + max_delete: 30%"))
        fleet.take(try change.signed(by: [2]))
        #expect(try fleet.trust.targets.policies == ["debian": policy])
        fleet.take(try fleet.change { try $0.add(owned(5), to: #require(RoleName.ofSet("debian"))) }.signed(by: [2]))
        #expect(try fleet.trust.targets.policies == ["debian": policy])
        let narrower = try fleet.change { plan in
            try plan.setPolicy(SignedPolicy(flipQuorum: 2, fetch: FetchRule(mirrors: ["m1"])), ofSet: "debian")
        }
        #expect(narrower.words.contains("      flip_quorum: 2") && narrower.words.contains("    - max_delete: 30%"))
        #expect(narrower.words.contains("    + fetch: mirror=m1"))
        #expect(throws: TrustChangeError.nothingChanges) {
            _ = try fleet.change { try $0.setPolicy(policy, ofSet: "debian") }
        }
        #expect(throws: TrustChangeError.self) { _ = try fleet.change { try $0.setPolicy(policy, ofSet: "iso") } }
    }

    @Test func `a second root person, and a threshold of two: both have to sign`() throws {
        var fleet = try Fleet()
        let change = try fleet.change { try $0.add(owned(5), to: .root, threshold: 2) }
        #expect(change.documents.map(\.role) == [.root])
        #expect(change.missing.map(\.owned.key.id) == [try key(1).key.id, try key(5).key.id])
        #expect(try !change.signed(by: [1]).isComplete && !change.signed(by: [5]).isComplete)
        #expect(try change.signed(by: [1]).missing.map(\.owned.owner) == [Array("person 5".utf8)])
        let done = try change.signed(by: [5, 1])
        #expect(done.isComplete && done.missing.isEmpty)
        fleet.take(done)
        #expect(try fleet.trust.root.grant(of: .root) == grant([1, 5], 2))
    }

    @Test func `a new key of targets takes the signature of the old targets away, so they are signed again`() throws {
        var fleet = try Fleet()
        let change = try fleet.change { try $0.replace(key(2).key.id, by: owned(6), in: .targets) }
        #expect(change.documents.map(\.role) == [.root, .targets])
        #expect(try change.unsignedRoles(by: key(6).key.id) == [.targets])
        #expect(try !change.signed(by: [1, 2]).isComplete)
        fleet.take(try change.signed(by: [1, 6]))
        #expect(try fleet.trust.targets.version == 2)

        // A key more leaves the signature of the other one right.
        #expect(try fleet.change { try $0.add(owned(7), to: .targets) }.documents.map(\.role) == [.root])
    }

    @Test func `a set's keys are the targets' business`() throws {
        var fleet = try Fleet()
        let debian = try #require(RoleName.ofSet("debian"))
        let change = try fleet.change { plan in
            try plan.delegate(#require(SetGrant(set: "alpine", try grant([7, 8], 2))))
            try plan.replace(key(4).key.id, by: owned(9), in: debian)
        }
        #expect(change.documents.map(\.role) == [.targets])
        fleet.take(try change.signed(by: [2]))
        #expect(try fleet.trust.targets.setGrants.map(\.role) == [role("set-alpine"), debian])
        #expect(try fleet.trust.targets.setGrants.map(\.grant) == [grant([7, 8], 2), grant([9])])
    }

    @Test func `what cannot be says why`() throws {
        let fleet = try Fleet()
        func refusal(_ edit: (inout TrustPlan) throws -> Void) throws -> TrustChangeError? {
            #expect(throws: TrustChangeError.self) { try fleet.change(edit) }
        }
        let (one, nine) = (try key(1).key.id, try key(9).key.id)
        #expect(try refusal { _ in } == .nothingChanges)
        #expect(try refusal { try $0.add(owned(9), to: role("set-x")) } == .unknownRole(role("set-x")))
        #expect(try refusal { try $0.add(owned(1), to: .root) } == .hasKey(.root, one))
        #expect(
            try refusal { try $0.add(owned(9), to: .root, threshold: 3) }
                == .badThreshold(.root, threshold: 3, keyCount: 2))
        #expect(
            try refusal { try $0.setThreshold(0, of: .root) } == .badThreshold(.root, threshold: 0, keyCount: 1))
        #expect(try refusal { try $0.revoke(one) } == .badThreshold(.root, threshold: 1, keyCount: 0))
        #expect(try refusal { try $0.revoke(nine) } == .unknownKey(nine))
        #expect(try refusal { try $0.replace(nine, by: owned(8), in: .root) } == .lacksKey(.root, nine))
        #expect(try refusal { try $0.replace(one, by: owned(1), in: .root) } == .hasKey(.root, one))
        #expect(
            try refusal { try $0.delegate(#require(SetGrant(set: "debian", try grant([9])))) }
                == .hasRole(role("set-debian")))
        #expect(try refusal { try $0.expire(role("set-debian"), at: later) } == .notHere(role("set-debian")))
        #expect(
            try refusal { plan in for number: UInt8 in 10..<74 { try plan.add(owned(number), to: .root) } }
                == .tooManyKeys(.root, limit: 64))
    }

    @Test func `two keys that share a half are in no document`() throws {
        let fleet = try Fleet()
        let hybrid = try #require(HybridSigningKey(seed: [UInt8](repeating: 9, count: 64)))
        let error = #expect(throws: TrustChangeError.self) {
            try fleet.change { plan in
                try plan.add(owned(9), to: .root)
                try plan.add(OwnedKey(hybrid.key, owner: []), to: .root)
            }
        }
        guard case .invalid(.root, _)? = error else { Issue.record("\(error as Any)"); return }
    }

    @Test func `signatures of elsewhere count if they are right, and of the same change`() throws {
        let fleet = try Fleet()
        let change = try fleet.change { try $0.add(owned(5), to: .root, threshold: 2) }
        var mine = try TrustChange(file: try change.signed(by: [1]).file)
        #expect(try mine.merge(TrustChange(file: try change.signed(by: [1]).file)) == 0)
        #expect(try mine.merge(change.signed(by: [6])) == 0)
        #expect(try mine.merge(change.signed(by: [5])) == 1)
        #expect(mine.isComplete)
        let other = try fleet.change { try $0.add(owned(6), to: .root, threshold: 2) }
        #expect(throws: UpdateError.otherBytes(.root, listedBy: .root, version: 2)) { try mine.merge(other) }
    }

    @Test func `a file says all that is signed, and nothing that does not follow is read`() throws {
        var fleet = try Fleet()
        let change = try fleet.change { plan in
            try plan.add(owned(5), to: .root, threshold: 2)
            try plan.expire(.targets, at: TestRepository.later(77))
        }
        let read = try TrustChange(file: change.file)
        #expect(read.file == change.file)
        let words = read.words
        #expect(words[0] == "root 2 of fleet example, after root 1")
        #expect(words.contains("  root: 2 of 2 keys, was 1 of 1"))
        #expect(words.contains("    + \(try key(5).key.id.text) ed25519 (person 5)"))
        #expect(words.contains("      \(try key(1).key.id.text) ed25519 (person 1)"))
        #expect(words.contains("targets 2 of fleet example, after targets 1"))
        #expect(words.contains("  counts until \(TestRepository.later(77))"))
        #expect(words.contains("  set-debian: 1 of 1 keys"))
        let removal = try fleet.change { plan in
            try plan.add(owned(5), to: .root)
            try plan.revoke(key(1).key.id)
        }
        #expect(removal.words.contains("    - \(try key(1).key.id.text) ed25519 (person 1)"))

        let text = String(decoding: change.file, as: UTF8.self)
        let wrong = [
            "", "{}", "[]", text.replacing("change\":1", with: "change\":2"),
            text.replacing(#""fleet":"example","m"#, with: #""fleet":"other","m"#),
            text.replacing(#""documents":{"#, with: #""documents":{"snapshot":1,"#),
            // The trusted root with another threshold than was signed.
            text.replacing(#""threshold":1"#, with: #""threshold":2"#),
            text.replacing(#""version":2"#, with: #""version":3"#),
        ]
        for text in wrong {
            #expect(throws: TrustFileError.self, "\(text.prefix(60))") { try TrustChange(file: Array(text.utf8)) }
        }
        fleet.take(try fleet.change { try $0.add(owned(6), to: .root) }.signed(by: [1]))
        let late = try fleet.trust
        #expect(throws: UpdateError.rootOutOfOrder(held: 2, found: 2)) {
            try TrustChange(
                fleet: TestRepository.fleet, base: late, documents: [(.root, try #require(change.bytes(.root)))])
        }
    }

    @Test func `owners are words for people, kept in the documents, and nothing else is taken for them`() throws {
        let trust = try Fleet().trust
        #expect(try trust.root.owners[key(1).key.id] == Array("person 1".utf8))
        var owners = KeyOwners()
        let id = try key(1).key.id
        owners[id] = Array("a\u{1B}[31m".utf8) + [UInt8](repeating: 0x61, count: 200)
        #expect(owners[id]?.count == KeyOwners.byteCount && owners[id]?.starts(with: Array("a?[31m".utf8)) == true)
        owners[id] = []
        #expect(owners.names.isEmpty)
        for words in ["", "a\n", String(repeating: "a", count: 101)] {
            var signed = trust.rootDocument.signed
            signed.change(["mirrorfleet", "owners", String(decoding: id.bytes, as: UTF8.self)]) { _ in .text(words) }
            #expect(throws: MetadataError.self, "\(words)") {
                try RootMetadata(signed, profile: trust.profile, schemes: .own)
            }
            _ = try RootMetadata(signed, profile: .specification, schemes: .own)
        }
    }

    @Test func `an explanation names the rules of every document and who satisfied them`() throws {
        var fleet = try Fleet()
        fleet.take(try fleet.change { try $0.add(owned(5), to: .root, threshold: 2) }.signed(by: [1, 5]))
        let trust = try fleet.trust
        let debian = try #require(RoleName.ofSet("debian"))
        let release = try path("debian/1")
        let set = try MetadataWriter(profile: trust.profile).document(
            TargetsMetadata(version: 3, expires: later, targets: [release: TargetDescription(of: [1])]), role: debian,
            signers: [key(2)])
        var explanation = try TrustExplanation(
            fleet: trust.fleet, roots: fleet.roots, targets: fleet.targets)
        try explanation.addSet(debian, set, of: trust, target: release)
        #expect(explanation.steps.map(\.role) == [.root, .root, .targets, debian])
        #expect(explanation.steps.map { $0.states.map(\.isMet) } == [[true], [true, true], [true], [false]])
        #expect(explanation.steps[1].states.map(\.signed.count) == [1, 2])
        #expect(explanation.steps[1].states.map(\.rule.delegatorVersion) == [1, 2])
        #expect(explanation.target?.description == TargetDescription(of: [1]))
    }
}
