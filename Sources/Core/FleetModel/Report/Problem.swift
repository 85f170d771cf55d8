/// Something an operator should know, with the place it concerns and what to do.
package struct Problem: Codable, Sendable, Hashable {
    /// A stable word for programs, e.g. `bad-path`.
    package var code: String
    /// The mirror concerned.
    package var mirror: String?
    /// The set concerned.
    package var set: String?
    /// The path in the set, escaped for display.
    package var path: String?
    /// One sentence with the figures.
    package var message: String
    /// What to do next, as a command where there is one.
    package var hint: String?

    /// Makes the value from its parts; nothing is checked.
    package init(
        code: String,
        mirror: String? = nil,
        set: String? = nil,
        path: String? = nil,
        message: String,
        hint: String? = nil
    ) {
        self.code = code
        self.mirror = mirror
        self.set = set
        self.path = path
        self.message = message
        self.hint = hint
    }
}
