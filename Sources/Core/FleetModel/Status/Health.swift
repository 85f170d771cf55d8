/// How well a mirror is, whatever the operator wants of it.
package enum Health: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nothing to say.
    case ok
    /// It works, with a problem that somebody should look at.
    case degraded
    /// It does not do its work.
    case failing
    /// It never reported.
    case unknown
}
