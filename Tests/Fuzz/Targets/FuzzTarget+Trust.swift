import Content
import SigningKeys
import Trust
import UpdateFramework

/// What operators carry from machine to machine: key files, and changes of trust.
extension FuzzTarget {
    static func keyFile(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        let contents: KeyFileText
        do {
            contents = try KeyFileText(text)
        } catch {
            return refused(error)
        }
        guard let written = SigningKeyFile.publicText(of: contents.key, owner: contents.comment),
            let again = try? KeyFileText(written), again.key.id == contents.key.id, again.comment == contents.comment
        else { throw FuzzFinding("a public key is not read back as it was written") }
        guard !again.isSecret else { throw FuzzFinding("a public text with a secret in it") }
        return true
    }

    static func trustChange(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let change: TrustChange
        do {
            change = try TrustChange(file: bytes)
        } catch {
            return refused(error)
        }
        guard let again = try? TrustChange(file: change.file), again.file == change.file, again.words == change.words
        else { throw FuzzFinding("a change is not read back as it was written") }
        guard change.isComplete == change.missing.isEmpty else {
            throw FuzzFinding("a change that lacks nothing and does not count, or the other way round")
        }
        return !change.words.isEmpty
    }

    static var keyFileSamples: [[UInt8]] {
        let publicLine = "ed25519:ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ="
        let secrets = [
            "", "ed25519-secret:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
            "ed25519-encrypted:scrypt:16:ZGVmZ2hpamtsbW5vcHFycw==:" + String(repeating: "A", count: 80),
            "ed25519-signer:/usr/bin/sign with token",
        ]
        return secrets.map { Array("# somebody\n\n\(publicLine)\n\($0)\n".utf8) }
    }

    static func roleChange(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let change: RoleChange
        do {
            change = try RoleChange(file: bytes)
        } catch {
            return refused(error)
        }
        guard let again = try? RoleChange(file: change.file), again.file == change.file, again.target == change.target,
            again.replaced == change.replaced, again.notes == change.notes
        else { throw FuzzFinding("a change of a role is not read back as it was written") }
        do {
            if YankRequest.isMeant(by: change) {
                let request = try YankRequest(change)
                guard request.list.encode() == change.target.bytes, request.added.isEmpty != request.removed.isEmpty
                else { throw FuzzFinding("a request for other yanks than it has") }
                return !request.words.isEmpty
            }
            let request = try ReleaseRequest(change)
            guard request.bytes == change.target.bytes, request.release.encode() == request.bytes else {
                throw FuzzFinding("a request for another release than it has")
            }
            return !request.words.isEmpty
        } catch let finding as FuzzFinding {
            throw finding
        } catch {
            return refused(error)
        }
    }

    static func trustChangeSamples() throws -> [[UInt8]] {
        var first = try firstChange()
        let unsigned = first.file
        for number: UInt8 in [1, 2] { _ = try first.sign(with: key(number)) }
        let trust = try trust(first)
        var next = TrustPlan(trust)
        try next.add(OwnedKey(key(5).key, owner: []), to: .root, threshold: 2)
        try next.expire(.targets, at: expires)
        var second = try TrustChange(from: trust, to: next, expires: expires)
        _ = try second.sign(with: key(1))
        return [unsigned, first.file, second.file]
    }

    static func roleChangeSamples() throws -> [[UInt8]] {
        var signed = try firstChange()
        for number: UInt8 in [1, 2] { _ = try signed.sign(with: key(number)) }
        let trust = try trust(signed)
        let document = try FuzzSamples.releaseDocument().encode()
        let sequence = try ReleaseDocument(decoding: document).sequence
        var role = SetRole(of: "debian", after: nil, now: expires)
        role.add(release: sequence, document: document)
        var notes = SourceNotes(source: "/srv/debian", digests: ["sha256"])
        notes.removed = (3, 4_000)
        var change = try RoleChange(
            of: FleetRoles.role(ofSet: "debian"), base: trust, before: nil,
            to: MetadataWriter.document(role.signed(fleet: "lab"), signatures: []),
            target: RoleChange.Target(path: FleetRoles.release(sequence, ofSet: "debian"), bytes: document),
            notes: notes)
        let unsigned = change.file
        _ = try change.sign(with: key(4))
        let (list, longer) = (try yankList(["pool/x"]), try yankList(["pool/x", "pool/y"]))
        let first = try yank(list, after: change)
        let second = try yank(longer, after: first, replacing: list)
        return [unsigned, change.file, first.file, second.file]
    }

    /// The change of the role after `held` that names `list` in the place of `replaced`, signed.
    private static func yank(
        _ list: [UInt8], after held: RoleChange, replacing replaced: [UInt8]? = nil
    ) throws -> RoleChange {
        var role = SetRole(of: "debian", after: held.contents, now: expires)
        role.set(yanked: list)
        var change = try RoleChange(
            of: held.role, base: held.base, before: held.document.document.bytes,
            to: MetadataWriter.document(role.signed(fleet: "lab"), signatures: []),
            target: RoleChange.Target(path: FleetRoles.yanked(ofSet: "debian"), bytes: list), replacing: replaced)
        _ = try change.sign(with: key(4))
        return change
    }

    private static func yankList(_ paths: [String]) throws -> [UInt8] {
        var list = YankList(fleet: "lab", set: "debian")
        for path in paths { _ = list.add(YankList.Entry(path: try RelativePath(path), reason: "bad", yankedAt: 5)) }
        return list.encode()
    }

    private static let expires = MetadataTime(secondsSince1970: 1_900_000_000)

    private static func key(_ number: UInt8) throws -> Ed25519SigningKey {
        guard let key = Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
            throw FuzzFinding("no key of 32 bytes")
        }
        return key
    }

    /// The first root and targets of a fleet: root by key 1, targets by 2, online 3, set-debian 4; not signed.
    private static func firstChange() throws -> TrustChange {
        func grant(_ number: UInt8) throws -> RoleGrant {
            RoleGrant([OwnedKey(try key(number).key, owner: Array("person \(number)".utf8))], threshold: 1)
        }
        let set = try SetGrant(set: "debian", grant(4))
        let plan = TrustPlan(
            root: try grant(1), targets: try grant(2), online: try grant(3), sets: [set].compactMap { $0 })
        return try TrustChange(fleet: Array("lab".utf8), first: plan, expires: expires)
    }

    private static func trust(_ first: TrustChange) throws -> FleetTrust {
        let documents = first.documents.map(\.document.bytes)
        return try FleetTrust(fleet: first.fleet, roots: [documents[0]], targets: documents[1])
    }
}
