/// The number of a plan: a term and a number within it. Agents refuse a plan of a lower generation than they follow.
package struct Generation: Codable, Sendable, Hashable, Comparable, LosslessStringConvertible {
    /// Rises only when a coordinator lost its state and an operator said so.
    package var term: UInt64
    /// Rises with every plan of a term.
    package var number: UInt64

    /// Makes the generation from its parts.
    package init(term: UInt64, number: UInt64) {
        self.term = term
        self.number = number
    }

    /// Reads `TERM.NUMBER`, e.g. `1.17`; nil when the text is not of that form.
    package init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let term = Self.number(parts[0]), let number = Self.number(parts[1]) else { return nil }
        self.init(term: term, number: number)
    }

    /// `TERM.NUMBER`.
    package var description: String { "\(term).\(number)" }

    /// By term, then by number.
    package static func < (left: Generation, right: Generation) -> Bool {
        (left.term, left.number) < (right.term, right.number)
    }

    /// Digits only: `UInt64("+1")` would be one, too.
    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }
}
