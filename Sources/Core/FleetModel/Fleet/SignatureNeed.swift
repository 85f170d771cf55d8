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
    /// What has to be signed so that what binds the hosts of this fleet.yaml's sets is what it says of them, no more and no
    /// less: a line that was taken out of it is a difference as one that was added.
    ///
    /// - Parameter signed: the policies of the newest targets, by set.
    /// - Returns: the lines, in the order of the sets, and the policies to sign: those of all sets that are others then.
    package func signatureNeeds(
        signed: [String: SignedPolicy]
    ) -> (lines: [SignatureNeed], policies: [String: SignedPolicy]) {
        var lines: [SignatureNeed] = []
        var policies: [String: SignedPolicy] = [:]
        for set in sets {
            let held = signed[set.name] ?? SignedPolicy()
            let wanted = policy(of: set)
            guard wanted != held else { continue }
            policies[set.name] = wanted
            lines += Self.differences(held, wanted, set: set.name)
        }
        return (lines, policies)
    }

    /// What is signed of sets that this fleet.yaml does not have, ascending: it binds whoever still holds content of them,
    /// so nobody is asked to sign it away with the set's line.
    package func policiesOfOtherSets(signed: [String: SignedPolicy]) -> [SignatureNeed] {
        signed.filter { set(named: $0.key) == nil }.sorted { $0.key < $1.key }.flatMap { name, policy in
            Self.differences(policy, SignedPolicy(), set: name)
        }
    }

    private func policy(of set: SetPolicy) -> SignedPolicy {
        SignedPolicy(
            flipQuorum: set.binding.flipQuorum ?? 0, maxDelete: set.binding.maxDelete,
            maxShrink: set.binding.maxShrink, fetch: set.binding.fetch.map { fetchRule($0, ofSet: set) })
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
