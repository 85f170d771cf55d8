/// What a stream carries; the kinds are also the priorities of sending.
package enum StreamKind: UInt8, Sendable, CaseIterable {
    /// Commands of operators.
    case control = 0
    /// Releases, manifest nodes, chunk lists, changesets.
    case metadata = 1
    /// A few chunks that somebody waits for.
    case interactive = 2
    /// Chunks in quantity.
    case bulk = 3

    /// Place in the order of sending: a lower one goes first.
    var urgency: Int {
        switch self {
        case .control: 0
        case .interactive: 1
        case .metadata: 2
        case .bulk: 3
        }
    }
}
