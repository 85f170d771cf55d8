package import FleetModel

/// Body of `POST /v1/fleet`: an operator hands in a changed fleet.yaml.
package struct PolicyOrder: Codable, Sendable, Equatable {
    /// The text, byte for byte.
    package var text: Base64Bytes
    /// Only say what would change.
    package var dryRun: Bool
    /// Rules that the operator knows are broken, and means to break.
    package var allow: [PolicyRefusal.Code]
    /// A host that leaves the fleet for good: what is kept of it, also what operators said, is forgotten.
    package var expunge: String?

    /// An order.
    package init(text: [UInt8], dryRun: Bool, allow: [PolicyRefusal.Code] = [], expunge: String? = nil) {
        self.text = Base64Bytes(text)
        self.dryRun = dryRun
        self.allow = allow
        self.expunge = expunge
    }
}

/// Answer to `POST /v1/fleet`: what changes, and what speaks against it.
package struct PolicyAnswer: Codable, Sendable, Equatable {
    /// BLAKE3 of the text that was in force before, in hexadecimal.
    package var before: String
    /// BLAKE3 of the text handed in, in hexadecimal.
    package var after: String
    /// Whether the text handed in is in force now.
    package var isApplied: Bool
    /// What differs from the text in force, in the order of the file.
    package var changes: [PolicyChange]
    /// Rules that are broken and not allowed; nothing is applied if there is one.
    package var refusals: [PolicyRefusal]
    /// Paths of changes that hold only after a restart of the coordinator.
    package var afterRestart: [String]

    /// An answer.
    package init(
        before: String, after: String, isApplied: Bool, changes: [PolicyChange], refusals: [PolicyRefusal],
        afterRestart: [String]
    ) {
        self.before = before
        self.after = after
        self.isApplied = isApplied
        self.changes = changes
        self.refusals = refusals
        self.afterRestart = afterRestart
    }
}
