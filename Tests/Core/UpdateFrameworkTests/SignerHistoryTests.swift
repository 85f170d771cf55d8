import SigningKeys
import TestSupport
import Testing
import UpdateFramework

/// Random histories of keys, thresholds and signers, beside a model that knows people only: who may sign, and who did.
@Suite struct SignerHistoryTests {
    /// What the model knows of a role.
    private struct Role {
        /// People by number; some under several ids.
        var people: [UInt8]
        var aliases: Set<UInt8>
        var threshold: Int

        /// Whether `signers` may speak for the role.
        func accepts(_ signers: Set<UInt8>) -> Bool { signers.intersection(people).count >= threshold }
    }

    @Test func `a root follows exactly when people of both versions suffice`() throws {
        var random = SplitMix64(test: "root histories", fallback: 20_261_128)
        var (accepted, refused) = (0, 0)
        for _ in 0..<60 {
            var held = randomRole(&random)
            var heldBytes = try root(version: 1, held, signers: Set(held.people))
            // A role that its own people cannot satisfy is no root to begin from.
            guard held.accepts(Set(held.people)) else { continue }
            var version: Int64 = 1
            for _ in 0..<8 {
                let new = randomRole(&random)
                let signers = Set((1...6).filter { _ in Bool.random(using: &random) } as [UInt8])
                let bytes = try root(version: version + 1, new, signers: signers)
                let isGood = held.accepts(signers) && new.accepts(signers)
                var update = try RepositoryUpdate(
                    trustedRoot: heldBytes, now: TestRepository.now, profile: .specification)
                _ = update.begin()
                let actions = update.handle(.fetched(bytes))
                if case .refused(let error)? = actions.last {
                    #expect(!isGood && error.label == "too-few-signers", "\(held), then \(new), by \(signers)")
                    refused += 1
                } else {
                    #expect(isGood, "\(held), then \(new), by \(signers)")
                    accepted += 1
                    (held, heldBytes, version) = (new, bytes, version + 1)
                }
            }
        }
        #expect(accepted > 30 && refused > 100, "\(accepted) accepted, \(refused) refused")
    }

    @Test func `one key under many ids counts once, in every role`() throws {
        for threshold in 1...3 {
            let role = Role(people: [1, 2], aliases: [1, 2], threshold: threshold)
            let bytes = try root(version: 1, role, signers: [1, 2])
            if threshold <= 2 {
                _ = try RepositoryUpdate(trustedRoot: bytes, now: TestRepository.now, profile: .specification)
            } else {
                #expect(
                    throws: UpdateError.tooFewSigners(
                        .root, delegator: .root, delegatorVersion: 1, found: 2, threshold: 3)
                ) {
                    try RepositoryUpdate(trustedRoot: bytes, now: TestRepository.now, profile: .specification)
                }
            }
        }
    }

    @Test func `a fleet takes no key under another id than its own`() throws {
        let bytes = try root(version: 1, Role(people: [1], aliases: [1], threshold: 1), signers: [1])
        #expect(throws: UpdateError.self) {
            try RepositoryUpdate(
                trustedRoot: bytes, now: TestRepository.now, profile: .fleet(TestRepository.fleet))
        }
    }

    private func randomRole(_ random: inout SplitMix64) -> Role {
        let people = ((1...6) as ClosedRange<UInt8>).filter { _ in Bool.random(using: &random) }
        return Role(
            people: people, aliases: Set(people.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }),
            threshold: Int.random(in: 1...max(1, min(3, people.count)), using: &random))
    }

    /// A root whose root role is `role`, signed by `signers` under every id that they have.
    private func root(version: Int64, _ role: Role, signers: Set<UInt8>) throws -> [UInt8] {
        let everybody = try ((1...6) as ClosedRange<UInt8>).map { try key($0) }
        let plain = RoleKeys(keyIDs: [everybody[0].key.id], threshold: 1)
        var signed = MetadataWriter(profile: .specification).signed(
            RootMetadata(
                version: version, expires: TestRepository.later(100), keys: everybody.map(\.key),
                roles: Dictionary(uniqueKeysWithValues: RoleName.topLevel.map { ($0, plain) })), role: .root)
        var ids: [JSONValue] = []
        for number in role.people {
            ids.append(.string(try key(number).key.id.bytes))
            guard role.aliases.contains(number) else { continue }
            ids.append(.text("alias-\(number)"))
            let object = try key(number).key.object
            signed.change(["keys", "alias-\(number)"]) { _ in .object(object) }
        }
        signed.change(["roles", "root", "keyids"]) { _ in .array(ids) }
        signed.change(["roles", "root", "threshold"]) { _ in .integer(Int64(role.threshold)) }
        var signatures: [MetadataSignature] = []
        for number in signers.sorted() {
            let signature = try MetadataWriter.signature(over: signed, by: try key(number))
            signatures.append(signature)
            let alias = try #require(KeyID(Array("alias-\(number)".utf8)))
            signatures.append(MetadataSignature(keyID: alias, bytes: signature.bytes))
        }
        return MetadataWriter.document(signed, signatures: signatures)
    }
}
