/// The state of a mirror, or of one set on it. Of those that apply the first in this order is taken.
///
/// A state is computed anew from the last report each time, so any may follow any other.
package enum MirrorState: String, Codable, Sendable, Hashable, CaseIterable, Comparable {
    /// The operator paused it.
    case paused
    /// The operator drained it.
    case drained
    /// It never reported.
    case unknown
    /// It missed ten reports or more.
    case down
    /// It missed three reports or more.
    case stale
    /// Bad paths, a wrong tree, or syncs that fail again and again.
    case failing
    /// It fetches a release.
    case syncing
    /// Behind the head for longer than the set's `max_lag`.
    case lagging
    /// Serves the head, or is behind it for less than `max_lag`.
    case inSync = "in-sync"

    /// In the order above: the state that is taken first is the lowest.
    package static func < (left: MirrorState, right: MirrorState) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .paused: 0
        case .drained: 1
        case .unknown: 2
        case .down: 3
        case .stale: 4
        case .failing: 5
        case .syncing: 6
        case .lagging: 7
        case .inSync: 8
        }
    }
}
