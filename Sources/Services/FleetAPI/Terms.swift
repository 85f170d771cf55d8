package import FleetModel

/// Answer to `GET /v1/term`: where the coordinator's plans stand among those that the agents follow.
package struct TermAnswer: Codable, Sendable, Equatable {
    /// The term of new plans.
    package var term: UInt64
    /// Name of the coordinator, to be signed with a new term.
    package var coordinator: String
    /// The highest generation that a mirror of the fleet said it follows; nil while none said.
    package var highest: Generation?
    /// A mirror that said so.
    package var highestMirror: String?
    /// Mirrors of the fleet that have not reported yet, ascending: what they follow is not known.
    package var silent: [String]
    /// Whether this coordinator has lost its plans: the mirrors follow higher ones than its next. It makes none before
    /// an operator has declared a new term.
    package var isNeeded: Bool

    /// An answer.
    package init(
        term: UInt64, coordinator: String, highest: Generation?, highestMirror: String?, silent: [String],
        isNeeded: Bool
    ) {
        self.term = term
        self.coordinator = coordinator
        self.highest = highest
        self.highestMirror = highestMirror
        self.silent = silent
        self.isNeeded = isNeeded
    }

    /// The lowest number that a new term may have: above ours and above what any mirror follows; nil above the largest
    /// number.
    package var next: UInt64? {
        let (next, isOver) = max(term, highest?.term ?? 0).addingReportingOverflow(1)
        return isOver ? nil : next
    }
}

/// Body of `POST /v1/term`: an operator's word that a new term begins.
package struct TermDeclaration: Codable, Sendable, Equatable {
    /// The encoded `SignedTerm`.
    package var signed: Base64Bytes

    /// Wraps an encoded `SignedTerm`.
    package init(signed: [UInt8]) {
        self.signed = Base64Bytes(signed)
    }
}
