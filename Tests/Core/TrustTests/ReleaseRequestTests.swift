import Content
import SigningKeys
import Testing
import Trust
import UpdateFramework

private let expires = MetadataTime(secondsSince1970: 1_900_000_000)
private let now = MetadataTime(secondsSince1970: 1_800_000_000)
private let fleet = Array("example".utf8)
private let debian = FleetRoles.role(ofSet: "debian")

private func key(_ number: UInt8) throws -> Ed25519SigningKey {
    try #require(Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)))
}

private func grant(_ numbers: [UInt8], _ threshold: Int) throws -> RoleGrant {
    RoleGrant(
        try numbers.map { OwnedKey(try key($0).key, owner: Array("person \($0)".utf8)) }, threshold: threshold)
}

/// A fleet whose set debian takes the signatures of two of the keys 4, 5 and 6.
private func trust(fleet: [UInt8] = fleet) throws -> FleetTrust {
    let set = try #require(SetGrant(set: "debian", try grant([4, 5, 6], 2)))
    let plan = TrustPlan(root: try grant([1], 1), targets: try grant([2], 1), online: try grant([3], 1), sets: [set])
    var change = try TrustChange(fleet: fleet, first: plan, expires: expires)
    for number: UInt8 in [1, 2] { _ = try change.sign(with: key(number)) }
    let documents = change.documents.map(\.document.bytes)
    return try FleetTrust(fleet: fleet, roots: [documents[0]], targets: documents[1])
}

/// The document of the role after `held`, made by `edit`, with the signatures of `signers`.
private func role(
    after held: TargetsMetadata? = nil, signers: [UInt8] = [], _ edit: (inout SetRole) throws -> Void
) throws -> [UInt8] {
    var role = SetRole(of: "debian", after: held, now: now)
    try edit(&role)
    let signed = role.signed(fleet: "example")
    return MetadataWriter.document(
        signed, signatures: try signers.map { try MetadataWriter.signature(over: signed, by: key($0)) })
}

private func contents(_ bytes: [UInt8]) throws -> TargetsMetadata {
    try TargetsMetadata(
        SignedMetadata(bytes, byteCount: bytes.count).signed, profile: .fleet(fleet), schemes: .own)
}

private func document(_ sequence: UInt64, note: String = "") throws -> [UInt8] {
    try sampleDocument(sequence: sequence, note: note).encode()
}

private func target(_ sequence: UInt64, _ bytes: [UInt8]) -> RoleChange.Target {
    RoleChange.Target(path: FleetRoles.release(sequence, ofSet: "debian"), bytes: bytes)
}

/// The request for release `sequence` on top of `before`.
private func request(
    _ sequence: UInt64 = 1, before: [UInt8]? = nil, notes: SourceNotes = SourceNotes()
) throws -> ReleaseRequest {
    let bytes = try document(sequence)
    let next = try role(after: before.map(contents)) { $0.add(release: sequence, document: bytes) }
    return try ReleaseRequest(
        RoleChange(
            of: debian, base: trust(), before: before, to: next, target: target(sequence, bytes), notes: notes))
}

@Suite struct ReleaseRequestTests {
    @Test func `Two of three people on two machines make a release, and their signatures are over its role`() throws {
        let asked = try request()
        #expect(!asked.isComplete && asked.missing.count == 3)
        // Each has a copy of the file; who asked brings both together.
        var (one, other) = (try ReleaseRequest(file: asked.file), try ReleaseRequest(file: asked.file))
        #expect(try one.sign(with: key(4)) == [debian] && !one.isComplete)
        #expect(try other.sign(with: key(6)) == [debian] && !other.isComplete)
        var whole = asked
        #expect(try whole.merge(try ReleaseRequest(file: one.file).documents) == 1)
        #expect(try whole.merge(try ReleaseRequest(file: other.file).documents) == 1)
        #expect(try whole.merge(one.documents) == 0)
        #expect(whole.isComplete && whole.missing.isEmpty)
        #expect(try ReleaseRequest(file: whole.file).file == whole.file)
        let rule = try #require(try trust().targets.rule(for: debian))
        let signed = whole.change.document.document
        #expect(rule.state(of: signed).isMet && signed.signatures.count == 2)
        #expect(try contents(signed.bytes).targets[whole.change.target.path] == TargetDescription(of: document(1)))
    }

