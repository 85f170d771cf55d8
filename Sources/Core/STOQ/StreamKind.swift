/// What a stream carries, and so how urgent it is. One connection carries all kinds; each has its own share of the
/// connection's credit, so that a full share of one kind never holds up another.
package enum StreamKind: UInt8, CaseIterable, Hashable, Sendable {
    /// Commands of operators and their events.
    case control = 0
    /// Releases, changesets, nodes, chunk lists.
    case metadata = 1
    /// Small answers that a person or a reader waits for.
    case interactive = 2
    /// Chunks.
    case bulk = 3

    /// All kinds, the most urgent first: a waiting frame of an earlier kind goes before any of a later one.
    package static let byUrgency: [StreamKind] = [.control, .interactive, .metadata, .bulk]
}
