/// What a change says, in words for whoever is asked to sign it.
extension TrustChange {
    /// Lines without an indentation name a document, the others say what is in it: all of it, not only what is new, with
    /// `+` before a key that comes and `-` before one that goes.
    package var words: [String] {
        var lines: [String] = []
        for document in documents {
            let role = document.role
            let before = base.map { role == .root ? $0.root.version : $0.targets.version }
            let expires = role == .root ? root.expires : targets.expires
            lines.append(
                "\(role) \(document.version) of fleet \(PrintableText(fleet))"
                    + (before.map { ", after \(role) \($0)" } ?? ", the first one"))
            lines.append("  counts until \(expires)")
            let (old, new) = role == .root ? rootGrants : setGrants
            for (name, grant) in new { lines += Self.words(name, from: old.first { $0.0 == name }?.1, to: grant) }
            for (name, grant) in old where !new.contains(where: { $0.0 == name }) {
                lines.append("  - \(name): is a role no more")
                lines += grant.keys.map { Self.words($0, mark: "-") }
            }
            if role == .targets { lines += policyWords }
            if role == .targets, let base, base.targets.targets != targets.targets {
                lines.append("  and its own targets, which none of this program's changes touches")
            }
        }
        return lines
    }

    private typealias NamedGrants = [(RoleName, RoleGrant)]

    private var rootGrants: (old: NamedGrants, new: NamedGrants) {
        let order = [RoleName.root, .targets, .snapshot, .timestamp]
        return (
            base.map { base in order.map { ($0, base.root.grant(of: $0)) } } ?? [],
            order.map { ($0, root.grant(of: $0)) }
        )
    }

    private var setGrants: (old: NamedGrants, new: NamedGrants) {
        (base?.targets.setGrants.map { ($0.role, $0.grant) } ?? [], targets.setGrants.map { ($0.role, $0.grant) })
    }

    /// What is said of sets, with `+` and `-` where that changes.
    private var policyWords: [String] {
        let old = base?.targets.policies ?? [:]
        return Set(old.keys).union(targets.policies.keys).sorted().flatMap { set -> [String] in
            let (before, after) = (old[set]?.words ?? [], targets.policies[set]?.words ?? [])
            let lines =
                after.map { rule in
                    (before.contains { $0 == rule } ? "      " : "    + ") + "\(rule.key): \(rule.value)"
                } + before.filter { rule in !after.contains { $0 == rule } }.map { "    - \($0.key): \($0.value)" }
            return ["  policy of \(PrintableText(Array(set.utf8))):"] + lines
        }
    }

    private static func words(_ role: RoleName, from old: RoleGrant?, to new: RoleGrant) -> [String] {
        let need = "\(new.threshold) of \(new.keys.count) keys"
        let was = old.map { "\($0.threshold) of \($0.keys.count)" }
        let before = was.map { $0 == "\(new.threshold) of \(new.keys.count)" ? "" : ", was \($0)" } ?? ", new"
        var lines = ["  \(role): \(need)\(before)"]
        for owned in new.keys {
            let isKnown = old?.keys.contains { $0.key.id == owned.key.id } ?? false
            lines.append(words(owned, mark: isKnown ? " " : "+"))
        }
        for owned in old?.keys ?? [] where !new.keys.contains(where: { $0.key.id == owned.key.id }) {
            lines.append(words(owned, mark: "-"))
        }
        return lines
    }

    private static func words(_ owned: OwnedKey, mark: String) -> String {
        "    \(mark) \(owned.key.id.text) \(PrintableText(owned.key.keyType))"
            + (owned.owner.isEmpty ? "" : " (\(PrintableText(owned.owner)))")
    }
}
