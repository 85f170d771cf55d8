/// What every change of a role says, in words for whoever is asked to sign it.
extension RoleChange {
    /// Of which version it is, who may sign, and who has.
    package var words: [String] {
        var lines = [
            "\(role) \(contents.version), as root \(base.root.version) and targets \(base.targets.version) want it",
            "  counts until \(contents.expires)",
        ]
        if !dropped.isEmpty {
            lines.append("  names no more: \(dropped.map(\.description).joined(separator: ", "))")
        }
        for state in document.states {
            lines.append("  \(state.rule.grant.threshold) of \(state.rule.grant.keys.count) keys:")
            let signed = Set(state.signed.map(\.key.id))
            lines += state.rule.grant.keys.map {
                (signed.contains($0.key.id) ? "    signed " : "    -      ") + $0.words
            }
        }
        return lines
    }
}