    @Test func `One person who signs twice, and a stranger, add nothing`() throws {
        var asked = try request()
        _ = try asked.sign(with: key(4))
        #expect(try asked.sign(with: key(4)).isEmpty && asked.sign(with: key(9)).isEmpty)
        let stolen = try #require(asked.documents.first?.document.signatures.first?.bytes)
        #expect(asked.add([MetadataSignature(keyID: try key(5).key.id, bytes: stolen)], toDocument: 0) == 0)
        #expect(!asked.isComplete)
    }

    @Test func `Another release is never merged`() throws {
        var asked = try request()
        var other = try request(2)
        _ = try other.sign(with: key(4))
        #expect(throws: UpdateError.self) { try asked.merge(other.documents) }
        #expect(asked.change.document.document.signatures.isEmpty)
    }

    @Test func `The words have all that is signed, and say what nobody signs`() throws {
        var notes = SourceNotes(source: "/srv/\u{1B}[2J", digests: ["sha256"])
        notes.removed = (3, 4_000)
        var asked = try request(5, notes: notes)
        _ = try asked.sign(with: key(5))
        let words = try ReleaseRequest(file: asked.file).words
        for line in [
            "release 5 of debian, fleet example", "  holds      7 files in 9 entries, 5 bytes",
            "  read from  /srv/\\x1b[2J, says the origin", "  takes away 3 files, 4000 bytes, says the origin",
            "set-debian 1, as root 1 and targets 1 want it", "  2 of 3 keys:",
            "    signed \(try key(5).key.id) (person 5)", "    -      \(try key(4).key.id) (person 4)",
        ] {
            #expect(words.contains(line), "\(line) in \(words)")
        }
        #expect(try ReleaseRequest(file: asked.file).change.notes == notes)
    }

