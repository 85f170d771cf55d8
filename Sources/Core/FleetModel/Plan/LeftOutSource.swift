/// A holder of the release that is no source, and why.
package struct LeftOutSource: Codable, Sendable, Hashable {
    /// Its name.
    package var name: String
    /// Why it is left out.
    package var reason: Reason

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        reason: Reason
    ) {
        self.name = name
        self.reason = reason
    }
}
