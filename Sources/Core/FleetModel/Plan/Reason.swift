/// Why the planner did or did not do something.
package struct Reason: Codable, Sendable, Hashable {
    /// The word for programs.
    package var code: ReasonCode
    /// The sentence for people, with the figures.
    package var text: String

    /// Makes the value from its parts; nothing is checked.
    package init(
        code: ReasonCode,
        text: String
    ) {
        self.code = code
        self.text = text
    }
}