    @Test func `The role before needs the signatures of today, and the next version follows it`() throws {
        let bytes = try document(1)
        let before = try role(signers: [4, 5]) { $0.add(release: 1, document: bytes) }
        #expect(try request(2, before: before).change.contents.version == 2)
        let alone = try role(signers: [4]) { $0.add(release: 1, document: bytes) }
        #expect(throws: TrustFileError.self) { try request(2, before: alone) }
        // Version 1 again, where version 1 is there.
        let again = try role { $0.add(release: 1, document: bytes) }
        let found = #expect(throws: TrustFileError.self) {
            try RoleChange(of: debian, base: trust(), before: before, to: again, target: target(1, bytes))
        }
        #expect(found == .document(.rollback(debian, held: 1, found: 1)))
        let unknown = FleetRoles.role(ofSet: "iso")
        #expect(throws: TrustFileError.unknownRole(unknown)) {
            try RoleChange(of: unknown, base: trust(), before: nil, to: again, target: target(1, bytes))
        }
    }

    @Test func `What the file does not show is refused`() throws {
        let (bytes, other) = (try document(1), try document(1, note: "another"))
        let before = try role(signers: [4, 5]) { $0.add(release: 1, document: bytes) }
        let held = try contents(before)
        func change(_ shown: RoleChange.Target, _ edit: (inout SetRole) throws -> Void) throws -> RoleChange {
            try RoleChange(
                of: debian, base: trust(), before: before, to: role(after: held, edit), target: shown)
        }
        let next = try document(2)
        // Other bytes than the role names.
        #expect(throws: TrustFileError.document(.otherTarget(target(2, next).path, role: debian, version: 2))) {
            try change(target(2, next + [0])) { $0.add(release: 2, document: next) }
        }
        // The release that is shown, and another content for one that mirrors have.
        #expect(throws: TrustFileError.hiddenTarget(target(1, bytes).path, role: debian)) {
            try change(target(2, next)) {
                $0.add(release: 2, document: next)
                $0.add(release: 1, document: other)
            }
        }
        #expect(throws: TrustFileError.hiddenTarget(FleetRoles.yanked(ofSet: "debian"), role: debian)) {
            try change(target(2, next)) {
                $0.add(release: 2, document: next)
                $0.set(yanked: [1])
            }
        }
    }

    @Test func `A target that is no release of its path, or not the newest, is refused`() throws {
        func refusal(_ shown: RoleChange.Target, before: [UInt8]? = nil) throws -> ReleaseRequestError? {
            let held = try before.map(contents)
            var targets = held?.targets ?? [:]
            targets[shown.path] = TargetDescription(of: shown.bytes)
            let next = TargetsMetadata(version: (held?.version ?? 0) + 1, expires: expires, targets: targets)
            let signed = MetadataWriter(profile: .fleet(fleet)).signed(next, role: debian)
            let change = try RoleChange(
                of: debian, base: trust(), before: before, to: MetadataWriter.document(signed, signatures: []),
                target: shown)
            return #expect(throws: ReleaseRequestError.self) { try ReleaseRequest(change) }
        }
        let bytes = try document(1)
        let before = try role(signers: [4, 5]) { $0.add(release: 7, document: bytes) }
        #expect(
            try refusal(target(9, bytes), before: before)
                == .notOfItsPath(
                    target(9, bytes).path, set: "debian", sequence: 1))
        #expect(try refusal(target(1, bytes), before: before) == .notTheNewest(1))
        let yanks = RoleChange.Target(path: FleetRoles.yanked(ofSet: "debian"), bytes: [1, 2, 3])
        guard case .badDocument = try refusal(yanks, before: before) else {
            Issue.record("a list of yanked paths is no release")
            return
        }
    }

    @Test func `Only the oldest releases may go`() throws {
        let old = try document(1)
        let before = try role(signers: [4, 5]) { role in
            for sequence in UInt64(1)...UInt64(SetRole.releaseLimit) { role.add(release: sequence, document: old) }
            role.set(yanked: [1])
        }
        let next = UInt64(SetRole.releaseLimit) + 1
        #expect(try request(next, before: before).change.dropped == [target(1, old).path])
        // The list of yanked paths goes with it: yanked paths would be served again.
        let bytes = try document(next)
        var targets = try contents(before).targets
        targets[FleetRoles.yanked(ofSet: "debian")] = nil
        targets[target(next, bytes).path] = TargetDescription(of: bytes)
        let signed = MetadataWriter(profile: .fleet(fleet)).signed(
            TargetsMetadata(version: 2, expires: expires, targets: targets), role: debian)
        let change = try RoleChange(
            of: debian, base: trust(), before: before, to: MetadataWriter.document(signed, signatures: []),
            target: target(next, bytes))
        #expect(throws: ReleaseRequestError.drops(FleetRoles.yanked(ofSet: "debian"))) { try ReleaseRequest(change) }
    }

    @Test func `A file of another fleet, a change of trust, and bytes of no meaning are refused`() throws {
        let file = try request().file
        #expect(RoleChange.isFile(file))
        let text = String(decoding: file, as: UTF8.self)
        let other = text.replacing(
            "\"fleet\":\"example\",\"mirrorfleet-role", with: "\"fleet\":\"other\",\"mirrorfleet-role")
        #expect(other != text)
        for bytes in [Array(other.utf8), [], Array("{}".utf8), Array(file.dropLast(9)), [0xFF] + file] {
            #expect(throws: ReleaseRequestError.self) { try ReleaseRequest(file: bytes) }
        }
        let change = try TrustChange(
            from: trust(),
            to: { plan in
                var plan = plan
                try plan.expire(.targets, at: expires)
                return plan
            }(TrustPlan(trust())), expires: expires)
        #expect(!RoleChange.isFile(change.file))
        #expect(throws: TrustFileError.self) { try TrustChange(file: file) }
    }
}
