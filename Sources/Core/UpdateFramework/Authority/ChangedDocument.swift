/// A document of a change, with the rules that it has to meet.
package struct ChangedDocument: Sendable {
    /// Root or targets.
    package let role: RoleName
    /// Its version.
    package let version: Int64
    /// All of them have to be met.
    package let rules: [SignatureRule]
    /// With the signatures so far.
    package private(set) var document: SignedMetadata

    init(role: RoleName, version: Int64, rules: [SignatureRule], document: SignedMetadata) {
        self.role = role
        self.version = version
        self.rules = rules
        self.document = document
    }

    /// How far each rule is met.
    package var states: [RuleState] { rules.map { $0.state(of: document) } }
    /// Whether all rules are.
    package var isComplete: Bool { states.allSatisfy(\.isMet) }

    /// Adds those signatures that verify by a key of a rule and are not there; how many were added.
    @discardableResult
    mutating func add(_ signatures: [MetadataSignature]) -> Int {
        let before = Set(states.flatMap(\.signed).map(\.key.id))
        let named = Set(rules.flatMap { $0.grant.keys.map(\.key.id) })
        var kept = document.signatures.filter { before.contains($0.keyID) }
        for signature in signatures where named.contains(signature.keyID) && !before.contains(signature.keyID) {
            kept.append(signature)
        }
        let candidate = MetadataWriter.document(document.signed, signatures: kept)
        guard let read = try? SignedMetadata(candidate, byteCount: MetadataLimits.byteCount(of: role)) else { return 0 }
        let valid = Set(rules.flatMap { $0.state(of: read).signed }.map(\.key.id))
        let right = kept.filter { valid.contains($0.keyID) }
        let written = MetadataWriter.document(document.signed, signatures: right)
        guard let final = try? SignedMetadata(written, byteCount: MetadataLimits.byteCount(of: role)) else { return 0 }
        document = final
        return valid.subtracting(before).count
    }
}
