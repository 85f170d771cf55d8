/// What an operator asks a plan about; nil means all.
package struct PlanRequest: Codable, Sendable, Hashable {
    /// The sets asked for.
    package var sets: [String]?
    /// The mirrors asked for.
    package var mirrors: [String]?

    /// Asks for the given sets and mirrors; nil means all.
    package init(sets: [String]? = nil, mirrors: [String]? = nil) {
        self.sets = sets
        self.mirrors = mirrors
    }
}
