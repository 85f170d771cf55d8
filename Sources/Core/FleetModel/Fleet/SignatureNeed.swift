package import UpdateFramework

/// One line of fleet.yaml that says something else than what is signed, and counts once it is signed as well.
package struct SignatureNeed: Encodable, Sendable, Hashable, CustomStringConvertible {
    /// The set.
    package let set: String
    /// The key of the set in fleet.yaml: `flip_quorum`, `max_delete`, `max_shrink` or `fetch`.
    package let key: String
    /// What is signed, in words.
    package let signed: String
    /// What fleet.yaml says, in words.
    package let wanted: String

    /// `debian: flip_quorum: 2, was 0`.
    package var description: String { "\(set): \(key): \(wanted), was \(signed)" }
}

extension Fleet {
    /// What has to be signed so that hosts go by this fleet.yaml.
    ///
    /// - Parameters:
    ///   - old: the fleet.yaml before: a key that it has and this one has not goes back to what hosts do by themselves;
    ///     nil: such a key stays as it is signed.
    ///   - signed: the policies of the newest targets, by set.
    /// - Returns: the lines, in the order of the sets, and the policies to sign: those of all sets that are others then.
    package func signatureNeeds(
        after old: Fleet? = nil, signed: [String: SignedPolicy]
    ) -> (lines: [SignatureNeed], policies: [String: SignedPolicy]) {
        var lines: [SignatureNeed] = []
        var policies: [String: SignedPolicy] = [:]
        for set in sets {
            let held = signed[set.name] ?? SignedPolicy()
            let wanted = wantedPolicy(of: set, after: old?.set(named: set.name), signed: held)
            guard wanted != held else { continue }
            policies[set.name] = wanted
            lines += Self.differences(held, wanted, set: set.name)
        }
        return (lines, policies)
    }

    /// The signed policy of a set with what this fleet.yaml says of it.
    private func wantedPolicy(of set: SetPolicy, after old: SetPolicy?, signed: SignedPolicy) -> SignedPolicy {
        let (new, old) = (set.binding, old?.binding ?? SetBinding())
        func wanted<Value>(_ new: Value?, wasSaid: Bool, _ signed: Value?) -> Value? {
            new ?? (wasSaid ? nil : signed)
        }
        return SignedPolicy(
            flipQuorum: wanted(new.flipQuorum, wasSaid: old.flipQuorum != nil, signed.flipQuorum) ?? 0,
            maxDelete: wanted(new.maxDelete, wasSaid: old.maxDelete != nil, signed.maxDelete),
            maxShrink: wanted(new.maxShrink, wasSaid: old.maxShrink != nil, signed.maxShrink),
            fetch: wanted(
                new.fetch.map { fetchRule($0, ofSet: set) }, wasSaid: old.fetch != nil, signed.fetch))
    }

    /// The rule to sign: with the hosts of the regions as they are now, and always the origin, which repairs itself from
    /// mirrors.
    package func fetchRule(_ policy: FetchPolicy, ofSet set: SetPolicy) -> FetchRule {
        FetchRule(
            mirrors: policy.mirrors + policy.readers + [set.origin],
            regions: Dictionary(
                policy.regions.map { region in (region, mirrors.filter { $0.region == region }.map(\.name)) },
                uniquingKeysWith: { first, _ in first }))
    }

    private static func differences(
        _ held: SignedPolicy, _ wanted: SignedPolicy, set: String
    ) -> [SignatureNeed] {
        let (before, after) = (held.words, wanted.words)
        return ["flip_quorum", "max_delete", "max_shrink", "fetch"].compactMap { key in
            let (was, becomes) = (before.first { $0.key == key }?.value, after.first { $0.key == key }?.value)
            guard was != becomes else { return nil }
            return SignatureNeed(set: set, key: key, signed: was ?? "not said", wanted: becomes ?? "not said")
        }
    }
}
