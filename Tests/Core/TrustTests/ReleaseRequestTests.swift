import Content
import SigningKeys
import Testing
import Trust
import UpdateFramework

private func read(_ file: [UInt8]) throws -> ReleaseRequest { try ReleaseRequest(RoleChange(file: file)) }

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
    let next = try RequestFleet.role(after: before.map(RequestFleet.contents)) {
        $0.add(release: sequence, document: bytes)
    }
    return try ReleaseRequest(
        RoleChange(
            of: RequestFleet.debian, base: RequestFleet.trust(), before: before, to: next,
            target: target(sequence, bytes), notes: notes))
}

@Suite struct ReleaseRequestTests {
    @Test func `Two of three people on two machines make a release, and their signatures are over its role`() throws {
        let asked = try request()
        #expect(!asked.isComplete && asked.missing.count == 3)
        // Each has a copy of the file; who asked brings both together.
        var (one, other) = (try read(asked.file), try read(asked.file))
        #expect(try one.sign(with: RequestFleet.key(4)) == [RequestFleet.debian] && !one.isComplete)
        #expect(try other.sign(with: RequestFleet.key(6)) == [RequestFleet.debian] && !other.isComplete)
        var whole = asked
        #expect(try whole.merge(try read(one.file).documents) == 1)
        #expect(try whole.merge(try read(other.file).documents) == 1)
        #expect(try whole.merge(one.documents) == 0)
        #expect(whole.isComplete && whole.missing.isEmpty)
        #expect(try read(whole.file).file == whole.file)
        let rule = try #require(try RequestFleet.trust().targets.rule(for: RequestFleet.debian))
        let signed = whole.change.document.document
        #expect(rule.state(of: signed).isMet && signed.signatures.count == 2)
        #expect(
            try RequestFleet.contents(signed.bytes).targets[whole.change.target.path]
                == TargetDescription(of: document(1)))
    }

    @Test func `One person who signs twice, and a stranger, add nothing`() throws {
        var asked = try request()
        _ = try asked.sign(with: RequestFleet.key(4))
        #expect(try asked.sign(with: RequestFleet.key(4)).isEmpty && asked.sign(with: RequestFleet.key(9)).isEmpty)
        let stolen = try #require(asked.documents.first?.document.signatures.first?.bytes)
        #expect(
            asked.add([MetadataSignature(keyID: try RequestFleet.key(5).key.id, bytes: stolen)], toDocument: 0) == 0)
        #expect(!asked.isComplete)
    }

    @Test func `Another release is never merged`() throws {
        var asked = try request()
        var other = try request(2)
        _ = try other.sign(with: RequestFleet.key(4))
        #expect(throws: UpdateError.self) { try asked.merge(other.documents) }
        #expect(asked.change.document.document.signatures.isEmpty)
    }

    @Test func `The words have all that is signed, and say what nobody signs`() throws {
        var notes = SourceNotes(source: "/srv/\u{1B}[2J", digests: ["sha256"])
        notes.removed = (3, 4_000)
        var asked = try request(5, notes: notes)
        _ = try asked.sign(with: RequestFleet.key(5))
        let words = try read(asked.file).words
        for line in [
            "release 5 of debian, fleet example", "  holds      7 files in 9 entries, 5 bytes",
            "  read from  /srv/\\x1b[2J, says the origin", "  takes away 3 files, 4000 bytes, says the origin",
            "set-debian 1, as root 1 and targets 1 want it", "  2 of 3 keys:",
            "    signed \(try RequestFleet.key(5).key.id) (person 5)",
            "    -      \(try RequestFleet.key(4).key.id) (person 4)",
        ] {
            #expect(words.contains(line), "\(line) in \(words)")
        }
        #expect(try read(asked.file).change.notes == notes)
    }

    @Test func `The role before needs the signatures of today, and the next version follows it`() throws {
        let bytes = try document(1)
        let before = try RequestFleet.role(signers: [4, 5]) { $0.add(release: 1, document: bytes) }
        #expect(try request(2, before: before).change.contents.version == 2)
        let alone = try RequestFleet.role(signers: [4]) { $0.add(release: 1, document: bytes) }
        #expect(throws: TrustFileError.self) { try request(2, before: alone) }
        // Version 1 again, where version 1 is there.
        let again = try RequestFleet.role { $0.add(release: 1, document: bytes) }
        let found = #expect(throws: TrustFileError.self) {
            try RoleChange(
                of: RequestFleet.debian, base: RequestFleet.trust(), before: before, to: again, target: target(1, bytes)
            )
        }
        #expect(found == .document(.rollback(RequestFleet.debian, held: 1, found: 1)))
        let unknown = FleetRoles.role(ofSet: "iso")
        #expect(throws: TrustFileError.unknownRole(unknown)) {
            try RoleChange(of: unknown, base: RequestFleet.trust(), before: nil, to: again, target: target(1, bytes))
        }
    }

    @Test func `What the file does not show is refused`() throws {
        let (bytes, other) = (try document(1), try document(1, note: "another"))
        let before = try RequestFleet.role(signers: [4, 5]) { $0.add(release: 1, document: bytes) }
        let held = try RequestFleet.contents(before)
        func change(_ shown: RoleChange.Target, _ edit: (inout SetRole) throws -> Void) throws -> RoleChange {
            try RoleChange(
                of: RequestFleet.debian, base: RequestFleet.trust(), before: before,
                to: RequestFleet.role(after: held, edit), target: shown)
        }
        let next = try document(2)
        // Other bytes than the role names.
        #expect(
            throws: TrustFileError.document(.otherTarget(target(2, next).path, role: RequestFleet.debian, version: 2))
        ) {
            try change(target(2, next + [0])) { $0.add(release: 2, document: next) }
        }
        // The release that is shown, and another content for one that mirrors have.
        #expect(throws: TrustFileError.hiddenTarget(target(1, bytes).path, role: RequestFleet.debian)) {
            try change(target(2, next)) {
                $0.add(release: 2, document: next)
                $0.add(release: 1, document: other)
            }
        }
        #expect(throws: TrustFileError.hiddenTarget(FleetRoles.yanked(ofSet: "debian"), role: RequestFleet.debian)) {
            try change(target(2, next)) {
                $0.add(release: 2, document: next)
                $0.set(yanked: [1])
            }
        }
    }

    @Test func `A target that is no release of its path, or not the newest, is refused`() throws {
        func refusal(
            _ shown: RoleChange.Target, before: [UInt8]? = nil, replacing replaced: [UInt8]? = nil
        ) throws -> ReleaseRequestError? {
            let held = try before.map(RequestFleet.contents)
            var targets = held?.targets ?? [:]
            targets[shown.path] = TargetDescription(of: shown.bytes)
            let change = try RoleChange(
                of: RequestFleet.debian, base: RequestFleet.trust(), before: before,
                to: RequestFleet.role((held?.version ?? 0) + 1, naming: targets), target: shown, replacing: replaced)
            return #expect(throws: ReleaseRequestError.self) { try ReleaseRequest(change) }
        }
        let bytes = try document(1)
        let before = try RequestFleet.role(signers: [4, 5]) { $0.add(release: 7, document: bytes) }
        #expect(
            try refusal(target(9, bytes), before: before)
                == .notOfItsPath(
                    target(9, bytes).path, set: "debian", sequence: 1))
        #expect(try refusal(target(1, bytes), before: before) == .notTheNewest(1))
        let named = try RequestFleet.role(signers: [4, 5]) { $0.add(release: 1, document: bytes) }
        #expect(try refusal(target(1, document(1, note: "another")), before: named, replacing: bytes) == .isNamed(1))
        let yanks = RoleChange.Target(path: FleetRoles.yanked(ofSet: "debian"), bytes: [1, 2, 3])
        guard case .badDocument = try refusal(yanks, before: before) else {
            Issue.record("a list of yanked paths is no release")
            return
        }
    }

    @Test func `Only the oldest releases may go`() throws {
        let old = try document(1)
        let before = try RequestFleet.role(signers: [4, 5]) { role in
            for sequence in UInt64(1)...UInt64(SetRole.releaseLimit) { role.add(release: sequence, document: old) }
            role.set(yanked: [1])
        }
        let next = UInt64(SetRole.releaseLimit) + 1
        #expect(try request(next, before: before).change.dropped == [target(1, old).path])
        // The list of yanked paths goes with it: yanked paths would be served again.
        let bytes = try document(next)
        var targets = try RequestFleet.contents(before).targets
        targets[FleetRoles.yanked(ofSet: "debian")] = nil
        targets[target(next, bytes).path] = TargetDescription(of: bytes)
        let change = try RoleChange(
            of: RequestFleet.debian, base: RequestFleet.trust(), before: before,
            to: RequestFleet.role(2, naming: targets), target: target(next, bytes))
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
            #expect(throws: TrustFileError.self) { try RoleChange(file: bytes) }
        }
        let change = try TrustChange(
            from: RequestFleet.trust(),
            to: { plan in
                var plan = plan
                try plan.expire(.targets, at: RequestFleet.expires)
                return plan
            }(TrustPlan(RequestFleet.trust())), expires: RequestFleet.expires)
        #expect(!RoleChange.isFile(change.file))
        #expect(throws: TrustFileError.self) { try TrustChange(file: file) }
    }
}
