/// What an agent does with a set at this moment.
///
/// Transitions: idle -> syncing | verifying | publishing -> idle; one at a time for each set.
package enum SetActivity: String, Codable, Sendable, Hashable, CaseIterable {
    /// Nothing but serving.
    case idle
    /// Fetching a release or making its tree.
    case syncing
    /// Hashing what is stored.
    case verifying
    /// Reading a source tree or committing a release (origin only).
    case publishing
}
