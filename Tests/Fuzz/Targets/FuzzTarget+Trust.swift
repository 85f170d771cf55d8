import SigningKeys
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

    static func trustChangeSamples() throws -> [[UInt8]] {
        func key(_ number: UInt8) throws -> Ed25519SigningKey {
            guard let key = Ed25519SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
                throw FuzzFinding("no key of 32 bytes")
            }
            return key
        }
        func grant(_ number: UInt8) throws -> RoleGrant {
            RoleGrant([OwnedKey(try key(number).key, owner: Array("person \(number)".utf8))], threshold: 1)
        }
        let fleet = Array("example".utf8)
        let expires = MetadataTime(secondsSince1970: 1_900_000_000)
        let set = try SetGrant(set: "debian", grant(4))
        let plan = TrustPlan(
            root: try grant(1), targets: try grant(2), online: try grant(3), sets: [set].compactMap { $0 })
        var first = try TrustChange(fleet: fleet, first: plan, expires: expires)
        let unsigned = first.file
        for number: UInt8 in [1, 2] { _ = try first.sign(with: key(number)) }
        let documents = first.documents.map(\.document.bytes)
        let trust = try FleetTrust(fleet: fleet, roots: [documents[0]], targets: documents[1])
        var next = TrustPlan(trust)
        try next.add(OwnedKey(key(5).key, owner: []), to: .root, threshold: 2)
        try next.expire(.targets, at: expires)
        var second = try TrustChange(from: trust, to: next, expires: expires)
        _ = try second.sign(with: key(1))
        return [unsigned, first.file, second.file]
    }
}
